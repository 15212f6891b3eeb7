//! The floor of the list rises past what has long expired, by whole chunks, and never past anything that may live.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use rand_core::Rng as _;
use wardkey::KeyId;
use wardkey_registry::{
    Call, Conflict, RegistryError, Reply, RevokeRequest, Row, Store, SuspendRequest, Value,
};
use wardkey_testkit::{
    Book, Followed, ListReader, authority, bootstrap_call, conflict, key_request, seeded_rng,
};

const CHUNK: u32 = 32_768;
const HOUR_MS: u64 = 3_600_000;

/// Makes a key and answers its id and status index.
fn make(book: &Book, admin: &str) -> (String, u32) {
    let call = Call::CreateKey {
        authority: authority(admin, None),
        request: key_request(&["reports:read"]),
    };
    let created = book.ask_created(call).unwrap();
    let key = created.key.unwrap();
    let index = wardkey::inspect(key.secret_str()).unwrap().base().status_index;
    (created.view.key_id, index.0)
}

/// Revokes a key; answers the list's sequence from which on it is dead.
fn revoke(book: &Book, admin: &str, key_id: &str) -> u64 {
    let call = Call::RevokeKey {
        authority: authority(admin, None),
        key_id: key_id.into(),
        request: RevokeRequest::default(),
    };
    sequence_of(book.ask(call).unwrap())
}

fn suspend(book: &Book, admin: &str, key_id: &str, suspended: bool) -> Result<u64, RegistryError> {
    let call = Call::SuspendKey {
        authority: authority(admin, None),
        key_id: key_id.into(),
        suspended,
        request: SuspendRequest::default(),
    };
    book.ask(call).map(sequence_of)
}

fn sequence_of(reply: Reply) -> u64 {
    match reply {
        Reply::Revoked(revoked) => revoked.sequence,
        other => panic!("{other:?}"),
    }
}

/// A new administrator, the earlier ones having expired.
fn recover(book: &Book, token: u8) -> String {
    let created = book.ask_created(bootstrap_call(1, [token; 32], None, None)).unwrap();
    created.key.unwrap().secret_str().to_owned()
}

fn number(book: &Book, sql: &str) -> u32 {
    match book.store.query(sql, &[]).unwrap().first() {
        Some(Row(row)) => match row.first() {
            Some(Value::Integer(number)) => u32::try_from(*number).unwrap(),
            other => panic!("{other:?}"),
        },
        None => panic!("no row"),
    }
}

#[test]
fn whole_chunks_fall_a_day_after_their_last_key_has_expired() {
    let book = Book::in_memory(31).unwrap();
    let admin = book.bootstrap().unwrap();
    let start = book.now().0;
    let first = number(&book, "SELECT first_index FROM list_floor");
    // The administrator is the first of chunk 0 and lives for a day, all others for an hour.
    let (template, second) = make(&book, &admin);
    assert_eq!(second, first + 1);
    let ids = fill(&book, &template, CHUNK + 1_000);
    let index_of = |nth: usize| second + 1 + nth as u32;
    as_if_minted(&book, 1, start / 1_000 + 3_600);
    let floor = first + 2 * CHUNK;
    let (revoked_id, revoked) = make(&book, &admin);
    let (suspended_id, suspended) = make(&book, &admin);
    let (_, living) = make(&book, &admin);
    assert_eq!(revoked, floor);
    for key_id in [ids[10].to_string(), ids[CHUNK as usize + 20].to_string(), revoked_id] {
        revoke(&book, &admin, &key_id);
    }
    for key_id in [ids[11].to_string(), suspended_id] {
        suspend(&book, &admin, &key_id, true).unwrap();
    }
    let mut reader = ListReader::new(&book, &admin).unwrap();
    assert_eq!(reader.follow(&book).unwrap(), Followed::ByState);
    let before = reader.head(&book).unwrap();
    book.alarm().unwrap();

    // Chunk 1 is over after 25 hours; chunk 0 is not, and the floor jumps over nothing.
    book.set_now(start + 47 * HOUR_MS);
    book.alarm().unwrap();
    assert_eq!(reader.head(&book).unwrap().sequence(), before.sequence());
    // Its state is written to KV once more.
    book.alarm().unwrap();
    assert_eq!(book.next_due().unwrap().map(|due| due.0), Some(start + 48 * HOUR_MS));
    book.set_now(start + 48 * HOUR_MS - 1);
    assert_eq!(reader.head(&book).unwrap().sequence(), before.sequence());
    assert_eq!(reader.follow(&book).unwrap(), Followed::ByHead);
    assert_eq!(reader.is_dead(index_of(12)), Some(false));

    // No alarm has to ring for it.
    book.set_now(start + 48 * HOUR_MS);
    let risen = reader.head(&book).unwrap();
    assert_eq!(risen.sequence(), start + 48 * HOUR_MS);
    // Code of before would take a chunk for another one: it reads the schema's version as 32 bits, and stops there.
    let sql =
        "SELECT 1 FROM tenant WHERE schema_version > 4294967295 AND schema_version < 8589934592";
    assert_eq!(book.store.query(sql, &[]).unwrap().len(), 1);
    assert_eq!(reader.follow(&book).unwrap(), Followed::ByHead);
    for index in [first, index_of(10), index_of(12), floor - 1, revoked, suspended] {
        assert_eq!(reader.is_dead(index), Some(true), "{index}");
    }
    for index in [living, living + 1, u32::MAX] {
        assert_eq!(reader.is_dead(index), Some(false), "{index}");
    }
    // Whoever has no list yet comes to the same one, and the state of before is still there for who asks late.
    let state = ListReader::state(&book, &risen).unwrap();
    assert_eq!(state.digest(), risen.state_digest());
    let earlier = ListReader::state(&book, &before).unwrap();
    assert_eq!(earlier.digest(), before.state_digest());
    assert!(!earlier.is_dead(index_of(12)) && earlier.is_dead(index_of(10)));
    book.pass(600_001);
    assert_eq!(ListReader::state(&book, &before).err(), Some(RegistryError::NotFound));

    // Life goes on above the floor, and below it everything is dead and stays so.
    let admin = recover(&book, 2);
    let sequence = reader.head(&book).unwrap().sequence();
    assert_eq!(revoke(&book, &admin, &ids[12].to_string()), sequence);
    let ended = conflict(suspend(&book, &admin, &ids[11].to_string(), false));
    assert_eq!(ended, Conflict::KeyEnded);
    assert_eq!(reader.is_dead(index_of(11)), Some(true));
    let (key_id, index) = make(&book, &admin);
    assert!(revoke(&book, &admin, &key_id) > sequence);
    assert_eq!(reader.follow(&book).unwrap(), Followed::ByHead);
    assert_eq!(reader.is_dead(index), Some(true));
    assert_eq!(reader.is_dead(index - 1), Some(false));
    let head = reader.head(&book).unwrap();
    assert_eq!(ListReader::state(&book, &head).unwrap().digest(), head.state_digest());

    // A chunk that has indexes left to give never falls, however old.
    book.pass(10 * 365 * 24 * HOUR_MS);
    book.alarm().unwrap();
    assert_eq!(number(&book, "SELECT fallen FROM list_floor"), 2);
    let (_, index) = make(&book, &recover(&book, 3));
    reader.follow(&book).unwrap();
    assert_eq!(reader.is_dead(index), Some(false));
}

/// Makes many keys whose records are in KV already: to seal them all would take long.
fn fill(book: &Book, like: &str, keys: u32) -> Vec<KeyId> {
    let ids = book.fill(like, keys).unwrap();
    book.store.execute("DELETE FROM outbox", &[]).unwrap();
    ids
}

/// Writes what the minting of the rest of a chunk and of some more of them would have left: keys that expire at a second.
fn as_if_minted(book: &Book, chunks: u32, expires_at: u64) {
    let first = number(book, "SELECT first_index FROM list_floor");
    let next = number(book, "SELECT next_index FROM tenant");
    let begun = (next - first) / CHUNK;
    for number in begun..begun + chunks {
        let sql = "INSERT INTO list_expiry (number, generations, latest) VALUES (?1, 32768, ?2)
                   ON CONFLICT (number) DO UPDATE SET generations = 32768, latest = max(latest, ?2)";
        book.store.execute(sql, &[number.into(), expires_at.into()]).unwrap();
    }
    let next = first + (begun + chunks) * CHUNK;
    book.store.execute("UPDATE tenant SET next_index = ?", &[next.into()]).unwrap();
}

/// Eight verifiers that look now and then, over floors that rise, forgotten versions and a clock that steps back.
#[test]
fn verifiers_follow_at_any_lag_over_rising_floors() {
    const SEED: u64 = 20_261_128;
    println!("seed {SEED}");
    let book = Book::in_memory(SEED).unwrap();
    let mut admin = book.bootstrap().unwrap();
    let mut rng = seeded_rng(SEED);
    let mut readers: Vec<_> = (0..8).map(|_| ListReader::new(&book, &admin).unwrap()).collect();
    let (mut dead, mut alive) = (BTreeSet::new(), BTreeSet::new());
    let (mut by_head, mut by_state, mut recovered) = (0, 0, 10);
    for step in 0..400_u32 {
        if step % 10 == 7 {
            let chunks = 1 + rng.next_u32() % 3;
            as_if_minted(&book, chunks, book.now().0 / 1_000 + 3_600);
        }
        if step % 50 == 49 {
            // All of them are over a day later, and so is the administrator.
            book.pass(49 * HOUR_MS);
            recovered += 1;
            admin = recover(&book, recovered);
        }
        for _ in 0..3 {
            let (key_id, index) = make(&book, &admin);
            if rng.next_u32().is_multiple_of(3) {
                revoke(&book, &admin, &key_id);
                dead.insert(index);
            } else {
                alive.insert(index);
            }
        }
        match rng.next_u32() % 20 {
            0 => book.pass(700_000),
            1 => book.set_now(book.now().0 - 3_000),
            2..=8 => {}
            _ => book.pass(u64::from(rng.next_u32() % 3_000)),
        }
        if rng.next_u32().is_multiple_of(4) {
            book.alarm().unwrap();
        }
        for (slot, reader) in readers.iter_mut().enumerate() {
            if !rng.next_u32().is_multiple_of(1 << (slot / 2)) {
                continue;
            }
            match reader.follow(&book).unwrap() {
                Followed::ByHead => by_head += 1,
                Followed::ByState => by_state += 1,
            }
            let floor = number(&book, "SELECT first_index + 32768 * fallen FROM list_floor");
            for index in &dead {
                assert_eq!(reader.is_dead(*index), Some(true), "{index}");
            }
            for index in &alive {
                assert_eq!(reader.is_dead(*index), Some(*index < floor), "{index}");
            }
        }
    }
    let fallen = number(&book, "SELECT fallen FROM list_floor");
    println!("{fallen} chunks fell; {by_head} followed by the head, {by_state} by the state");
    assert!(fallen > 20 && by_head > 500 && by_state > 50);
    // What has fallen is forgotten but for the last rises.
    let kept = number(
        &book,
        "SELECT count(*) FROM list_chunk WHERE number < (SELECT fallen FROM list_floor)",
    );
    assert!(kept <= 64, "{kept}");
    let expiries =
        "SELECT count(*) FROM list_expiry WHERE number < (SELECT fallen FROM list_floor)";
    assert_eq!(number(&book, expiries), 0);
}

#[test]
fn no_transaction_raises_the_floor_by_more_than_64_chunks() {
    let book = Book::in_memory(32).unwrap();
    let admin = book.bootstrap().unwrap();
    as_if_minted(&book, 200, book.now().0 / 1_000);
    let (_, living) = make(&book, &admin);
    let mut reader = ListReader::new(&book, &admin).unwrap();
    reader.follow(&book).unwrap();
    let first = number(&book, "SELECT first_index FROM list_floor");
    book.pass(49 * HOUR_MS);
    for fallen in [64, 128, 192, 200, 200] {
        // Each call takes a step, whatever it is about.
        assert_eq!(reader.follow(&book).unwrap(), Followed::ByHead);
        assert_eq!(number(&book, "SELECT fallen FROM list_floor"), fallen);
        assert_eq!(reader.is_dead(first + fallen * CHUNK - 1), Some(true));
        assert_eq!(reader.is_dead(first + fallen * CHUNK), Some(false));
    }
    assert_eq!(reader.is_dead(living), Some(false));
}

/// An object of the Worker before knows neither the digests' row nor a floor that has risen.
#[test]
fn a_list_of_the_worker_before_is_taken_over() {
    let book = Book::in_memory(33).unwrap();
    let admin = book.bootstrap().unwrap();
    let (template, _) = make(&book, &admin);
    fill(&book, &template, CHUNK + 50);
    let (key_id, index) = make(&book, &admin);
    let expiries = "SELECT number, generations, latest FROM list_expiry ORDER BY number";
    let counted = book.store.query(expiries, &[]).unwrap();
    assert_eq!(counted.len(), 2);
    for (kind, name) in [
        ("TRIGGER", "list_expiry_of_generation"),
        ("TABLE", "list_floor"),
        ("TABLE", "list_expiry"),
        ("TABLE", "list_digests"),
        ("TABLE", "list_copy"),
        ("INDEX", "list_version_by_time"),
        ("INDEX", "binding_by_scope"),
        ("INDEX", "key_by_audience"),
        ("INDEX", "key_by_subject_and_audience"),
    ] {
        book.store.execute(&format!("DROP {kind} {name}"), &[]).unwrap();
    }
    book.store.execute("UPDATE tenant SET schema_version = 4", &[]).unwrap();

    let mut reader = ListReader::new(&book, &admin).unwrap();
    assert_eq!(book.store.query(expiries, &[]).unwrap(), counted);
    revoke(&book, &admin, &key_id);
    reader.follow(&book).unwrap();
    assert_eq!(reader.is_dead(index), Some(true));

    // The first chunk is over after two days, and falls a day later: by then no old object works on the list.
    book.pass(48 * HOUR_MS);
    book.alarm().unwrap();
    assert_eq!(number(&book, "SELECT fallen FROM list_floor"), 0);
    let due = book.now().0 + 24 * HOUR_MS;
    assert_eq!(book.next_due().unwrap().map(|due| due.0), Some(due));
    book.set_now(due);
    book.alarm().unwrap();
    assert_eq!(number(&book, "SELECT fallen FROM list_floor"), 1);
    // What shuts out code of before stays when a schema follows.
    book.store.execute("UPDATE tenant SET schema_version = schema_version - 1", &[]).unwrap();
    let version = "SELECT schema_version - 4294967296 FROM tenant";
    let before = number(&book, version);
    book.next_due().unwrap();
    assert_eq!(number(&book, version), before + 1);
    reader.follow(&book).unwrap();
}

#[test]
fn digests_that_are_not_the_lists_are_made_anew() {
    let book = Book::in_memory(34).unwrap();
    let admin = book.bootstrap().unwrap();
    as_if_minted(&book, 3, book.now().0 / 1_000);
    let mut reader = ListReader::new(&book, &admin).unwrap();
    for spoil in [
        "UPDATE list_digests SET digests = zeroblob(length(digests))",
        "UPDATE list_digests SET digests = substr(digests, 1, 32)",
        "UPDATE list_digests SET digests = x''",
        "DELETE FROM list_digests",
    ] {
        let (key_id, index) = make(&book, &admin);
        revoke(&book, &admin, &key_id);
        // Positive control: there is something to spoil.
        assert_eq!(number(&book, "SELECT length(digests) FROM list_digests"), 4 * 32);
        book.store.execute(spoil, &[]).unwrap();
        let (next_id, next) = make(&book, &admin);
        revoke(&book, &admin, &next_id);
        reader.follow(&book).unwrap();
        assert_eq!([reader.is_dead(index), reader.is_dead(next)], [Some(true); 2], "{spoil}");
        let head = reader.head(&book).unwrap();
        assert_eq!(ListReader::state(&book, &head).unwrap().digest(), head.state_digest());
        book.pass(1);
    }
}

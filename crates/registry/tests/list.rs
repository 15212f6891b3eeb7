//! The list says exactly what was revoked, in every version that a head has named.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use rand_core::Rng as _;
use wardkey::{Adoption, Bounds, Head, KeySet, List, State, UnverifiedHead, UnverifiedKey};
use wardkey_registry::{Call, RegistryError, Reply, RevokeRequest, Store, WireBytes};
use wardkey_testkit::{Book, authority, key_request, seeded_rng};

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bytes(bytes) => bytes.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    }
}

fn key_set_of(book: &Book, admin: &str) -> KeySet {
    let call = Call::AdmitVerifier {
        authority: authority(admin, None),
        audience: Some("api".into()),
        has: Vec::new(),
    };
    match book.ask(call).unwrap() {
        Reply::Verifier(material) => KeySet::parse(material.key_set.unwrap().as_bytes()).unwrap().0,
        other => panic!("{other:?}"),
    }
}

fn head(book: &Book, key_set: &KeySet) -> Head {
    let bytes = bytes(book.ask(Call::Head).unwrap());
    *UnverifiedHead::parse(&bytes).unwrap().authenticate(key_set).unwrap().head()
}

fn state(book: &Book, head: &Head) -> Result<State<Vec<u8>>, RegistryError> {
    let digest = WireBytes::new(head.state_digest());
    let reply = book.ask(Call::State { sequence: head.sequence(), digest })?;
    Ok(State::parse(&bytes(reply)).unwrap())
}

/// Makes a key and answers its id and status index.
fn make(book: &Book, admin: &str) -> (String, u32) {
    let call = Call::CreateKey {
        authority: authority(admin, None),
        request: key_request(&["reports:read"]),
    };
    let created = book.ask_created(call).unwrap();
    let key = created.key.unwrap();
    let index = UnverifiedKey::parse(key.secret_str()).unwrap().unproven_base().status_index;
    (created.view.key_id, index.0)
}

fn revoke(book: &Book, admin: &str, key_id: &str) {
    let call = Call::RevokeKey {
        authority: authority(admin, None),
        key_id: key_id.into(),
        request: RevokeRequest::default(),
    };
    book.ask(call).unwrap();
}

#[test]
fn every_version_that_a_head_named_is_answered_as_it_was_for_ten_minutes() {
    const SEED: u64 = 20_261_123;
    println!("seed {SEED}");
    let book = Book::in_memory(SEED).unwrap();
    let admin = book.bootstrap().unwrap();
    let key_set = key_set_of(&book, &admin);
    let mut rng = seeded_rng(SEED);
    let mut alive = BTreeMap::new();
    let mut dead = BTreeSet::new();
    let mut named = Vec::new();
    for step in 0..120_u32 {
        // Now and then as if tens of thousands of keys had been made: the list spans several chunks.
        if step % 17 == 5 {
            let jump = u64::from(rng.next_u32() % 70_000);
            book.store
                .execute("UPDATE tenant SET next_index = next_index + ?", &[jump.into()])
                .unwrap();
        }
        let (key_id, index) = make(&book, &admin);
        alive.insert(index, key_id);
        if step % 2 == 0 {
            let nth = rng.next_u32() as usize % alive.len();
            let index = *alive.keys().nth(nth).unwrap();
            let key_id = alive.remove(&index).unwrap();
            revoke(&book, &admin, &key_id);
            dead.insert(index);
            // Again: nothing changes.
            let before = head(&book, &key_set).sequence();
            revoke(&book, &admin, &key_id);
            assert_eq!(head(&book, &key_set).sequence(), before);
        }
        named.push((head(&book, &key_set), dead.clone()));
        book.pass(1_000);
    }
    let mut checked = 0;
    for (head, dead_then) in &named {
        let state = state(&book, head).unwrap();
        assert_eq!(state.digest(), head.state_digest(), "sequence {}", head.sequence());
        for index in alive.keys().chain(&dead) {
            assert_eq!(state.is_dead(*index), dead_then.contains(index), "index {index}");
            checked += 1;
        }
    }
    let versions: BTreeSet<u64> = named.iter().map(|(head, _)| head.sequence()).collect();
    println!("{} versions, {} indexes checked", versions.len(), checked);
    assert!(versions.len() > 50 && checked > 10_000);

    // Ten minutes after a version was superseded it is gone; the one in force stays.
    book.pass(600_001);
    let (newest, _) = named.last().unwrap();
    for (head, _) in &named {
        let answer = state(&book, head);
        if head.sequence() == newest.sequence() {
            assert!(answer.is_ok());
        } else {
            assert_eq!(answer.err(), Some(RegistryError::NotFound), "sequence {}", head.sequence());
        }
    }
}

#[test]
fn the_same_head_is_given_for_a_second_unless_a_mutation_comes_between() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let (key_id, _) = make(&book, &admin);
    let first = bytes(book.ask(Call::Head).unwrap());
    book.pass(999);
    assert_eq!(bytes(book.ask(Call::Head).unwrap()), first);
    book.pass(1);
    let later = bytes(book.ask(Call::Head).unwrap());
    assert_ne!(later, first);
    revoke(&book, &admin, &key_id);
    assert_ne!(bytes(book.ask(Call::Head).unwrap()), later);
}

#[test]
fn a_clock_that_steps_back_moves_neither_heads_nor_sequences_back() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let key_set = key_set_of(&book, &admin);
    let (key_id, _) = make(&book, &admin);
    let (other_id, _) = make(&book, &admin);
    book.pass(10_000);
    revoke(&book, &admin, &other_id);
    let before = head(&book, &key_set);
    // A sequence is never behind the clock: an object that is no longer the current one cannot
    // stamp old bits with a newer number.
    assert_eq!(before.sequence(), book.now().0);
    book.set_now(book.now().0 - 5_000_000);
    revoke(&book, &admin, &key_id);
    let after = head(&book, &key_set);
    assert!(after.sequence() > before.sequence());
    assert!(after.issued_at() >= before.issued_at());
}

#[test]
fn a_state_that_no_head_named_is_not_answered() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let head = head(&book, &key_set_of(&book, &admin));
    assert!(state(&book, &head).is_ok());
    let ask = |sequence, digest: [u8; 32]| {
        book.ask(Call::State { sequence, digest: WireBytes::new(digest) }).err()
    };
    assert_eq!(ask(head.sequence() + 1, head.state_digest()), Some(RegistryError::NotFound));
    assert_eq!(ask(head.sequence(), [0; 32]), Some(RegistryError::NotFound));
}

/// Eight verifiers that look now and then, over forgotten versions and a clock that steps back.
#[test]
fn verifiers_follow_at_any_lag_over_trimming() {
    let book = Book::in_memory(9).unwrap();
    let admin = book.bootstrap().unwrap();
    let key_set = key_set_of(&book, &admin);
    let mut rng = seeded_rng(9);
    let mut lists: Vec<Option<List<Vec<u8>>>> = (0..8).map(|_| None).collect();
    let (mut dead, mut alive) = (BTreeSet::new(), BTreeSet::new());
    let (mut by_changes, mut by_state) = (0, 0);
    for step in 0..900_u32 {
        if step % 40 == 7 {
            let jump = u64::from(rng.next_u32() % 20_000);
            book.store
                .execute("UPDATE tenant SET next_index = next_index + ?", &[jump.into()])
                .unwrap();
        }
        let (key_id, index) = make(&book, &admin);
        if rng.next_u32().is_multiple_of(4) {
            alive.insert(index);
        } else {
            revoke(&book, &admin, &key_id);
            dead.insert(index);
        }
        match rng.next_u32() % 20 {
            0 => book.pass(700_000),
            1 => book.set_now(book.now().0 - 3_000),
            2..=8 => {}
            _ => book.pass(u64::from(rng.next_u32() % 3_000)),
        }
        for (slot, list) in lists.iter_mut().enumerate() {
            if !rng.next_u32().is_multiple_of(1 << slot) {
                continue;
            }
            let head = bytes(book.ask(Call::Head).unwrap());
            let head = UnverifiedHead::parse(&head).unwrap().authenticate(&key_set).unwrap();
            // The registry's time may be ahead of a clock that stepped back.
            let now = book.now().max(head.head().issued_at());
            let adoption = List::adopt(list, &head, None, now, &Bounds::DEFAULT).unwrap();
            if adoption == Adoption::StateNeeded {
                by_state += 1;
                let digest = WireBytes::new(head.head().state_digest());
                let call = Call::State { sequence: head.head().sequence(), digest };
                let state = State::parse(&bytes(book.ask(call).unwrap())).unwrap();
                let adopted = List::adopt(list, &head, Some(state), now, &Bounds::DEFAULT);
                assert_eq!(adopted, Ok(Adoption::Adopted));
            } else {
                by_changes += 1;
            }
            let state = list.as_ref().unwrap().state();
            assert!(dead.iter().all(|index| state.is_dead(*index)));
            assert!(alive.iter().all(|index| !state.is_dead(*index)));
        }
    }
    assert!(by_changes > 1_000 && by_state > 50, "{by_changes} by changes, {by_state} by state");
}

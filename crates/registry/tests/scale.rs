//! What an operation costs does not depend on how many keys a tenant has. Nothing here is timed: SQLite counts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use wardkey::MAX_BASE_LEN;
use wardkey_provision::KeyRequest;
use wardkey_registry::{
    Call, ListRequest, Reply, RevokeRequest, RotateRequest, Store as _, StrictVerdict,
    UpdateRequest, WireBytes,
};
use wardkey_testkit::{Book, Cost, ListReader, SqliteStore, authority, key_request};

/// Within one chunk of the list, and over the boundary of two.
const SIZES: [u32; 2] = [1_000, 40_000];

/// Tables that grow with a tenant, its acts or its list.
const BIG: [&str; 14] = [
    "key",
    "key_tag",
    "generation",
    "audit",
    "binding",
    "idempotency",
    "outbox",
    "list_version",
    "list_chunk",
    "list_expiry",
    "list_copy",
    "refusal_count",
    "revocation",
    "revocation_issuer",
];

/// The most that one operation costs, with what its object does after it to arm the alarm.
const MOST: [(&str, Most); 17] = [
    ("mint", Most { statements: 45, rows_written: 7, steps: 1_100 }),
    ("rotate", Most { statements: 50, rows_written: 7, steps: 1_250 }),
    ("revoke", Most { statements: 50, rows_written: 9, steps: 1_250 }),
    (TWO_GENERATIONS, Most { statements: 52, rows_written: 10, steps: 1_300 }),
    ("check", Most { statements: 35, rows_written: 3, steps: 650 }),
    ("head", Most { statements: 36, rows_written: 4, steps: 620 }),
    ("head again", Most { statements: 33, rows_written: 2, steps: 520 }),
    ("list 10 keys", Most { statements: 55, rows_written: 0, steps: 1_450 }),
    ("list a rare key", Most { statements: 36, rows_written: 0, steps: 900 }),
    ("list 10 keys of a subject", Most { statements: 60, rows_written: 0, steps: 1_600 }),
    ("list 10 keys of a tag", Most { statements: 55, rows_written: 0, steps: 1_600 }),
    ("list 10 keys of a subject and a tag", Most { statements: 55, rows_written: 0, steps: 1_600 }),
    ("list a key of a rare tag", Most { statements: 40, rows_written: 0, steps: 1_100 }),
    ("list a rare subject of a tag", Most { statements: 40, rows_written: 0, steps: 1_100 }),
    ("change a tag and look", Most { statements: 66, rows_written: 8, steps: 1_800 }),
    ("read the log", Most { statements: 36, rows_written: 0, steps: 1_550 }),
    ("revoke an administrator", Most { statements: 55, rows_written: 8, steps: 1_350 }),
];

const TWO_GENERATIONS: &str = "revoke two generations";

struct Most {
    statements: u64,
    rows_written: u64,
    steps: u64,
}

struct Tenant {
    book: Book<SqliteStore>,
    admin: String,
    /// In the order of their status indexes.
    keys: Vec<String>,
}

/// A tenant of so many keys, with nothing left to do and a list that reaches to the last of them.
fn tenant(keys: u32) -> Tenant {
    let book = Book::in_memory(51).unwrap();
    let admin = book.bootstrap().unwrap();
    let template = mint_tagged(&book, &admin, &["common"]).0;
    let filled = book.fill(&template, keys - 2).unwrap();
    let request = KeyRequest {
        subject: "svc:rare".into(),
        tags: vec!["common".into()],
        ..key_request(&["reports:read"])
    };
    book.ask_created(Call::CreateKey { authority: authority(&admin, None), request }).unwrap();
    let last = mint_tagged(&book, &admin, &["common", "rare"]).0;
    let filled = filled.iter().map(ToString::to_string);
    let keys: Vec<_> = [template].into_iter().chain(filled).chain([last]).collect();
    drain(&book);
    for key_id in [keys.first(), keys.get(keys.len() / 3), keys.last()] {
        revoke(&book, &admin, key_id.unwrap());
    }
    ListReader::new(&book, &admin).unwrap().head(&book).unwrap();
    drain(&book);
    book.pass(60_000);
    Tenant { book, admin, keys }
}

/// What the alarm has done once KV has everything. Sealing every record would take long and is looked at elsewhere.
fn drain(book: &Book<SqliteStore>) {
    book.store.execute("DELETE FROM outbox", &[]).unwrap();
    book.alarm().unwrap();
}

fn mint(book: &Book<SqliteStore>, admin: &str) -> (String, String) {
    mint_tagged(book, admin, &[])
}

fn mint_tagged(book: &Book<SqliteStore>, admin: &str, tags: &[&str]) -> (String, String) {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let call = Call::CreateKey {
        authority: authority(admin, None),
        request: KeyRequest { tags, ..key_request(&["reports:read"]) },
    };
    let created = book.ask_created(call).unwrap();
    (created.view.key_id, created.key.unwrap().secret_str().to_owned())
}

fn revoke(book: &Book<SqliteStore>, admin: &str, key_id: &str) {
    let call = Call::RevokeKey {
        authority: authority(admin, None),
        key_id: key_id.into(),
        request: RevokeRequest::default(),
    };
    assert!(matches!(book.ask(call).unwrap(), Reply::Revoked(_)));
}

/// What every operation costs in a tenant of so many keys.
fn costs(keys: u32) -> (Vec<(&'static str, Cost)>, Tenant) {
    let tenant = tenant(keys);
    let Tenant { book, admin, keys } = &tenant;
    let middle = &keys[keys.len() / 2];
    let mut costs = Vec::new();
    let mut measure = |name, act: &mut dyn FnMut()| {
        book.pass(1_000);
        book.store.meter.take();
        act();
        // As the object does after each call.
        book.next_due().unwrap();
        costs.push((name, book.store.meter.take()));
        drain(book);
    };
    let mut text = String::new();
    measure("mint", &mut || text = mint(book, admin).1);
    measure("check", &mut || {
        let key = wardkey::inspect(&text).unwrap();
        let mut base = [0; MAX_BASE_LEN];
        let len = key.base().encode(&mut base).unwrap();
        let call = Call::Check {
            base: WireBytes::new(base.get(..len).unwrap()),
            request_id: "req_check".into(),
        };
        match book.ask(call).unwrap() {
            Reply::Checked(StrictVerdict::Alive { .. }) => {}
            other => panic!("{other:?}"),
        }
    });
    measure("rotate", &mut || {
        let call = Call::RotateKey {
            authority: authority(admin, None),
            key_id: middle.clone(),
            request: RotateRequest::default(),
        };
        assert!(book.ask_created(call).unwrap().key.is_some());
    });
    measure("revoke", &mut || revoke(book, admin, &keys[keys.len() * 2 / 3]));
    measure(TWO_GENERATIONS, &mut || revoke(book, admin, middle));
    measure("head", &mut || drop(book.ask(Call::Head).unwrap()));
    measure("head again", &mut || drop(book.ask(Call::Head).unwrap()));
    let list_tagged = |[audience, subject, tag]: [Option<&str>; 3], found: usize| {
        let [audience, subject, tag] = [audience, subject, tag].map(|text| text.map(Into::into));
        let request = ListRequest { audience, subject, tag, limit: 10, ..ListRequest::default() };
        match book.ask(Call::ListKeys { authority: authority(admin, None), request }).unwrap() {
            Reply::Keys(page) => assert_eq!(page.keys.len(), found),
            other => panic!("{other:?}"),
        }
    };
    let list = |audience, subject, found| list_tagged([audience, subject, None], found);
    measure("list 10 keys", &mut || list(Some("api"), None, 10));
    // The only key of its audience, among all those of the others.
    measure("list a rare key", &mut || list(Some("wardkey"), None, 1));
    // All keys but the administrator's are of this subject, in one of three audiences.
    measure("list 10 keys of a subject", &mut || list(None, Some("svc:billing"), 10));
    let (subject, tag) = (Some("svc:billing"), Some("common"));
    measure("list 10 keys of a tag", &mut || list_tagged([None, None, tag], 10));
    measure("list 10 keys of a subject and a tag", &mut || list_tagged([None, subject, tag], 10));
    measure("list a key of a rare tag", &mut || list_tagged([Some("api"), None, Some("rare")], 1));
    let rare = Some("svc:rare");
    measure("list a rare subject of a tag", &mut || list_tagged([Some("api"), rare, tag], 1));
    measure("change a tag and look", &mut || {
        let tags = Some(vec!["common".to_owned(), "rare".to_owned()]);
        let call = Call::UpdateKey {
            authority: authority(admin, None),
            key_id: middle.clone(),
            request: UpdateRequest { tags, ..UpdateRequest::default() },
        };
        assert!(matches!(book.ask(call).unwrap(), Reply::Key(_)));
        list_tagged([Some("api"), None, Some("rare")], 2);
    });
    measure("read the log", &mut || {
        let call = Call::ReadAudit { authority: authority(admin, None), after: 0, limit: 50 };
        match book.ask(call).unwrap() {
            Reply::Audit(page) => assert_eq!(page.entries.len(), 50),
            other => panic!("{other:?}"),
        }
    });
    let request = KeyRequest {
        audience: "wardkey".into(),
        scopes: vec!["keys:create".into()],
        for_audiences: vec!["wardkey".into()],
        ..key_request(&[])
    };
    let call = Call::CreateKey { authority: authority(admin, None), request };
    let deputy = book.ask_created(call).unwrap().view.key_id;
    measure("revoke an administrator", &mut || revoke(book, admin, &deputy));
    (costs, tenant)
}

#[test]
fn what_an_operation_costs_is_the_same_at_a_thousand_keys_and_at_forty_thousand() {
    let [(few, _), (many, tenant)] = SIZES.map(costs);
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        println!("{name}: {few:?}\n  {many:?}");
        let rows = |cost: &Cost| (cost.statements, cost.rows_returned, cost.rows_written);
        // Each of the two generations lies in a chunk of its own, if the list has two.
        if *name != TWO_GENERATIONS {
            assert_eq!(rows(few), rows(many), "{name}");
            assert_eq!(few.scan_steps, many.scan_steps, "{name}");
            // A step or two may depend on where in a page something lies.
            assert!(few.steps.abs_diff(many.steps) <= 8, "{name}: {few:?} {many:?}");
            // One row has the digests of all chunks.
            assert!(few.bytes_read.abs_diff(many.bytes_read) <= 256, "{name}: {few:?} {many:?}");
        }
        let (_, most) = MOST.iter().find(|(of, _)| of == name).unwrap();
        let within = many.statements <= most.statements
            && many.rows_written <= most.rows_written
            && many.steps <= most.steps;
        assert!(within, "{name}: {many:?}");
    }
    // Positive control: what does read everything is seen to.
    tenant.book.store.meter.take();
    tenant.book.store.query("SELECT count(*) FROM generation WHERE scopes = x'00'", &[]).unwrap();
    let cost = tenant.book.store.meter.take();
    assert!(cost.scan_steps > 39_000 && cost.steps > 39_000, "{cost:?}");
}

#[test]
fn no_statement_of_these_walks_over_a_big_table() {
    let (_, tenant) = costs(100);
    let store = &tenant.book.store;
    let scans = |sql: &str| -> Vec<String> {
        let plan = store.plan(sql).unwrap();
        let scans = plan.iter().filter_map(|line| {
            let table = line.strip_prefix("SCAN ")?.split(' ').next()?;
            // Walking along an index as far as a LIMIT lets it is no scan of the table.
            let walks = line.contains("USING INDEX") || line.contains("USING COVERING INDEX");
            (BIG.contains(&table) && !walks).then(|| line.clone())
        });
        scans.collect()
    };
    let mut statements = store.meter.statements();
    // What makes the tables has no plan; what takes over an earlier Worker's tenant reads all of it, once.
    statements.retain(|sql| !ONCE.iter().any(|once| sql.starts_with(once)));
    assert!(statements.len() > 60, "{}", statements.len());
    for sql in &statements {
        let found = scans(sql);
        assert!(found.is_empty() || ALLOWED.contains(&sql.as_str()), "{sql}\n{found:?}");
    }
    // Positive control.
    assert!(!scans("SELECT count(*) FROM generation WHERE scopes = x'00'").is_empty());
}

/// Statements that walk along a table's own order as far as a LIMIT lets them, and those of the tests themselves.
const ALLOWED: [&str; 4] = [
    "SELECT sequence, floor, bit_count, digest FROM list_version ORDER BY sequence DESC LIMIT 1",
    "SELECT sequence, floor, flipped FROM list_version ORDER BY sequence DESC LIMIT ?",
    "SELECT sequence FROM audit WHERE target = ? AND action = 'key.create'",
    "DELETE FROM outbox",
];

/// How statements begin that make tables, or fill them from others.
const ONCE: [&str; 4] =
    ["CREATE", "ALTER", "INSERT OR IGNORE INTO list_floor", "INSERT OR REPLACE INTO list_expiry"];

/// Bulk filling writes what minting writes, so that what is measured over it is what real tenants have.
#[test]
fn filling_leaves_what_as_many_mints_would() {
    const KEYS: u32 = 40;
    let by_hand = Book::in_memory(52).unwrap();
    let admin = by_hand.bootstrap().unwrap();
    let mut last = String::new();
    for _ in 0..=KEYS {
        last = mint(&by_hand, &admin).0;
    }
    let filled = Book::in_memory(52).unwrap();
    assert_eq!(filled.bootstrap().unwrap(), admin);
    let template = mint(&filled, &admin).0;
    let ids = filled.fill(&template, KEYS).unwrap();
    assert_eq!(ids.last().unwrap().to_string(), last);
    assert_eq!(filled.store.dump().unwrap(), by_hand.store.dump().unwrap());
    // And goes on as if by hand.
    assert_eq!(mint(&filled, &admin), mint(&by_hand, &admin));
    assert_eq!(filled.store.dump().unwrap(), by_hand.store.dump().unwrap());
}

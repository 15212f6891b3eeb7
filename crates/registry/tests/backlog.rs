//! Thousands of deadlines that come together: each batch stays done whatever ends the call, and nothing is answered before the last.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use wardkey_registry::{Call, Fault, FaultyStore, RegistryError, Reply, Row, Store as _, Value};
use wardkey_testkit::{Acts as _, Book, Tenant, id_of, key_request};

/// Generations that one transaction retires.
const BATCH: i64 = 500;
const BACKLOG: u32 = 2_300;

/// A tenant of keys whose only generations are to be retired at one moment, which has come. Answers one of them.
fn overdue() -> (Tenant, String) {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    tenant.book.fill(&id_of(&key), BACKLOG - 1).unwrap();
    let at = tenant.book.now().plus(1_000);
    let sql = "UPDATE generation SET state = 'retiring', retire_at = ? WHERE key_id IN
               (SELECT id FROM key WHERE audience = 1)";
    tenant.book.store.execute(sql, &[at.0.into()]).unwrap();
    assert_eq!(retired(&tenant), 0);
    tenant.head();
    tenant.book.pass(1_000);
    (tenant, key)
}

fn count(tenant: &Tenant, sql: &str) -> i64 {
    match tenant.book.store.query(sql, &[]).unwrap().first().map(|Row(row)| row.as_slice()) {
        Some([Value::Integer(count)]) => *count,
        other => panic!("{sql}: {other:?}"),
    }
}

fn retired(tenant: &Tenant) -> i64 {
    count(tenant, "SELECT count(*) FROM generation WHERE state = 'retired'")
}

/// Rows and list say the same, and the log has each of them once.
fn agree(tenant: &Tenant, expected: i64) {
    assert_eq!(retired(tenant), expected);
    let entries = "SELECT count(*) FROM audit WHERE action = 'key.retire'";
    assert_eq!(count(tenant, entries), expected);
    let flips = "SELECT coalesce(sum(length(flipped)), 0) / 4 FROM list_version";
    assert_eq!(count(tenant, flips), expected);
    let most = "SELECT max(length(flipped)) / 4 FROM list_version";
    assert!(count(tenant, most) <= BATCH);
}

fn heads(tenant: &Tenant) -> Vec<Row> {
    tenant.book.store.query("SELECT sequence, issued_at FROM head", &[]).unwrap()
}

#[test]
fn a_batch_stays_done_whatever_ends_the_call_and_nothing_is_answered_before_the_last() {
    let mut seen = Vec::new();
    for (fault, after) in [
        (Fault::Error, 1),
        (Fault::Error, 1_900),
        (Fault::Error, 3_000),
        (Fault::Panic, 5_000),
        (Fault::Error, 9_000),
    ] {
        let (tenant, key) = overdue();
        let before = heads(&tenant);
        let faulty = FaultyStore::new(&tenant.book.store, fault, after);
        let ask = || tenant.book.ask_through(&faulty, Call::Head);
        assert!(!matches!(catch_unwind(AssertUnwindSafe(ask)), Ok(Ok(_))), "{fault:?}@{after}");
        assert!(faulty.has_failed(), "{fault:?}@{after}");
        // No head was signed while one was due; what was worked off stays.
        assert_eq!(heads(&tenant), before, "{fault:?}@{after}");
        let done = retired(&tenant);
        assert_eq!(done % BATCH, 0, "{fault:?}@{after}");
        agree(&tenant, done);
        seen.push(done / BATCH);
        // The next call, whatever it is, does the rest before it answers, at the same moment.
        assert_eq!(tenant.word(&key), "retired");
        agree(&tenant, BACKLOG.into());
        let state = tenant.state_of(&tenant.head());
        let rows = "SELECT status_index FROM generation WHERE state = 'retired'";
        for Row(row) in tenant.book.store.query(rows, &[]).unwrap() {
            let [Value::Integer(index)] = row.as_slice() else { panic!("{row:?}") };
            assert!(state.is_dead((*index).try_into().unwrap()));
        }
    }
    assert_eq!(seen, [0, 0, 1, 2, 4]);
}

#[test]
fn a_call_that_is_refused_leaves_what_was_due_done() {
    let (tenant, _) = overdue();
    let refused = tenant.by("wk_test_nobody").audit(0);
    assert!(matches!(refused, Err(RegistryError::Denied { .. })));
    agree(&tenant, BACKLOG.into());
}

#[test]
fn some_are_worked_off_at_a_time_for_whoever_asks_for_some() {
    let (tenant, _) = overdue();
    let registry = tenant.book.registry();
    let mut steps = Vec::new();
    while registry.work_off_some_deadlines(tenant.book.now()).unwrap() {
        steps.push(retired(&tenant));
    }
    assert_eq!(steps, [500, 1_000, 1_500, 2_000, 2_300]);
    agree(&tenant, BACKLOG.into());
    // Neither of a tenant that nobody made, nor of one that is gone.
    let nobody = Book::in_memory(1).unwrap();
    assert!(!nobody.registry().work_off_some_deadlines(nobody.now()).unwrap());
}

#[test]
fn cron_works_a_backlog_off_as_well() {
    let (tenant, _) = overdue();
    let faulty = FaultyStore::new(&tenant.book.store, Fault::Error, 5_000);
    tenant.book.ask_through(&faulty, Call::Sweep).unwrap_err();
    agree(&tenant, 2 * BATCH);
    assert!(matches!(tenant.book.ask(Call::Sweep).unwrap(), Reply::Swept(_)));
    agree(&tenant, BACKLOG.into());
}

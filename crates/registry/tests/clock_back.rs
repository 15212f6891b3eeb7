//! A clock that steps back: what is due is done at once, and what failed is tried again after its pause by that clock.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use wardkey::UnixMillis;
use wardkey_registry::{RevokeRequest, StateCopy, Store as _};
use wardkey_testkit::{Acts as _, KvAct, Tenant, id_of, key_request, seeded_rng};

const HOUR_MS: u64 = 3_600_000;

/// A tenant in whose book everything is due: records, a state that a head named, and a report.
fn busy() -> Tenant {
    let tenant = Tenant::new();
    tenant.book.pass(60_000);
    let key = tenant.key(key_request(&["reports:read"]));
    tenant.revoke(&id_of(&key), RevokeRequest::default()).unwrap();
    tenant.head();
    tenant
}

fn step_back(tenant: &Tenant, ms: u64) {
    tenant.book.set_now(tenant.book.now().0 - ms);
}

/// In how many milliseconds something is due next; none for nothing.
fn wait(tenant: &Tenant) -> Option<u64> {
    tenant.book.next_due().unwrap().map(|due| due.since(tenant.book.now()))
}

fn report_wait(tenant: &Tenant) -> Option<u64> {
    let due = tenant.book.registry().next_report_due(tenant.book.now()).unwrap();
    due.map(|due| due.since(tenant.book.now()))
}

#[test]
fn what_is_due_is_done_at_once() {
    for back in [1, 1_000, 240_000, HOUR_MS, 100 * HOUR_MS] {
        let tenant = busy();
        step_back(&tenant, back);
        assert_eq!((wait(&tenant), report_wait(&tenant)), (Some(0), Some(0)), "{back}");
        let acts = tenant.book.alarm().unwrap();
        let states = acts.iter().filter(|act| matches!(act, KvAct::State { .. })).count();
        assert_eq!((acts.len(), states), (3, 1), "{back}: two keys' records and a state");
        assert_eq!(wait(&tenant), None, "{back}");
        let registry = tenant.book.registry();
        let report = registry.due_report(tenant.book.now()).unwrap().unwrap();
        registry.reported(report).unwrap();
        assert_eq!(report_wait(&tenant), None, "{back}");
    }
}

#[test]
fn a_deadline_that_has_come_by_registry_time_is_due_at_once() {
    let tenant = Tenant::new();
    tenant.book.alarm().unwrap();
    let key = id_of(&tenant.key(key_request(&["reports:read"])));
    tenant.book.alarm().unwrap();
    let at = tenant.book.now().plus(1_000);
    let retire = "UPDATE generation SET state = 'retiring', retire_at = ? WHERE key_id = ?";
    tenant.book.store.execute(retire, &[at.0.into(), key.as_str().into()]).unwrap();
    step_back(&tenant, HOUR_MS);
    // Not yet: registry time stands at the last call.
    assert_eq!(wait(&tenant), Some(HOUR_MS + 1_000));
    tenant.book.store.execute("UPDATE tenant SET last_time = ?", &[at.0.into()]).unwrap();
    assert_eq!(wait(&tenant), Some(0));
    assert!(matches!(tenant.book.alarm().unwrap().as_slice(), [KvAct::Record(_)]));
    assert_eq!(wait(&tenant), None);
}

/// Has everything that is due fail once.
fn fail(tenant: &Tenant) {
    let (registry, now) = (tenant.book.registry(), tenant.book.now());
    let records = registry.due_publications(now, 50, &mut seeded_rng(1)).unwrap();
    let copies = registry.due_state_copies(now).unwrap();
    assert_eq!(records.len(), 2);
    let [copy @ StateCopy::Write { .. }] = copies.as_slice() else { panic!("{copies:?}") };
    assert!(registry.due_report(now).unwrap().is_some());
    for record in &records {
        registry.publication_failed(record.name, now).unwrap();
    }
    registry.state_copy_failed(copy, now).unwrap();
    registry.report_failed(now).unwrap();
}

#[test]
fn what_fails_meanwhile_is_tried_again_after_its_pause_and_not_before() {
    for back in [1_000, HOUR_MS] {
        let tenant = busy();
        step_back(&tenant, back);
        for pause in [1_000, 2_000, 4_000] {
            fail(&tenant);
            assert_eq!((wait(&tenant), report_wait(&tenant)), (Some(pause), Some(pause)), "{back}");
            tenant.book.pass(pause - 1);
            assert!(tenant.book.alarm().unwrap().is_empty(), "{back}");
            assert_eq!(tenant.book.registry().due_report(tenant.book.now()).unwrap(), None);
            tenant.book.pass(1);
        }
        assert_eq!(tenant.book.alarm().unwrap().len(), 3, "{back}");
    }
}

#[test]
fn what_failed_before_waits_no_longer_than_five_minutes() {
    for back in [10_000, 299_000, 301_000, HOUR_MS] {
        let tenant = busy();
        // The failure is the last that the book hears of the time before.
        tenant.book.pass(30_000);
        fail(&tenant);
        step_back(&tenant, back);
        let waits = [wait(&tenant), report_wait(&tenant)].map(Option::unwrap);
        assert!(waits.iter().all(|wait| *wait <= 300_000), "{back}: {waits:?}");
        tenant.book.pass(waits[0].max(waits[1]));
        assert_eq!(tenant.book.alarm().unwrap().len(), 3, "{back}");
        assert!(tenant.book.registry().due_report(tenant.book.now()).unwrap().is_some(), "{back}");
        assert_eq!(wait(&tenant), None, "{back}");
    }
}

/// What is posted while another thing waits for its next try is done with it at the latest, and by calls that come before.
#[test]
fn what_is_posted_behind_a_failed_try_is_due_with_it() {
    let tenant = busy();
    step_back(&tenant, HOUR_MS);
    fail(&tenant);
    let before = tenant.book.now();
    tenant.key(key_request(&["reports:read"]));
    assert!(wait(&tenant).is_some_and(|wait| wait <= 1_000));
    tenant.book.pass(1_000);
    assert_eq!(tenant.book.alarm().unwrap().len(), 4);
    assert_eq!(tenant.book.now(), UnixMillis(before.0 + 1_000));
}

//! Which tenants there are: the directory, and what each tenant's own book tells it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use wardkey::UnixMillis;
use wardkey_provision::RootKeys;
use wardkey_registry::{
    Call, DestroyRequest, Directory, DirectoryCall, DirectoryPage, DirectoryReply, DirectoryTotals,
    Fault, FaultyStore, Registry, RegistryError, Reply, RotateRequest, Store, TenantReport,
    TenantState,
};
use wardkey_testkit::{
    Book, SqliteStore, api_policy, authority, bootstrap_call, fixed_root, key_request, seeded_rng,
};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

const HOUR_MS: u64 = 3_600_000;

fn asked(store: &dyn Store, call: DirectoryCall) -> Result<DirectoryReply, RegistryError> {
    asked_at(store, call, NOW)
}

fn asked_at(
    store: &dyn Store,
    call: DirectoryCall,
    at: UnixMillis,
) -> Result<DirectoryReply, RegistryError> {
    Directory::new(store).answer(&call, at)
}

/// As cron tells it once the books of these numbers have said that nobody made them.
fn not_made(store: &dyn Store, tenants: &[u16], after_ms: u64) {
    let call = DirectoryCall::NotMade { tenants: tenants.to_vec() };
    asked_at(store, call, NOW.plus(after_ms)).unwrap();
}

fn listed(store: &dyn Store) -> Vec<u16> {
    next_page(store, 100).tenants
}

fn allot(store: &dyn Store, tenant: u16) -> Result<(), RegistryError> {
    asked(store, DirectoryCall::Allot { tenant }).map(drop)
}

fn tell(store: &dyn Store, reports: &[TenantReport]) {
    asked(store, DirectoryCall::Report { reports: reports.to_vec() }).unwrap();
}

fn next_page(store: &dyn Store, limit: u32) -> DirectoryPage {
    match asked(store, DirectoryCall::NextPage { limit }).unwrap() {
        DirectoryReply::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn totals(store: &dyn Store) -> DirectoryTotals {
    match asked(store, DirectoryCall::Totals).unwrap() {
        DirectoryReply::Totals(totals) => totals,
        other => panic!("{other:?}"),
    }
}

fn live(tenant: u16, wrapped_by: u32, at_ms: u64, revision: u64) -> TenantReport {
    let wrapped_by = Some(wrapped_by);
    TenantReport { tenant, state: TenantState::Live, wrapped_by, at_ms, revision }
}

fn destroyed(tenant: u16, at_ms: u64, revision: u64) -> TenantReport {
    let state = TenantState::Destroyed;
    TenantReport { tenant, state, wrapped_by: None, at_ms, revision }
}

fn swept(book: &Book) -> TenantReport {
    match book.ask(Call::Sweep).unwrap() {
        Reply::Swept(swept) => swept.report,
        other => panic!("{other:?}"),
    }
}

fn destroy(book: &Book, admin: &str) {
    let request = DestroyRequest { confirm: 1, reason: None };
    book.ask(Call::DestroyTenant { authority: authority(admin, None), request }).unwrap();
}

#[test]
fn a_number_is_noted_before_its_tenant_is_made_and_again_changes_nothing() {
    let store = SqliteStore::in_memory().unwrap();
    allot(&store, 7).unwrap();
    let before = store.dump().unwrap();
    allot(&store, 7).unwrap();
    assert_eq!(store.dump().unwrap(), before);
    assert_eq!(totals(&store), DirectoryTotals { allotted: 1, ..DirectoryTotals::default() });
    tell(&store, &[live(7, 1, 10, 1)]);
    allot(&store, 7).unwrap();
    let one = DirectoryTotals { live: 1, wrapped_by: vec![(1, 1)], ..DirectoryTotals::default() };
    assert_eq!(totals(&store), one, "recovery of a living tenant asks for its number once more");
}

#[test]
fn the_number_of_a_destroyed_tenant_is_never_given_again_whatever_is_told_later() {
    let store = SqliteStore::in_memory().unwrap();
    tell(&store, &[live(3, 1, 10, 1), live(4, 1, 10, 1), destroyed(3, 20, 2)]);
    // A report that was overtaken, one that claims to be newer, and a number that is given out of its order.
    tell(&store, &[live(3, 1, 15, 1), live(3, 2, 99, 9), destroyed(5, 1, 1), live(5, 1, 2, 2)]);
    for gone in [3, 5] {
        assert_eq!(allot(&store, gone), Err(RegistryError::TenantGone));
    }
    // Positive control.
    allot(&store, 4).unwrap();
    let expected = DirectoryTotals { allotted: 0, live: 1, destroyed: 2, wrapped_by: vec![(1, 1)] };
    assert_eq!(totals(&store), expected);
}

#[test]
fn of_two_reports_the_later_one_counts_in_whatever_order_they_come() {
    let reports = [live(1, 1, 10, 1), live(1, 2, 10, 2), live(1, 3, 11, 2)];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let store = SqliteStore::in_memory().unwrap();
        for at in order {
            tell(&store, reports.get(at..=at).unwrap());
        }
        assert_eq!(totals(&store).wrapped_by, [(3, 1)], "{order:?}");
    }
}

#[test]
fn a_number_that_was_asked_for_in_vain_is_taken_out_after_an_hour() {
    let store = SqliteStore::in_memory().unwrap();
    for number in [1, 2, 3, 4] {
        allot(&store, number).unwrap();
    }
    tell(&store, &[live(2, 1, 10, 1), destroyed(3, 10, 1)]);
    not_made(&store, &[1, 2, 3], HOUR_MS - 1);
    assert_eq!(listed(&store), [1, 2, 4]);
    // What has told of itself stays, and what cron did not name; a number that is not there is no fault.
    not_made(&store, &[1, 2, 3, 9], HOUR_MS);
    assert_eq!(listed(&store), [2, 4]);
    assert_eq!(allot(&store, 3), Err(RegistryError::TenantGone));
    // It may be asked for again.
    allot(&store, 1).unwrap();
    assert_eq!(listed(&store), [1, 2, 4]);
}

/// Whatever comes when: cron has heard that nobody made the tenant, and a bootstrap makes it.
#[test]
fn a_tenant_that_is_made_while_cron_takes_its_number_out_is_not_lost() {
    // A number that was asked for in vain long ago, and now once more.
    type Step = fn(&SqliteStore, &Book);
    let steps: [(&str, Step); 3] = [
        ("allot", |directory, _| {
            asked_at(directory, DirectoryCall::Allot { tenant: 1 }, NOW.plus(9 * HOUR_MS)).unwrap();
        }),
        ("make", |_, book| drop(book.bootstrap().unwrap())),
        ("report", |directory, book| {
            if let Some(report) = book.registry().due_report(book.now()).unwrap() {
                tell(directory, &[report]);
                book.registry().reported(report).unwrap();
            }
        }),
    ];
    // Cron asks the tenant's book before one step, and tells the directory before that or a later one.
    for asks in 0..=steps.len() {
        for tells in asks..=steps.len() {
            let directory = SqliteStore::in_memory().unwrap();
            allot(&directory, 1).unwrap();
            let book = Book::in_memory(1).unwrap();
            book.set_now(NOW.plus(9 * HOUR_MS).0);
            let mut heard = None;
            for at in 0..=steps.len() {
                if at == asks {
                    heard = Some(book.ask(Call::Sweep));
                }
                if at == tells {
                    match heard.take().unwrap() {
                        Err(RegistryError::NoTenant) => not_made(&directory, &[1], 9 * HOUR_MS),
                        Ok(Reply::Swept(swept)) => tell(&directory, &[swept.report]),
                        other => panic!("{other:?}"),
                    }
                }
                if let Some((name, step)) = steps.get(at) {
                    step(&directory, &book);
                    // From the moment on that a bootstrap has asked, cron finds it in the next round, whatever happens.
                    assert_eq!(listed(&directory), [1], "{asks} {tells} after {name}");
                }
            }
            let one = DirectoryTotals { live: 1, wrapped_by: vec![(1, 1)], ..Default::default() };
            assert_eq!(totals(&directory), one, "{asks} {tells}");
        }
    }
    // Nor is it if the directory was away when the bootstrap asked: the tenant tells of itself until that knows.
    let directory = SqliteStore::in_memory().unwrap();
    allot(&directory, 1).unwrap();
    let book = Book::in_memory(1).unwrap();
    book.bootstrap().unwrap();
    not_made(&directory, &[1], 9 * HOUR_MS);
    assert!(listed(&directory).is_empty());
    tell(&directory, &[book.registry().due_report(book.now()).unwrap().unwrap()]);
    assert_eq!(listed(&directory), [1]);
}

#[test]
fn a_round_goes_past_every_tenant_once_however_many_a_page_holds() {
    let store = SqliteStore::in_memory().unwrap();
    assert_eq!(next_page(&store, 4), DirectoryPage { tenants: vec![], ends_round: true });
    let numbers = [0, 1, 2, 5, 9, 300, 65_535];
    for number in numbers {
        allot(&store, number).unwrap();
    }
    tell(&store, &[destroyed(4, 1, 1)]);
    for limit in 1..=8 {
        for _ in 0..2 {
            let mut seen = Vec::new();
            loop {
                let page = next_page(&store, limit);
                assert!(page.tenants.len() <= limit as usize);
                seen.extend(page.tenants);
                if page.ends_round {
                    break;
                }
            }
            assert_eq!(seen, numbers, "limit {limit}");
        }
    }
}

#[test]
fn a_page_that_is_given_counts_as_looked_at_so_that_a_broken_tenant_holds_up_no_other() {
    let store = SqliteStore::in_memory().unwrap();
    for number in 1..=4 {
        allot(&store, number).unwrap();
    }
    assert_eq!(next_page(&store, 2).tenants, [1, 2]);
    // Whoever took that page never came back.
    assert_eq!(next_page(&store, 2).tenants, [3, 4]);
    assert_eq!(next_page(&store, 2).tenants, [1, 2]);
}

#[test]
fn a_fault_after_any_write_leaves_the_directory_as_it_was() {
    let store = SqliteStore::in_memory().unwrap();
    tell(&store, &[live(1, 1, 10, 1), live(2, 1, 10, 1)]);
    let before = store.dump().unwrap();
    let calls: [fn() -> DirectoryCall; 3] = [
        || DirectoryCall::Allot { tenant: 9 },
        || DirectoryCall::Report { reports: vec![live(1, 2, 20, 2), destroyed(2, 20, 2)] },
        || DirectoryCall::NextPage { limit: 1 },
    ];
    for call in calls {
        for fault in [Fault::Error, Fault::Panic] {
            for after in 1.. {
                let faulty = FaultyStore::new(&store, fault, after);
                let outcome = catch_unwind(AssertUnwindSafe(|| asked(&faulty, call())));
                if matches!(outcome, Ok(Ok(_))) {
                    assert!(after > 3, "{after} writes");
                    // Undone by hand, for the next one.
                    store.execute("DELETE FROM listed_tenant", &[]).unwrap();
                    store.execute("DELETE FROM sweep_cursor", &[]).unwrap();
                    tell(&store, &[live(1, 1, 10, 1), live(2, 1, 10, 1)]);
                    break;
                }
                assert!(faulty.has_failed());
                assert_eq!(store.dump().unwrap(), before, "{fault:?}@{after}");
            }
        }
    }
}

#[test]
fn a_new_tenant_tells_of_itself_until_the_directory_has_it() {
    let book = Book::in_memory(1).unwrap();
    assert_eq!(book.registry().next_report_due(book.now()).unwrap(), None, "no tenant, no report");
    assert_eq!(book.ask(Call::Sweep).unwrap_err(), RegistryError::NoTenant);
    book.bootstrap().unwrap();
    let registry = book.registry();
    let report = registry.due_report(book.now()).unwrap().unwrap();
    assert_eq!(report, live(1, 1, book.now().0, 1));
    // The directory was away, again and again: 1 s, 2 s, … 5 min.
    let mut waits = Vec::new();
    for _ in 0..11 {
        registry.report_failed(book.now()).unwrap();
        let due = registry.next_report_due(book.now()).unwrap().unwrap();
        waits.push(due.since(book.now()));
        assert_eq!(registry.due_report(book.now()).unwrap(), None);
        book.set_now(due.0);
        assert!(registry.due_report(book.now()).unwrap().is_some());
    }
    let doubling = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
    assert_eq!(waits, doubling.map(|seconds| seconds * 1_000));
    registry.reported(registry.due_report(book.now()).unwrap().unwrap()).unwrap();
    assert_eq!(registry.next_report_due(book.now()).unwrap(), None);
}

#[test]
fn what_changes_while_the_directory_is_told_is_told_again() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let registry = book.registry();
    let before = registry.due_report(book.now()).unwrap().unwrap();
    book.pass(1);
    destroy(&book, &admin);
    registry.reported(before).unwrap();
    let after = registry.due_report(book.now()).unwrap().unwrap();
    assert_eq!(after, destroyed(1, book.now().0, 2), "also by a tenant that is gone");
    assert_eq!(registry.next_due(book.now()).unwrap(), None, "which has nothing else to do");
    // Either order leaves the number given for ever.
    for reports in [[before, after], [after, before]] {
        let store = SqliteStore::in_memory().unwrap();
        tell(&store, &reports);
        assert_eq!(allot(&store, 1), Err(RegistryError::TenantGone));
    }
    registry.reported(after).unwrap();
    assert_eq!(registry.next_report_due(book.now()).unwrap(), None);
}

#[test]
fn the_report_commits_with_the_tenant_or_not_at_all() {
    let mut writes = 0;
    for after in 1.. {
        let book = Book::in_memory(1).unwrap();
        let faulty = FaultyStore::new(&book.store, Fault::Error, after);
        let made = book
            .ask_through(&faulty, bootstrap_call(1, [1; 32], Some(api_policy().unwrap()), None));
        let due = book.registry().next_report_due(book.now()).unwrap();
        if made.is_ok() {
            assert!(due.is_some());
            break;
        }
        assert_eq!(due, None, "after write {after}");
        writes = after;
    }
    assert!(writes > 20);
}

#[test]
fn a_tenant_from_before_the_directory_registers_itself() {
    let book = Book::in_memory(1).unwrap();
    book.bootstrap().unwrap();
    // As an earlier Worker left it.
    for statement in ["DROP TABLE directory_report", "UPDATE tenant SET schema_version = 4"] {
        book.store.execute(statement, &[]).unwrap();
    }
    let report = book.registry().due_report(book.now()).unwrap().unwrap();
    assert_eq!(report, live(1, 1, book.now().0, 1));
}

#[test]
fn a_sweep_applies_deadlines_and_needs_no_secret() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let make = Call::CreateKey {
        authority: authority(&admin, None),
        request: key_request(&["reports:read"]),
    };
    let key = book.ask_created(make).unwrap();
    let request = RotateRequest { overlap_s: Some(60), ..RotateRequest::default() };
    let rotated = Call::RotateKey {
        authority: authority(&admin, None),
        key_id: key.view.key_id.clone(),
        request,
    };
    book.ask(rotated).unwrap();
    let confirm =
        "UPDATE generation SET state = 'retiring', retire_at = ? WHERE number = 1 AND key_id = ?";
    let retire_at = book.now().plus(60_000);
    book.store.execute(confirm, &[retire_at.0.into(), key.view.key_id.as_str().into()]).unwrap();
    let state = || {
        let sql = "SELECT state FROM generation WHERE number = 1 AND key_id = ?";
        format!("{:?}", book.store.query(sql, &[key.view.key_id.as_str().into()]).unwrap())
    };
    book.pass(59_999);
    swept(&book);
    assert!(state().contains("retiring"));
    book.pass(1);
    // Under a root that does not open this tenant: everything else is refused, the sweep is not.
    let other = RootKeys::parse(&format!("9:{}A", "B".repeat(42))).unwrap();
    let registry = Registry::new(&book.store, &other);
    assert!(registry.answer(Call::Head, book.now(), &mut seeded_rng(1)).is_err());
    let Reply::Swept(found) = registry.answer(Call::Sweep, book.now(), &mut seeded_rng(1)).unwrap()
    else {
        panic!("another reply")
    };
    assert_eq!(found.report, live(1, 1, book.now().0, 1));
    assert!(!found.rearmed);
    assert!(state().contains("retired"));
    let retire = "SELECT count(*) FROM audit WHERE action = 'key.retire'";
    assert_eq!(format!("{:?}", book.store.query(retire, &[]).unwrap()), "[Row([Integer(1)])]");
}

#[test]
fn the_root_s_rotation_is_told_and_the_end_is() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let directory = SqliteStore::in_memory().unwrap();
    tell(&directory, &[swept(&book)]);
    assert_eq!(totals(&directory).wrapped_by, [(1, 1)]);
    book.registry().reported(swept(&book)).unwrap();

    let both = format!("1:{},2:{}A", "A".repeat(43), "C".repeat(42));
    let newer = RootKeys::parse(&both).unwrap();
    assert_eq!(fixed_root().unwrap().newest_version(), 1);
    let registry = Registry::new(&book.store, &newer);
    let rewrap = Call::RewrapRoot { authority: authority(&admin, None) };
    registry.answer(rewrap, book.now(), &mut seeded_rng(2)).unwrap();
    let report = registry.due_report(book.now()).unwrap().unwrap();
    tell(&directory, &[report]);
    assert_eq!(totals(&directory).wrapped_by, [(2, 1)]);

    let request = DestroyRequest { confirm: 1, reason: None };
    let end = Call::DestroyTenant { authority: authority(&admin, None), request };
    registry.answer(end, book.now(), &mut seeded_rng(3)).unwrap();
    tell(&directory, &[swept(&book)]);
    assert_eq!(totals(&directory), DirectoryTotals { destroyed: 1, ..DirectoryTotals::default() });
    assert!(next_page(&directory, 10).tenants.is_empty(), "nothing of it is due any more");
}

//! What each tenant's own book tells the directory.

use super::*;

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

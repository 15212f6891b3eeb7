//! Which numbers are given, and which never again.

use super::*;

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

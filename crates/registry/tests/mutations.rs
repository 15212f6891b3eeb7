//! Every mutation is all or nothing, whatever fails after whichever write.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use wardkey_registry::{Call, Fault, FaultyStore, Reply, RevokeRequest};
use wardkey_testkit::{Book, api_policy, authority, bootstrap_call, key_request};

/// Plants a fault after each write of a call until one run meets none; before each, nothing may be left.
fn all_or_nothing(prepare: impl Fn() -> (Book, Box<dyn Fn() -> Call>)) -> u32 {
    for fault in [Fault::Error, Fault::Panic] {
        for after in 1.. {
            let (book, call) = prepare();
            let before = book.store.dump().unwrap();
            let faulty = FaultyStore::new(&book.store, fault, after);
            let outcome = catch_unwind(AssertUnwindSafe(|| book.ask_through(&faulty, call())));
            if !faulty.has_failed() {
                assert!(matches!(outcome, Ok(Ok(_))), "without a fault the call succeeds");
                assert_ne!(book.store.dump().unwrap(), before, "and changes something");
                if fault == Fault::Panic {
                    return after - 1;
                }
                break;
            }
            assert!(!matches!(outcome, Ok(Ok(_))), "{fault:?} after write {after} is no success");
            assert_eq!(
                book.store.dump().unwrap(),
                before,
                "{fault:?} after write {after} leaves nothing"
            );
            // What failed once succeeds when it is repeated.
            assert!(book.ask(call()).is_ok(), "{fault:?} after write {after}, repeated");
        }
    }
    unreachable_writes()
}

fn unreachable_writes() -> u32 {
    panic!("the loop ends by returning")
}

fn a_book() -> (Book, String) {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    (book, admin)
}

#[test]
fn a_bootstrap_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let book = Book::in_memory(1).unwrap();
        (book, Box::new(|| bootstrap_call(1, [7; 32], Some(api_policy().unwrap()), Some("boot"))))
    });
    assert!(writes > 20, "{writes} writes");
}

#[test]
fn a_create_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, admin) = a_book();
        let call = move || Call::CreateKey {
            authority: authority(&admin, Some("once")),
            request: key_request(&["reports:read"]),
        };
        (book, Box::new(call))
    });
    assert!(writes >= 8, "{writes} writes");
}

#[test]
fn a_revoke_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, admin) = a_book();
        let created = book
            .ask_created(Call::CreateKey {
                authority: authority(&admin, None),
                request: key_request(&["reports:read"]),
            })
            .unwrap();
        let key_id = created.view.key_id;
        let call = move || Call::RevokeKey {
            authority: authority(&admin, Some("once")),
            key_id: key_id.clone(),
            request: RevokeRequest { reason: Some("leaked".into()) },
        };
        (book, Box::new(call))
    });
    assert!(writes >= 8, "{writes} writes");
}

#[test]
fn a_head_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, _) = a_book();
        book.pass(5_000);
        (book, Box::new(|| Call::Head))
    });
    assert_eq!(writes, 2);
}

#[test]
fn a_repeated_create_gives_the_same_key_until_it_was_seen() {
    let (book, admin) = a_book();
    let call = || Call::CreateKey {
        authority: authority(&admin, Some("once")),
        request: key_request(&["reports:read"]),
    };
    let first = book.ask_created(call()).unwrap();
    let again = book.ask_created(call()).unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.view, again.view);
    assert_eq!(first.key.unwrap().secret_str(), again.key.unwrap().secret_str());
    let another = Call::CreateKey {
        authority: authority(&admin, Some("once")),
        request: key_request(&["status:read"]),
    };
    let reused = book.ask(another).unwrap_err();
    assert_eq!(reused, wardkey_registry::RegistryError::IdempotencyKeyReused);
    book.pass(600_001);
    let late = book.ask_created(call()).unwrap();
    assert!(late.repeated && late.key.is_none());
    book.pass(24 * 3_600_000);
    match book.ask(call()) {
        Ok(Reply::Created(_)) => panic!("the administrator's key has expired"),
        other => assert!(other.is_err()),
    }
}

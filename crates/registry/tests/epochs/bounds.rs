//! How many epochs live at a time, and how many an audience has at all.

use wardkey::KeySet;
use wardkey_registry::Conflict;
use wardkey_testkit::{conflict, conflict_and_detail, text_of};

use crate::verifier::verdict;
use crate::{LONGEST_S, compromise, create, plan, tenant};

#[test]
fn more_epochs_than_a_key_set_holds_are_refused_until_a_place_is_free() {
    let tenant = tenant();
    let first_ends = tenant.second() + 7199 + LONGEST_S;
    for n in 2..=8 {
        assert_eq!(plan(&tenant, "api").unwrap().epoch, n);
        assert_eq!(conflict(plan(&tenant, "api")), Conflict::EpochPending);
        tenant.book.pass(7_200_000);
    }
    KeySet::parse(&tenant.key_set("api")).unwrap();
    let freed = first_ends + 24 * 3600;
    let (refused, detail) = conflict_and_detail(plan(&tenant, "api"));
    assert_eq!(refused, Conflict::TooManyEpochs);
    assert!(detail.contains(&freed.to_string()), "{detail}: {freed}");
    assert!(plan(&tenant, "jobs").is_ok(), "another audience has places of its own");
    tenant.book.set_now(u64::from(freed) * 1000 - 1);
    assert_eq!(conflict(plan(&tenant, "api")), Conflict::TooManyEpochs);
    tenant.book.pass(1);
    assert_eq!(plan(&tenant, "api").unwrap().epoch, 9);
    // A compromise is never refused for that: eight die, one lives.
    let rotated = compromise(&tenant, "api").unwrap();
    assert_eq!((rotated.dead_epochs.len(), rotated.epochs.len()), (8, 1));
}

#[test]
fn the_number_of_an_epoch_is_never_given_again_and_there_are_255() {
    let tenant = tenant();
    for n in 2..=255 {
        assert_eq!(compromise(&tenant, "api").unwrap().epoch, n);
    }
    assert_eq!(conflict(compromise(&tenant, "api")), Conflict::EpochsUsedUp);
    assert_eq!(conflict(plan(&tenant, "api")), Conflict::EpochsUsedUp);
    // What is refused changes nothing: the last one still mints and verifies.
    let key = text_of(&create(&tenant, "api", 3600));
    assert_eq!(verdict(&tenant, &tenant.key_set("api"), None, &key), "allow");
    assert!(compromise(&tenant, "jobs").is_ok());
}

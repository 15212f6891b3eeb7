//! Rotation: two generations until the overlap after first use has passed, or until somebody confirms.

use wardkey_provision::KeyRequest;
use wardkey_registry::{Conflict, GenerationState, KeyView, ListRequest, RotateRequest};
use wardkey_testkit::{Acts as _, Tenant, conflict, key_request, seeded_rng, sequence_of, text_of};

const HOUR_MS: u64 = 3_600_000;

fn states(view: &KeyView) -> Vec<GenerationState> {
    view.generations.iter().map(|generation| generation.state).collect()
}

#[test]
fn a_rotated_key_has_two_generations_until_the_overlap_after_first_use_has_passed() {
    use GenerationState::{Active, Pending, Retired, Retiring};
    let tenant = Tenant::new();
    let lasting = KeyRequest { expires_in: 40 * 24 * 3600, ..key_request(&["reports:read"]) };
    let first = tenant.create(lasting).unwrap();
    let (id, old) = (first.view.key_id.as_str(), text_of(&first));
    assert_eq!(tenant.word(&old), "alive");
    let second =
        tenant.rotate(id, RotateRequest { overlap_s: Some(3600), ..RotateRequest::default() });
    let second = second.unwrap();
    let new = text_of(&second);
    assert_eq!(second.view.key_id, id);
    assert_ne!(new, old);
    assert_eq!(states(&second.view), [Active, Pending]);
    // Hours may pass: as long as nobody has been seen with the new one, the old one lives.
    tenant.book.pass(3 * HOUR_MS);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("alive", false));
    assert_eq!(conflict(tenant.rotate(id, RotateRequest::default())), Conflict::RotationInProgress);
    assert_eq!(tenant.word(&new), "alive");
    tenant.book.pass(3_599_999);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("alive", false));
    // Being seen again does not prolong the overlap.
    assert_eq!(tenant.word(&new), "alive");
    let page = tenant.list(ListRequest { limit: 9, ..ListRequest::default() }).unwrap();
    let of_key = page.keys.iter().find(|key| key.key_id == id).unwrap();
    assert_eq!(states(of_key), [Retiring, Active]);
    tenant.book.pass(1);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("retired", true));
    assert_eq!((tenant.word(&new).as_str(), tenant.listed(&new)), ("alive", false));
    let view = tenant.confirm(id).unwrap().view;
    assert_eq!(states(&view), [Retired, Active]);
    let third = tenant.rotate(id, RotateRequest::default()).unwrap();
    assert_eq!(states(&third.view), [Retired, Active, Pending]);
}

#[test]
fn a_deadline_that_no_call_applies_is_applied_by_the_alarm() {
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"])).unwrap();
    let soon = RotateRequest { overlap_s: Some(60), ..RotateRequest::default() };
    let second = tenant.rotate(&first.view.key_id, soon).unwrap();
    assert_eq!(tenant.word(&text_of(&second)), "alive");
    let registry = tenant.book.registry();
    // The records that KV does not hold yet are due at once; without them, the deadline is.
    for publication in registry.due_publications(tenant.book.now(), 10, &mut seeded_rng(1)).unwrap()
    {
        registry.published(publication.name).unwrap();
    }
    assert_eq!(registry.next_due(tenant.book.now()).unwrap(), Some(tenant.book.now().plus(60_000)));
    tenant.book.pass(60_000);
    registry.apply_deadlines(tenant.book.now()).unwrap();
    assert_eq!(
        registry.next_due(tenant.book.now()).unwrap(),
        Some(tenant.book.now()),
        "its record has changed"
    );
    assert!(tenant.listed(&text_of(&first)));
    assert!(tenant.entries().iter().any(|entry| entry.action == "key.retire"));
}

#[test]
fn confirming_retires_what_came_before_at_once() {
    use GenerationState::{Active, Retired};
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"])).unwrap();
    let id = first.view.key_id.as_str();
    let second = tenant.rotate(id, RotateRequest::default()).unwrap();
    let before = sequence_of(&tenant.head());
    let confirmed = tenant.once("confirmed").confirm(id).unwrap();
    assert_eq!(states(&confirmed.view), [Retired, Active]);
    // It says when verifiers know, as a revocation does.
    let named = sequence_of(&tenant.head());
    assert!(named > before && confirmed.list_sequence == Some(named));
    assert_eq!(confirmed.bound.map(|bound| bound.typical_ms), Some(5_000));
    assert_eq!(tenant.once("confirmed").confirm(id).unwrap(), confirmed);
    assert_eq!(
        (tenant.word(&text_of(&first)).as_str(), tenant.listed(&text_of(&first))),
        ("retired", true)
    );
    assert_eq!(tenant.word(&text_of(&second)), "alive");
    // Twice is once; and a key that was never rotated has nothing to be retired.
    let again = tenant.confirm(id).unwrap();
    assert_eq!((states(&again.view), again.list_sequence), (vec![Retired, Active], Some(named)));
    let single = tenant.create(key_request(&["reports:read"])).unwrap();
    assert_eq!(states(&tenant.confirm(&single.view.key_id).unwrap().view), [Active]);
}

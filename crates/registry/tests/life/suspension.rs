//! Suspension: dead everywhere until it is resumed, and an older state is told as it was.

use wardkey_registry::{Conflict, RevokeRequest, RotateRequest};
use wardkey_testkit::{Acts as _, Tenant, conflict, index_of, key_request, text_of};

#[test]
fn a_suspended_key_is_dead_everywhere_until_it_is_resumed() {
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"])).unwrap();
    let (id, old) = (first.view.key_id.as_str(), text_of(&first));
    let second = tenant.rotate(id, RotateRequest::default()).unwrap();
    let new = text_of(&second);
    let before = tenant.suspend(id, true).unwrap();
    assert!(before.view.suspended);
    for key in [&old, &new] {
        assert_eq!((tenant.word(key).as_str(), tenant.listed(key)), ("suspended", true));
    }
    assert_eq!(conflict(tenant.rotate(id, RotateRequest::default())), Conflict::KeySuspended);
    // What ends while it is suspended does not come back.
    let one = RevokeRequest { generation: Some(1), ..RevokeRequest::default() };
    tenant.revoke(id, one).unwrap();
    let after = tenant.suspend(id, false).unwrap();
    assert!(!after.view.suspended && after.sequence > before.sequence);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("revoked", true));
    assert_eq!((tenant.word(&new).as_str(), tenant.listed(&new)), ("alive", false));
    // Twice is once.
    assert_eq!(tenant.suspend(id, false).unwrap().sequence, after.sequence);
}

#[test]
fn an_older_state_is_still_told_rightly_after_keys_came_back_to_life() {
    let tenant = Tenant::new();
    let keys: Vec<_> =
        (0..3).map(|_| tenant.create(key_request(&["reports:read"])).unwrap()).collect();
    let index = |n: usize| index_of(&text_of(&keys[n]));
    let mut heads = vec![(tenant.head(), [false; 3])];
    let mut expected = [false; 3];
    for (n, suspended) in [(0, true), (2, true), (0, false), (1, true), (2, false), (0, true)] {
        tenant.book.pass(1_000);
        tenant.suspend(&keys[n].view.key_id, suspended).unwrap();
        expected[n] = suspended;
        heads.push((tenant.head(), expected));
    }
    for (head, expected) in &heads {
        let state = tenant.state_of(head);
        assert_eq!([0, 1, 2].map(|n| state.is_dead(index(n))), *expected);
    }
}

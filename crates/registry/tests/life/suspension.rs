//! Suspension: dead everywhere until it is resumed, and an older state is told as it was.

use wardkey_registry::{
    Conflict, RevocationRequest, RevokeRequest, RotateRequest, RotateSigningKeysRequest, Selector,
};
use wardkey_testkit::{Acts as _, Tenant, conflict, id_of, index_of, key_request, text_of};

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

#[test]
fn a_key_that_has_ended_is_neither_suspended_nor_resumed() {
    type End = fn(&Tenant, &str);
    let ends: [(&str, End); 4] = [
        ("revoked", |tenant, id| {
            tenant.revoke(id, RevokeRequest::default()).unwrap();
        }),
        ("expired", |tenant, _| tenant.book.pass(3_600_000)),
        ("cut off", |tenant, _| {
            let select = Selector::Audience { audience: "api".into() };
            let request = RevocationRequest { select, reason: None, force: false };
            tenant.revoke_many(request).unwrap();
        }),
        ("retired and revoked", |tenant, id| {
            tenant.suspend(id, false).unwrap();
            tenant.rotate(id, RotateRequest::default()).unwrap();
            tenant.confirm(id).unwrap();
            tenant.suspend(id, true).unwrap();
            let second = RevokeRequest { generation: Some(2), ..RevokeRequest::default() };
            tenant.revoke(id, second).unwrap();
        }),
    ];
    for (how, end) in ends {
        let tenant = Tenant::new();
        let keys: Vec<_> = (0..2).map(|_| tenant.key(key_request(&["reports:read"]))).collect();
        let ids: Vec<_> = keys.iter().map(|key| id_of(key)).collect();
        // One is suspended when it ends, the other is not.
        tenant.suspend(&ids[0], true).unwrap();
        let once = tenant.once("before the end").suspend(&ids[0], true).unwrap();
        end(&tenant, &ids[0]);
        if how == "revoked" {
            end(&tenant, &ids[1]);
        }
        let rows = || tenant.book.store.dump().unwrap();
        let before = rows();
        for (id, suspended) in [(0, true), (0, false), (1, true), (1, false)] {
            if id == 1 && how == "retired and revoked" {
                continue;
            }
            let refused = conflict(tenant.suspend(&ids[id], suspended));
            assert_eq!(refused, Conflict::KeyEnded, "{how}, {id}, {suspended}");
        }
        assert_eq!(rows(), before, "{how}");
        // What was done before is told again.
        let again = tenant.once("before the end").suspend(&ids[0], true).unwrap();
        assert_eq!(again, once, "{how}");
    }
}

#[test]
fn a_key_that_only_lost_its_signing_key_is_resumed_and_issued_anew() {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    let id = id_of(&key);
    tenant.suspend(&id, true).unwrap();
    let request = RotateSigningKeysRequest {
        compromised: true,
        mint_from_in_s: None,
        reason: None,
        force: false,
    };
    tenant.rotate_signing_keys("api", request).unwrap();
    assert_eq!(conflict(tenant.rotate(&id, RotateRequest::default())), Conflict::KeySuspended);
    tenant.suspend(&id, false).unwrap();
    let new = tenant.rotate(&id, RotateRequest::default()).unwrap();
    assert_eq!(
        (tenant.word(&key).as_str(), tenant.word(&text_of(&new)).as_str()),
        ("revoked", "alive")
    );
}

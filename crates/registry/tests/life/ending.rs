//! A key is ended by who holds it; the last administrator only by force.

use wardkey::{Narrowing, Reason, UnixSeconds, narrow};
use wardkey_provision::{KeyConstraints, KeyRequest};
use wardkey_registry::{
    Conflict, GenerationState, RegistryError, RevokeRequest, RevokeSelfRequest, RotateRequest,
};
use wardkey_testkit::{
    Acts as _, Tenant, admin_request, bootstrap_call, conflict, id_of, key_request, text_of,
};

#[test]
fn the_last_administrator_is_not_removed_unless_forced() {
    let tenant = Tenant::new();
    let own = id_of(&tenant.admin);
    assert_eq!(conflict(tenant.suspend(&own, true)), Conflict::LastAdmin);
    assert_eq!(conflict(tenant.revoke(&own, RevokeRequest::default())), Conflict::LastAdmin);
    assert_eq!(conflict(tenant.revoke_self(RevokeSelfRequest::default())), Conflict::LastAdmin);
    // Somebody who may do less is no administrator; somebody who may make administrators is one.
    let admin_key = |scopes: &[&str]| admin_request("svc:billing", scopes, &["wardkey"]);
    tenant.create(admin_key(&["keys:read", "keys:revoke"])).unwrap();
    assert_eq!(conflict(tenant.suspend(&own, true)), Conflict::LastAdmin);
    let second = tenant.create(admin_key(&["keys:create"])).unwrap();
    tenant.suspend(&second.view.key_id, true).unwrap();
    assert_eq!(conflict(tenant.revoke(&own, RevokeRequest::default())), Conflict::LastAdmin);
    tenant.suspend(&second.view.key_id, false).unwrap();
    tenant.book.pass(3_600_000);
    let expired = conflict(tenant.revoke(&own, RevokeRequest::default()));
    assert_eq!(expired, Conflict::LastAdmin, "the other one has expired");
    assert!(tenant.revoke(&own, RevokeRequest { force: true, ..RevokeRequest::default() }).is_ok());
    // A new bootstrap recovers the tenant.
    assert!(tenant.book.ask_created(bootstrap_call(1, [2; 32], None, None)).is_ok());
}

#[test]
fn whoever_holds_a_key_can_end_it_and_only_the_generation_shown() {
    let tenant = Tenant::new();
    let soon = KeyConstraints {
        not_before: Some(tenant.second() + 600),
        networks: vec!["192.0.2.0/24".into()],
    };
    let first =
        tenant.create(KeyRequest { constraints: soon, ..key_request(&["reports:read"]) }).unwrap();
    let second = tenant.rotate(&first.view.key_id, RotateRequest::default()).unwrap();
    let by = |key: &str| {
        let found = RevokeSelfRequest { reason: Some("found in a log".into()), force: false };
        tenant.by(key).revoke_self(found)
    };
    // Narrowed keys cannot act, whole ones can: also before their time, and from anywhere.
    let narrowing =
        Narrowing { expires_at: Some(UnixSeconds(tenant.second() + 700)), ..Narrowing::default() };
    let narrowed = narrow(&text_of(&first), &narrowing).unwrap();
    assert_eq!(by(narrowed.secret_str()).unwrap_err(), RegistryError::NarrowedKey);
    let revoked = by(&text_of(&first)).unwrap();
    assert_eq!(revoked.view.generations[0].state, GenerationState::Revoked);
    assert_eq!(revoked.view.generations[0].end_reason.as_deref(), Some("found in a log"));
    assert!(tenant.listed(&text_of(&first)) && !tenant.listed(&text_of(&second)));
    assert_eq!(by(&text_of(&first)).unwrap_err().reason(), Some(Reason::Revoked));
    let log = tenant.entries();
    let entry = log.iter().find(|entry| entry.action == "key.revoke_self").unwrap();
    assert_eq!(entry.actor.as_ref().unwrap().subject, "svc:billing");
    assert_eq!(entry.actor.as_ref().unwrap().key_id, first.view.key_id);
}

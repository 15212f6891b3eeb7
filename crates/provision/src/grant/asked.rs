//! What tests ask for, of whom, and what they are told.

use wardkey::{AudienceId, KeyId, Subject, UnixSeconds};

use super::{Grant, GrantRefused};
use crate::actor::{Actor, Binding};
use crate::administration::AdminScope;
use crate::key_request::KeyRequest;
use crate::policy::Policy;

pub(super) const NOW: UnixSeconds = UnixSeconds(1_000_000);

pub(super) fn policy() -> Policy {
    serde_json::from_str(
        r#"{"audiences":[
            {"number":1,"name":"api","max_lifetime_s":3600,"scopes":[{"number":0,"name":"reports:read"},{"number":9,"name":"reports:write"}]},
            {"number":2,"name":"jobs","scopes":[{"number":0,"name":"jobs:run"}]}]}"#,
    )
    .expect("a policy")
}

pub(super) fn actor(bindings: &[(AdminScope, u8)]) -> Actor {
    Actor {
        subject: Subject::new("ops:ada").expect("a subject"),
        key_id: KeyId([1; 8]),
        expires_at: UnixSeconds(NOW.0 + 1000),
        bindings: bindings
            .iter()
            .map(|(scope, n)| Binding { scope: *scope, audience: AudienceId(*n) })
            .collect(),
    }
}

pub(super) fn request(audience: &str, scopes: &[&str], for_audiences: &[&str]) -> KeyRequest {
    KeyRequest {
        subject: "svc:billing".into(),
        audience: audience.into(),
        scopes: scopes.iter().map(|s| (*s).into()).collect(),
        expires_in: 600,
        for_audiences: for_audiences.iter().map(|s| (*s).into()).collect(),
        ..KeyRequest::default()
    }
}

pub(super) fn rule(result: Result<Grant, GrantRefused>) -> String {
    match result {
        Err(GrantRefused::Rule { rule, .. }) => rule,
        Err(GrantRefused::Field { field, .. }) => field.into(),
        Ok(_) => "granted".into(),
    }
}

pub(super) fn decided(policy: &str, admin: &Actor, request: &KeyRequest) -> String {
    let policy: Policy = serde_json::from_str(policy).expect("a policy");
    policy.check().expect("good");
    rule(Grant::decide(&policy, admin, AdminScope::KeysCreate, request, NOW))
}

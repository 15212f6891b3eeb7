//! The policy: read, tried, replaced, and what it says of keys that are asked for and of those that live.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod catalog;
mod demands;
mod trial;
mod versions;

use serde_json::Value;
use wardkey_provision::Policy;
use wardkey_registry::{
    AuditEntry, Call, Created, PolicyTrial, PolicyView, RegistryError, Reply, RotateRequest,
};
use wardkey_testkit::{Acts, Tenant, api_policy, told};

/// A tenant whose second version of the policy is the usual one with these members.
fn tenant_with(members: Value) -> Tenant {
    let tenant = Tenant::new();
    replace(&tenant, 1, &policy_with(members)).unwrap();
    tenant
}

/// The usual policy with some members more, or others.
fn policy_with(members: Value) -> Policy {
    let mut policy = serde_json::to_value(api_policy().unwrap()).unwrap();
    for (member, value) in members.as_object().unwrap() {
        policy[member] = value.clone();
    }
    serde_json::from_value(policy).unwrap()
}

/// The usual policy, changed.
fn changed(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = api_policy().unwrap();
    change(&mut policy);
    policy
}

fn read(by: &impl Acts, version: Option<u32>) -> Result<PolicyView, RegistryError> {
    view(by.book().ask(Call::ReadPolicy { authority: by.authority(), version })?)
}

fn replace(by: &impl Acts, version: u32, policy: &Policy) -> Result<PolicyView, RegistryError> {
    let (authority, policy) = (by.authority(), policy.clone());
    view(by.book().ask(Call::ReplacePolicy { authority, version, policy })?)
}

fn try_out(
    by: &impl Acts,
    version: u32,
    policy: &Policy,
    after: Option<&str>,
) -> Result<PolicyTrial, RegistryError> {
    let (authority, policy) = (by.authority(), policy.clone());
    let after = after.map(Into::into);
    match by.book().ask(Call::TryPolicy { authority, version, policy, after })? {
        Reply::PolicyTrial(trial) => Ok(trial),
        other => panic!("{other:?}"),
    }
}

fn view(reply: Reply) -> Result<PolicyView, RegistryError> {
    match reply {
        Reply::Policy(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

/// The next generation of a key, for an hour.
fn rotate(tenant: &Tenant, key_id: &str) -> Result<Created, RegistryError> {
    tenant.rotate(key_id, RotateRequest { expires_in: Some(3600), ..RotateRequest::default() })
}

fn new_id(created: Result<Created, RegistryError>) -> String {
    created.unwrap().view.key_id
}

fn entries_of(tenant: &Tenant, action: &str) -> Vec<AuditEntry> {
    tenant.entries().into_iter().filter(|entry| entry.action == action).collect()
}

/// Audience, present and least key set, as a new head says.
fn key_sets(tenant: &Tenant) -> Vec<(u8, u32, u32)> {
    tenant.book.pass(1_000);
    told(&tenant.head()).audiences
}

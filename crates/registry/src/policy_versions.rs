//! Every version of the policy, and every number that one of them gave.

use serde::{Deserialize, Serialize};
use wardkey::UnixMillis;
use wardkey_provision::{Actor, GivenNumbers, Policy};

use crate::audit_log::AuditActor;
use crate::error::RegistryError;
use crate::store::Store;

/// One version of the policy as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    /// From 1, one more a replacement.
    pub version: u32,
    /// What it says.
    pub policy: Policy,
    /// When it was written, in Unix milliseconds of registry time.
    pub at_ms: u64,
    /// Who wrote it; nobody for the first, which came with the tenant.
    pub actor: Option<AuditActor>,
}

/// The number of the version in force.
pub(crate) fn current(store: &dyn Store) -> Result<u32, RegistryError> {
    let rows = store.query("SELECT max(version) FROM policy_version", &[])?;
    let row = rows.first().ok_or_else(|| RegistryError::internal("the policy has no version"))?;
    row.unsigned(0)
}

/// A version, or the one in force.
///
/// # Errors
/// [`RegistryError::NotFound`].
pub(crate) fn read(store: &dyn Store, version: Option<u32>) -> Result<PolicyView, RegistryError> {
    let version = version.map_or_else(|| current(store), Ok)?;
    let sql = "SELECT content, at, actor_subject, actor_key FROM policy_version WHERE version = ?";
    let rows = store.query(sql, &[version.into()])?;
    let row = rows.first().ok_or(RegistryError::NotFound)?;
    let policy = serde_json::from_str(row.text(0)?)
        .map_err(|error| RegistryError::internal(format!("a stored policy: {error}")))?;
    let (subject, key_id) = (row.optional_text(2)?, row.optional_text(3)?);
    let actor = subject
        .zip(key_id)
        .map(|(subject, key_id)| AuditActor { subject: subject.into(), key_id: key_id.into() });
    Ok(PolicyView { version, policy, at_ms: row.unsigned(1)?, actor })
}

/// Writes the next version, and keeps the numbers that it gives.
pub(crate) fn insert(
    store: &dyn Store,
    policy: &Policy,
    actor: Option<&Actor>,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    store.execute(
        "INSERT INTO policy_version (version, content, actor_subject, actor_key, at)
         SELECT coalesce(max(version), 0) + 1, ?, ?, ?, ? FROM policy_version",
        &[
            text_of(policy)?.into(),
            actor.map(|actor| actor.subject.as_str()).into(),
            actor.map(|actor| actor.key_id.to_string()).into(),
            now.0.into(),
        ],
    )?;
    let GivenNumbers { audiences, scopes } = GivenNumbers::of(policy);
    for (number, name) in audiences {
        store.execute(
            "INSERT OR IGNORE INTO given_audience (number, name) VALUES (?, ?)",
            &[number.into(), name.into()],
        )?;
    }
    for ((audience, number), name) in scopes {
        store.execute(
            "INSERT OR IGNORE INTO given_scope (audience, number, name) VALUES (?, ?, ?)",
            &[audience.into(), number.into(), name.into()],
        )?;
    }
    Ok(())
}

/// Every number that was ever given.
pub(crate) fn given(store: &dyn Store) -> Result<GivenNumbers, RegistryError> {
    let mut given = GivenNumbers::default();
    for row in store.query("SELECT number, name FROM given_audience", &[])? {
        given.audiences.insert(row.unsigned(0)?, row.text(1)?.into());
    }
    for row in store.query("SELECT audience, number, name FROM given_scope", &[])? {
        given.scopes.insert((row.unsigned(0)?, row.unsigned(1)?), row.text(2)?.into());
    }
    Ok(given)
}

/// A policy as it is kept.
pub(crate) fn text_of(policy: &Policy) -> Result<String, RegistryError> {
    serde_json::to_string(policy)
        .map_err(|error| RegistryError::internal(format!("the policy: {error}")))
}

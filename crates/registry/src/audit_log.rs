//! The audit log: who did what to which key, why, and when.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, UnixMillis};
use wardkey_provision::{Actor, AdminScope, Binding};

use crate::error::RegistryError;
use crate::store::{Row, Store};

/// One entry as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Its number, ascending.
    pub sequence: u64,
    /// When, in Unix milliseconds of registry time.
    pub at_ms: u64,
    /// Who; nobody for what the deployment's owner or a verifier brought about.
    pub actor: Option<AuditActor>,
    /// What, such as `key.create`.
    pub action: String,
    /// The number of the audience that it concerns.
    pub audience: u8,
    /// The key that it was done to, or what else: `policy:4` is the policy's fourth version.
    pub target: Option<String>,
    /// Why, in the actor's words, or the rule that refused.
    pub reason: Option<String>,
    /// `done`, `unchanged` (it was so already), `refused` or `alarm`.
    pub outcome: String,
    /// The request that it belongs to.
    pub request_id: String,
}

/// The identity that an administrative act is mapped to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditActor {
    /// The subject of its key.
    pub subject: String,
    /// The key's name.
    pub key_id: String,
}

/// Some entries, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where to go on: the `after` of the next page. None at the end.
    pub next_after: Option<u64>,
}

/// What an act writes into the log.
pub(crate) struct Act<'a> {
    pub(crate) actor: Option<&'a Actor>,
    pub(crate) action: &'a str,
    pub(crate) audience: AudienceId,
    pub(crate) target: Option<String>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) outcome: Outcome,
    pub(crate) request_id: &'a str,
}

#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    Done,
    Unchanged,
    Refused,
    Alarm,
}

/// Appends an entry.
pub(crate) fn append(
    store: &dyn Store,
    now: UnixMillis,
    act: Act<'_>,
) -> Result<(), RegistryError> {
    let outcome = match act.outcome {
        Outcome::Done => "done",
        Outcome::Unchanged => "unchanged",
        Outcome::Refused => "refused",
        Outcome::Alarm => "alarm",
    };
    store.execute(
        "INSERT INTO audit (at, actor_subject, actor_key, action, audience, target, reason, outcome, request_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            now.0.into(),
            act.actor.map(|actor| actor.subject.as_str()).into(),
            act.actor.map(|actor| actor.key_id.to_string()).into(),
            act.action.into(),
            act.audience.0.into(),
            act.target.into(),
            act.reason.into(),
            outcome.into(),
            act.request_id.into(),
        ],
    )?;
    Ok(())
}

/// The entries after one, of the audiences that the actor may read.
pub(crate) fn page(
    store: &dyn Store,
    actor: &Actor,
    after: u64,
    limit: u32,
) -> Result<AuditPage, RegistryError> {
    let audiences: Vec<u8> = actor
        .bindings
        .iter()
        .filter(|Binding { scope, .. }| *scope == AdminScope::AuditRead)
        .map(|binding| binding.audience.0)
        .collect();
    let mut entries = Vec::new();
    // WHY: one by one, each along its index: asked for together they are sorted, and so all read.
    for audience in audiences {
        let rows = store.query(
            "SELECT sequence, at, actor_subject, actor_key, action, audience, target, reason, outcome, request_id
             FROM audit WHERE audience = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            &[audience.into(), after.into(), (limit + 1).into()],
        )?;
        for row in &rows {
            entries.push(entry(row)?);
        }
    }
    entries.sort_by_key(|entry| entry.sequence);
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next_after = entries.last().filter(|_| more).map(|last| last.sequence);
    Ok(AuditPage { entries, next_after })
}

fn entry(row: &Row) -> Result<AuditEntry, RegistryError> {
    let subject = row.optional_text(2)?;
    let key_id = row.optional_text(3)?;
    let actor = subject
        .zip(key_id)
        .map(|(subject, key_id)| AuditActor { subject: subject.into(), key_id: key_id.into() });
    Ok(AuditEntry {
        sequence: row.unsigned(0)?,
        at_ms: row.unsigned(1)?,
        actor,
        action: row.text(4)?.into(),
        audience: row.unsigned(5)?,
        target: row.optional_text(6)?.map(Into::into),
        reason: row.optional_text(7)?.map(Into::into),
        outcome: row.text(8)?.into(),
        request_id: row.text(9)?.into(),
    })
}

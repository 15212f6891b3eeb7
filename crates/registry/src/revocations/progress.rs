//! A revocation's row, and what its readers see of it.

use serde::{Deserialize, Serialize};
use wardkey::UnixMillis;

use crate::bound::RevocationBound;
use crate::error::RegistryError;
use crate::revocations::Selector;
use crate::store::{Row, Store};

/// How far a revocation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RevocationState {
    /// The registry denies what it reaches; verifiers learn of it batch by batch.
    Expanding,
    /// All of it is dead by the list's head; the keys' records follow.
    Settling,
    /// Whatever it reaches is dead and says so.
    Done,
}

impl RevocationState {
    const ALL: [Self; 3] = [Self::Expanding, Self::Settling, Self::Done];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Expanding => "expanding",
            Self::Settling => "settling",
            Self::Done => "done",
        }
    }
}

/// A revocation as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevocationView {
    /// `rev_…`
    pub revocation_id: String,
    /// How far it is.
    pub state: RevocationState,
    /// Which keys.
    pub select: Selector,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// Keys that were found and revoked so far.
    pub keys: u64,
    /// Unix milliseconds.
    pub started_at_ms: u64,
    /// Unix milliseconds of the last batch.
    pub done_at_ms: Option<u64>,
    /// The list's sequence from which on all of it is dead; none while it expands.
    pub list_sequence: Option<u64>,
    /// How soon verifiers deny all of it; none while it expands.
    pub bound: Option<RevocationBound>,
}

/// A revocation's row.
pub(super) struct Revocation {
    pub(super) id: String,
    pub(super) select: Selector,
    pub(super) reason: Option<String>,
    pub(super) actor_subject: String,
    pub(super) actor_key: String,
    pub(super) request_id: String,
    pub(super) started_at: UnixMillis,
    pub(super) state: RevocationState,
    pub(super) keys: u64,
    pub(super) sequence: u64,
    pub(super) done_at: Option<u64>,
}

impl Revocation {
    pub(super) fn insert(&self, store: &dyn Store) -> Result<(), RegistryError> {
        let select = serde_json::to_string(&self.select)
            .map_err(|error| RegistryError::internal(format!("a selector: {error}")))?;
        store.execute(
            "INSERT INTO revocation (id, selector, reason, actor_subject, actor_key, request_id, started_at, state,
             keys, sequence, cursor) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            &[
                self.id.as_str().into(),
                select.into(),
                self.reason.as_deref().into(),
                self.actor_subject.as_str().into(),
                self.actor_key.as_str().into(),
                self.request_id.as_str().into(),
                self.started_at.0.into(),
                self.state.as_str().into(),
                self.sequence.into(),
                // Before the first key's id, or before the first status index.
                if self.state == RevocationState::Settling { "-1" } else { "" }.into(),
            ],
        )?;
        Ok(())
    }

    pub(super) fn find(store: &dyn Store, id: &str) -> Result<Option<Self>, RegistryError> {
        let rows = store.query(&format!("{SELECT} WHERE id = ?"), &[id.into()])?;
        rows.first().map(Self::read).transpose()
    }

    /// Those that are still under way, oldest first.
    pub(super) fn pending(store: &dyn Store) -> Result<Vec<Self>, RegistryError> {
        let sql = format!("{SELECT} WHERE state <> 'done' ORDER BY started_at, id");
        store.query(&sql, &[])?.iter().map(Self::read).collect()
    }

    fn read(row: &Row) -> Result<Self, RegistryError> {
        let broken = |what: &str| RegistryError::internal(format!("a revocation's {what} is none"));
        let word = row.text(7)?;
        let state = RevocationState::ALL.into_iter().find(|state| state.as_str() == word);
        Ok(Self {
            id: row.text(0)?.into(),
            select: serde_json::from_str(row.text(1)?).map_err(|_| broken("selector"))?,
            reason: row.optional_text(2)?.map(Into::into),
            actor_subject: row.text(3)?.into(),
            actor_key: row.text(4)?.into(),
            request_id: row.text(5)?.into(),
            started_at: UnixMillis(row.unsigned(6)?),
            state: state.ok_or_else(|| broken("state"))?,
            keys: row.unsigned(8)?,
            sequence: row.unsigned(9)?,
            done_at: row.optional_unsigned(10)?,
        })
    }

    pub(super) fn view(&self) -> Result<RevocationView, RegistryError> {
        let expanding = self.state == RevocationState::Expanding;
        Ok(RevocationView {
            revocation_id: self.id.clone(),
            state: self.state,
            select: self.select.clone(),
            reason: self.reason.clone(),
            keys: self.keys,
            started_at_ms: self.started_at.0,
            done_at_ms: self.done_at,
            list_sequence: (!expanding).then_some(self.sequence),
            bound: (!expanding).then(RevocationBound::published),
        })
    }
}

const SELECT: &str = "SELECT id, selector, reason, actor_subject, actor_key, request_id, started_at, state, keys, \
                      sequence, done_at FROM revocation";

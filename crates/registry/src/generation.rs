//! One issued credential of a key: where it stands, and how it moves forward.

use serde::{Deserialize, Serialize};
use wardkey::{
    Base, Constraints, Epoch, KeyId, Networks, Reason, ScopeSet, StatusIndex, UnixMillis,
    UnixSeconds,
};
use wardkey_provision::KeyConstraints;

use crate::error::RegistryError;
use crate::store::{Row, Store};

/// Where a generation stands. States only move forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GenerationState {
    /// Minted; verifies; not yet seen by the registry.
    Pending,
    /// Seen in use.
    Active,
    /// Its successor has been seen: it lives until its deadline.
    Retiring,
    /// Ended by its successor.
    Retired,
    /// Ended by revocation.
    Revoked,
    /// Ended by its expiry.
    Expired,
}

impl GenerationState {
    const ALL: [Self; 6] =
        [Self::Pending, Self::Active, Self::Retiring, Self::Retired, Self::Revoked, Self::Expired];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    /// Whether it has come to an end that was written down.
    const fn is_ended(self) -> bool {
        matches!(self, Self::Retired | Self::Revoked | Self::Expired)
    }
}

/// One generation as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GenerationView {
    /// From 1, one more a rotation.
    pub number: u32,
    /// Where it stands.
    pub state: GenerationState,
    /// Unix seconds.
    pub issued_at: u32,
    /// Unix seconds; the first second in which it is dead.
    pub expires_at: u32,
    /// When and from where it may be used.
    #[serde(default, skip_serializing_if = "KeyConstraints::is_empty")]
    pub constraints: KeyConstraints,
    /// Unix milliseconds at which a retiring one is retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retire_at_ms: Option<u64>,
    /// Unix milliseconds of its end by revocation or by its successor.
    pub ended_at_ms: Option<u64>,
    /// Why it was ended, in the actor's words.
    pub end_reason: Option<String>,
}

impl GenerationView {
    /// The view at a later time: what has ended by itself since is shown as ended.
    pub(crate) fn at(&mut self, now: UnixMillis) {
        if self.state.is_ended() {
            return;
        }
        if now >= UnixSeconds(self.expires_at).as_millis() {
            self.state = GenerationState::Expired;
        } else if self.retire_at_ms.is_some_and(|at| now >= UnixMillis(at)) {
            self.state = GenerationState::Retired;
        }
    }
}

/// A generation's row.
pub(crate) struct Generation {
    pub(crate) status_index: StatusIndex,
    pub(crate) number: u32,
    pub(crate) seen: bool,
    pub(crate) epoch: Epoch,
    pub(crate) issued_at: UnixSeconds,
    pub(crate) expires_at: UnixSeconds,
    pub(crate) scopes: ScopeSet,
    pub(crate) constraints: Constraints,
    /// For how long its predecessor lives once this one has been seen, in seconds.
    pub(crate) overlap_s: u32,
    /// When its signing key was declared compromised.
    signing_key_dead_at: Option<u64>,
    state: GenerationState,
    retire_at: Option<u64>,
    ended_at: Option<u64>,
    end_reason: Option<String>,
}

impl Generation {
    /// Writes the next generation of a key.
    pub(crate) fn insert(
        store: &dyn Store,
        base: &Base,
        number: u32,
        overlap_s: u32,
    ) -> Result<(), RegistryError> {
        let constraints = serde_json::to_string(&shown(&base.constraints))
            .map_err(|error| RegistryError::internal(format!("constraints: {error}")))?;
        store.execute(
            "INSERT INTO generation (status_index, key_id, number, epoch, issued_at, expires_at, scopes, state,
             constraints, overlap_s) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
            &[
                base.status_index.0.into(),
                base.key_id.to_string().into(),
                number.into(),
                base.signing_key.epoch.number().into(),
                base.issued_at.0.into(),
                base.expires_at.0.into(),
                base.scopes.as_bytes().into(),
                constraints.into(),
                overlap_s.into(),
            ],
        )?;
        Ok(())
    }

    /// The generation of a status index, and the key that it is of.
    pub(crate) fn find(
        store: &dyn Store,
        index: StatusIndex,
    ) -> Result<Option<(KeyId, Self)>, RegistryError> {
        let rows = store.query(&format!("{SELECT} WHERE status_index = ?"), &[index.0.into()])?;
        rows.first().map(Self::read_with_key).transpose()
    }

    /// All generations of a key, oldest first.
    pub(crate) fn of_key(store: &dyn Store, key: KeyId) -> Result<Vec<Self>, RegistryError> {
        let sql = format!("{SELECT} WHERE key_id = ? ORDER BY number");
        store.query(&sql, &[key.to_string().into()])?.iter().map(Self::read).collect()
    }

    /// The generations of the keys from one to another that no end was written down of, key by key, oldest first.
    pub(crate) fn unended(
        store: &dyn Store,
        first: KeyId,
        last: KeyId,
    ) -> Result<Vec<(KeyId, Self)>, RegistryError> {
        let sql = format!(
            "{SELECT} WHERE key_id BETWEEN ? AND ? AND state IN ('pending', 'active', 'retiring')
             ORDER BY key_id, number"
        );
        let rows = store.query(&sql, &[first.to_string().into(), last.to_string().into()])?;
        rows.iter().map(Self::read_with_key).collect()
    }

    fn read_with_key(row: &Row) -> Result<(KeyId, Self), RegistryError> {
        let key_id = row
            .text(0)?
            .parse()
            .map_err(|_| RegistryError::internal("a generation names no key"))?;
        Ok((key_id, Self::read(row)?))
    }

    fn read(row: &Row) -> Result<Self, RegistryError> {
        let broken = |what: &str| RegistryError::internal(format!("a generation's {what} is none"));
        let word = row.text(7)?;
        let state = GenerationState::ALL.into_iter().find(|state| state.as_str() == word);
        Ok(Self {
            status_index: StatusIndex(row.unsigned(1)?),
            number: row.unsigned(2)?,
            epoch: Epoch::new(row.unsigned(3)?).ok_or_else(|| broken("epoch"))?,
            issued_at: UnixSeconds(row.unsigned(4)?),
            expires_at: UnixSeconds(row.unsigned(5)?),
            scopes: ScopeSet::from_bytes(row.blob(6)?).map_err(|_| broken("scope set"))?,
            state: state.ok_or_else(|| broken("state"))?,
            seen: row.optional_unsigned::<u64>(8)?.is_some(),
            ended_at: row.optional_unsigned(9)?,
            end_reason: row.optional_text(10)?.map(Into::into),
            retire_at: row.optional_unsigned(11)?,
            constraints: read_constraints(row.text(12)?).ok_or_else(|| broken("constraints"))?,
            overlap_s: row.unsigned(13)?,
            signing_key_dead_at: row.optional_unsigned(14)?,
        })
    }

    pub(crate) fn view(&self) -> GenerationView {
        if let Some(at) = self.signing_key_dead_at.filter(|at| self.lives(UnixMillis(*at))) {
            return GenerationView {
                state: GenerationState::Revoked,
                ended_at_ms: Some(at),
                end_reason: Some(COMPROMISED.into()),
                ..self.own_view()
            };
        }
        self.own_view()
    }

    /// The view of the row by itself.
    fn own_view(&self) -> GenerationView {
        GenerationView {
            number: self.number,
            state: self.state,
            issued_at: self.issued_at.0,
            expires_at: self.expires_at.0,
            constraints: shown(&self.constraints),
            retire_at_ms: self.retire_at,
            ended_at_ms: self.ended_at,
            end_reason: self.end_reason.clone(),
        }
    }

    /// Why the generation is dead at `now`, if it is.
    pub(crate) fn dead(&self, now: UnixMillis) -> Option<Reason> {
        match self.state {
            GenerationState::Revoked => Some(Reason::Revoked),
            GenerationState::Retired => Some(Reason::Retired),
            _ if now >= self.expires_at.as_millis() => Some(Reason::Expired),
            _ if self.retire_at.is_some_and(|at| now >= UnixMillis(at)) => Some(Reason::Retired),
            _ if self.signing_key_dead_at.is_some() => Some(Reason::Revoked),
            _ => None,
        }
    }

    /// Whether its end, by whatever it was, had come by the end of a second.
    pub(crate) fn had_ended(&self, second: UnixSeconds) -> bool {
        let by = second.as_millis().plus(999).0;
        let ends = [self.ended_at, self.retire_at, self.signing_key_dead_at];
        by >= self.expires_at.as_millis().0 || ends.into_iter().flatten().any(|end| by >= end)
    }

    /// When it is retired, while it lives beside its successor.
    pub(crate) fn retires_at(&self) -> Option<UnixMillis> {
        self.retire_at.map(UnixMillis)
    }

    /// Whether it would live at `now` if only its signing key did: then its key may be issued anew.
    pub(crate) fn lost_its_signing_key(&self, now: UnixMillis) -> bool {
        self.signing_key_dead_at.is_some() && self.lives(now)
    }

    /// Whether it lives at `now`, whatever became of its signing key: what is revoked then is not issued anew.
    pub(crate) fn lives(&self, now: UnixMillis) -> bool {
        !self.state.is_ended()
            && now < self.expires_at.as_millis()
            && self.retire_at.is_none_or(|at| now < UnixMillis(at))
    }

    /// Keeps of a key's generations that they died with their signing keys; answers whether that is news. Nobody
    /// visits all keys of an audience when its signing key dies: a key's record changes when it is next asked for.
    pub(crate) fn settle(store: &dyn Store, key: KeyId) -> Result<bool, RegistryError> {
        let rows = store.query(
            "SELECT generation.status_index, signing_key.dead_at FROM generation
             JOIN key ON key.id = generation.key_id
             JOIN signing_key ON signing_key.audience = key.audience AND signing_key.epoch = generation.epoch
             WHERE generation.key_id = ? AND generation.ended_at IS NULL
             AND generation.expires_at * 1000 > signing_key.dead_at",
            &[key.to_string().into()],
        )?;
        for row in &rows {
            store.execute(
                "UPDATE generation SET ended_at = ? WHERE status_index = ?",
                &[row.unsigned::<u64>(1)?.into(), row.unsigned::<u32>(0)?.into()],
            )?;
        }
        Ok(!rows.is_empty())
    }

    /// Whether it was revoked.
    pub(crate) fn is_revoked(&self) -> bool {
        self.state == GenerationState::Revoked
    }

    /// Marks the generation as seen in use, once; answers whether this was the first time.
    pub(crate) fn mark_seen(
        &self,
        store: &dyn Store,
        now: UnixMillis,
    ) -> Result<bool, RegistryError> {
        if self.seen {
            return Ok(false);
        }
        store.execute(
            "UPDATE generation SET seen_at = ?, state = CASE state WHEN 'pending' THEN 'active' ELSE state END
             WHERE status_index = ?",
            &[now.0.into(), self.status_index.0.into()],
        )?;
        Ok(true)
    }

    /// Lets it live until a deadline and no longer; an earlier one stays.
    pub(crate) fn retire_at(&self, store: &dyn Store, at: UnixMillis) -> Result<(), RegistryError> {
        store.execute(
            "UPDATE generation SET state = 'retiring', retire_at = min(?1, coalesce(retire_at, ?1))
             WHERE status_index = ?2 AND state IN ('pending', 'active', 'retiring')",
            &[at.0.into(), self.status_index.0.into()],
        )?;
        Ok(())
    }

    /// Ends it in favour of its successor.
    pub(crate) fn retire(&self, store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
        self.end(store, GenerationState::Retired, None, now)
    }

    /// Ends it by revocation.
    pub(crate) fn revoke(
        &self,
        store: &dyn Store,
        reason: Option<&str>,
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        self.end(store, GenerationState::Revoked, reason, now)
    }

    fn end(
        &self,
        store: &dyn Store,
        state: GenerationState,
        reason: Option<&str>,
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        store.execute(
            "UPDATE generation SET state = ?, ended_at = ?, end_reason = ? WHERE status_index = ?",
            &[state.as_str().into(), now.0.into(), reason.into(), self.status_index.0.into()],
        )?;
        Ok(())
    }
}

/// The constraints as people write them.
fn shown(constraints: &Constraints) -> KeyConstraints {
    let networks = constraints.networks.as_ref().map(Networks::iter);
    KeyConstraints {
        not_before: constraints.not_before.map(|second| second.0),
        networks: networks.into_iter().flatten().map(|network| network.to_string()).collect(),
    }
}

fn read_constraints(text: &str) -> Option<Constraints> {
    let kept: KeyConstraints = serde_json::from_str(text).ok()?;
    let networks = kept.networks.iter().map(|network| network.parse().ok());
    let networks = networks.collect::<Option<Vec<_>>>()?;
    let networks = if networks.is_empty() { None } else { Some(Networks::new(networks).ok()?) };
    Some(Constraints { not_before: kept.not_before.map(UnixSeconds), networks })
}

const SELECT: &str = "SELECT key_id, status_index, number, epoch, issued_at, expires_at, scopes, state, seen_at, \
                      ended_at, end_reason, retire_at, constraints, overlap_s, \
                      (SELECT signing_key.dead_at FROM key JOIN signing_key ON signing_key.audience = key.audience \
                      WHERE key.id = generation.key_id AND signing_key.epoch = generation.epoch) FROM generation";

/// Why a generation ended whose signing key was declared compromised.
const COMPROMISED: &str = "its signing key was compromised";

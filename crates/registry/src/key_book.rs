//! Keys and generations as they are kept, and as their readers see them.

use serde::{Deserialize, Serialize};
use wardkey::{
    AudienceId, Base, Constraints, Epoch, KeyId, Reason, ScopeSet, SigningKeyId, StatusIndex,
    Subject, TenantId, UnixMillis, UnixSeconds,
};
use wardkey_provision::{ADMIN_AUDIENCE_NAME, AdminScope, Binding, Grant, Policy};

use crate::error::RegistryError;
use crate::store::{Row, Store};

/// Where a generation stands. States only move forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GenerationState {
    /// Minted; verifies; not yet seen by the registry.
    Pending,
    /// Seen in use.
    Active,
    /// Ended by revocation.
    Revoked,
    /// Ended by its expiry.
    Expired,
}

/// One generation as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationView {
    /// From 1, one more a rotation.
    pub number: u32,
    /// Where it stands.
    pub state: GenerationState,
    /// Unix seconds.
    pub issued_at: u32,
    /// Unix seconds; the first second in which it is dead.
    pub expires_at: u32,
    /// Unix milliseconds of its revocation.
    pub ended_at_ms: Option<u64>,
    /// Why it was revoked, in the actor's words.
    pub end_reason: Option<String>,
}

/// A key as its readers see it. It holds nothing of the key's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// `key_…`
    pub key_id: String,
    /// Who it acts as.
    pub subject: String,
    /// The audience's name.
    pub audience: String,
    /// Names of its scopes.
    pub scopes: Vec<String>,
    /// For an administration key, the audiences that its scopes are for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_audiences: Vec<String>,
    /// A name for people.
    pub name: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// The key that made it; none for a bootstrap.
    pub issuer: Option<String>,
    /// Unix milliseconds.
    pub created_at_ms: u64,
    /// Its generations, oldest first.
    pub generations: Vec<GenerationView>,
}

impl KeyView {
    /// The view at a later time: what has expired since is shown as expired.
    pub fn at(mut self, now: UnixMillis) -> Self {
        for generation in &mut self.generations {
            let ended = now >= UnixSeconds(generation.expires_at).as_millis();
            if ended && generation.state != GenerationState::Revoked {
                generation.state = GenerationState::Expired;
            }
        }
        self
    }
}

/// A key's row.
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) subject: Subject,
    pub(crate) audience: AudienceId,
    pub(crate) suspended: bool,
    pub(crate) record_version: u64,
    name: Option<String>,
    owner: String,
    issuer: Option<String>,
    created_at: u64,
}

/// A generation's row.
pub(crate) struct Generation {
    pub(crate) status_index: StatusIndex,
    pub(crate) seen: bool,
    pub(crate) state: GenerationState,
    number: u32,
    epoch: Epoch,
    issued_at: UnixSeconds,
    expires_at: UnixSeconds,
    scopes: ScopeSet,
    ended_at: Option<u64>,
    end_reason: Option<String>,
}

impl Key {
    /// Writes a new key and its first generation.
    pub(crate) fn insert(
        store: &dyn Store,
        grant: &Grant,
        base: &Base,
        issuer: Option<KeyId>,
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        let id = base.key_id.to_string();
        store.execute(
            "INSERT INTO key (id, subject, audience, name, owner, issuer, created_at, record_version)
             VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
            &[
                id.clone().into(),
                base.subject.as_str().into(),
                base.signing_key.audience.0.into(),
                grant.name().into(),
                grant.owner().into(),
                issuer.map(|id| id.to_string()).into(),
                now.0.into(),
            ],
        )?;
        for Binding { scope, audience } in grant.bindings() {
            store.execute(
                "INSERT INTO binding (key_id, scope, audience) VALUES (?, ?, ?)",
                &[id.clone().into(), scope.number().into(), audience.0.into()],
            )?;
        }
        store.execute(
            "INSERT INTO generation (status_index, key_id, number, epoch, issued_at, expires_at, scopes, state)
             VALUES (?, ?, 1, ?, ?, ?, ?, 'pending')",
            &[
                base.status_index.0.into(),
                id.into(),
                base.signing_key.epoch.number().into(),
                base.issued_at.0.into(),
                base.expires_at.0.into(),
                base.scopes.as_bytes().into(),
            ],
        )?;
        Ok(())
    }

    pub(crate) fn find(store: &dyn Store, id: KeyId) -> Result<Option<Self>, RegistryError> {
        let rows = store.query(
            "SELECT subject, audience, suspended, record_version, name, owner, issuer, created_at FROM key WHERE id = ?",
            &[id.to_string().into()],
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let subject = Subject::new(row.text(0)?)
            .map_err(|error| RegistryError::internal(error.to_string()))?;
        Ok(Some(Self {
            id,
            subject,
            audience: AudienceId(row.unsigned(1)?),
            suspended: row.unsigned::<u8>(2)? != 0,
            record_version: row.unsigned(3)?,
            name: row.optional_text(4)?.map(Into::into),
            owner: row.text(5)?.into(),
            issuer: row.optional_text(6)?.map(Into::into),
            created_at: row.unsigned(7)?,
        }))
    }

    /// The rights of an administration key, audience by audience.
    pub(crate) fn bindings(&self, store: &dyn Store) -> Result<Vec<Binding>, RegistryError> {
        let sql = "SELECT scope, audience FROM binding WHERE key_id = ? ORDER BY scope, audience";
        let rows = store.query(sql, &[self.id.to_string().into()])?;
        rows.iter()
            .map(|row| {
                let scope = AdminScope::numbered(row.unsigned(0)?).ok_or_else(|| {
                    RegistryError::internal("a binding names no scope of administration")
                })?;
                Ok(Binding { scope, audience: AudienceId(row.unsigned(1)?) })
            })
            .collect()
    }

    /// The key's generations, oldest first.
    pub(crate) fn generations(&self, store: &dyn Store) -> Result<Vec<Generation>, RegistryError> {
        let sql = format!("{SELECT_GENERATION} WHERE key_id = ? ORDER BY number");
        store.query(&sql, &[self.id.to_string().into()])?.iter().map(Generation::read).collect()
    }

    /// Counts a change of the key, so that a lagging copy of its record is known as one.
    pub(crate) fn touch(&self, store: &dyn Store) -> Result<(), RegistryError> {
        let sql = "UPDATE key SET record_version = record_version + 1 WHERE id = ?";
        Ok(store.execute(sql, &[self.id.to_string().into()])?)
    }

    /// The key as its readers see it.
    pub(crate) fn view(
        &self,
        store: &dyn Store,
        policy: &Policy,
    ) -> Result<KeyView, RegistryError> {
        let generations = self.generations(store)?;
        let bindings = self.bindings(store)?;
        let newest =
            generations.last().ok_or_else(|| RegistryError::internal("a key has no generation"))?;
        let mut for_audiences: Vec<String> =
            bindings.iter().map(|binding| audience_name(policy, binding.audience)).collect();
        for_audiences.sort();
        for_audiences.dedup();
        Ok(KeyView {
            key_id: self.id.to_string(),
            subject: self.subject.as_str().into(),
            audience: audience_name(policy, self.audience),
            scopes: newest
                .scopes
                .iter()
                .map(|number| scope_name(policy, self.audience, number))
                .collect(),
            for_audiences,
            name: self.name.clone(),
            owner: self.owner.clone(),
            issuer: self.issuer.clone(),
            created_at_ms: self.created_at,
            generations: generations.iter().map(Generation::view).collect(),
        })
    }

    /// What the key of one of its generations says.
    pub(crate) fn base(&self, tenant: TenantId, generation: &Generation) -> Base {
        Base {
            signing_key: SigningKeyId { tenant, audience: self.audience, epoch: generation.epoch },
            key_id: self.id,
            status_index: generation.status_index,
            issued_at: generation.issued_at,
            expires_at: generation.expires_at,
            subject: self.subject,
            scopes: generation.scopes,
            constraints: Constraints::default(),
        }
    }
}

impl Generation {
    pub(crate) fn find(
        store: &dyn Store,
        index: StatusIndex,
    ) -> Result<Option<(KeyId, Self)>, RegistryError> {
        let sql = format!("{SELECT_GENERATION} WHERE status_index = ?");
        let rows = store.query(&sql, &[index.0.into()])?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let key_id = row
            .text(10)?
            .parse()
            .map_err(|_| RegistryError::internal("a generation names no key"))?;
        Ok(Some((key_id, Self::read(row)?)))
    }

    fn read(row: &Row) -> Result<Self, RegistryError> {
        let broken = |what: &str| RegistryError::internal(format!("a generation's {what} is none"));
        let state = match row.text(6)? {
            "pending" => GenerationState::Pending,
            "active" => GenerationState::Active,
            "revoked" => GenerationState::Revoked,
            _ => return Err(broken("state")),
        };
        Ok(Self {
            status_index: StatusIndex(row.unsigned(0)?),
            number: row.unsigned(1)?,
            epoch: Epoch::new(row.unsigned(2)?).ok_or_else(|| broken("epoch"))?,
            issued_at: UnixSeconds(row.unsigned(3)?),
            expires_at: UnixSeconds(row.unsigned(4)?),
            scopes: ScopeSet::from_bytes(row.blob(5)?).map_err(|_| broken("scope set"))?,
            state,
            seen: row.optional_unsigned::<u64>(7)?.is_some(),
            ended_at: row.optional_unsigned(8)?,
            end_reason: row.optional_text(9)?.map(Into::into),
        })
    }

    fn view(&self) -> GenerationView {
        GenerationView {
            number: self.number,
            state: self.state,
            issued_at: self.issued_at.0,
            expires_at: self.expires_at.0,
            ended_at_ms: self.ended_at,
            end_reason: self.end_reason.clone(),
        }
    }

    /// Why the generation is dead at `now`, if it is.
    pub(crate) fn dead(&self, now: UnixMillis) -> Option<Reason> {
        match self.state {
            GenerationState::Revoked => Some(Reason::Revoked),
            _ if now >= self.expires_at.as_millis() => Some(Reason::Expired),
            _ => None,
        }
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

    /// Ends the generation.
    pub(crate) fn revoke(
        &self,
        store: &dyn Store,
        reason: Option<&str>,
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        store.execute(
            "UPDATE generation SET state = 'revoked', ended_at = ?, end_reason = ? WHERE status_index = ?",
            &[now.0.into(), reason.into(), self.status_index.0.into()],
        )?;
        Ok(())
    }
}

fn audience_name(policy: &Policy, audience: AudienceId) -> String {
    if audience == AudienceId::ADMINISTRATION {
        return ADMIN_AUDIENCE_NAME.into();
    }
    policy
        .audience_numbered(audience)
        .map_or_else(|| format!("audience {}", audience.0), |found| found.name.clone())
}

fn scope_name(policy: &Policy, audience: AudienceId, number: u8) -> String {
    let named = if audience == AudienceId::ADMINISTRATION {
        AdminScope::numbered(number).map(|scope| scope.as_str().to_owned())
    } else {
        policy
            .audience_numbered(audience)
            .and_then(|a| a.scope_numbered(number))
            .map(|scope| scope.name.clone())
    };
    named.unwrap_or_else(|| format!("scope {number}"))
}

const SELECT_GENERATION: &str = "SELECT status_index, number, epoch, issued_at, expires_at, scopes, state, seen_at, \
                                 ended_at, end_reason, key_id FROM generation";

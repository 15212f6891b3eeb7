//! Keys as they are kept.

use serde::Serialize;
use wardkey::{AudienceId, Base, Cutoff, KeyId, SigningKeyId, Subject, TenantId, UnixMillis};
use wardkey_provision::{
    ADMIN_AUDIENCE_NAME, AdminScope, Binding, Candidate, Grant, KeyNotes, Policy,
};

use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_view::KeyView;
use crate::store::{Row, Store};
use crate::tag_index;
use crate::tenant::Tenant;

/// Which keys are looked for.
pub(crate) struct KeyFilter<'a> {
    pub(crate) audiences: Vec<AudienceId>,
    pub(crate) subject: Option<&'a str>,
    pub(crate) tag: Option<&'a str>,
}

/// A key's row.
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) subject: Subject,
    pub(crate) audience: AudienceId,
    pub(crate) suspended: bool,
    pub(crate) record_version: u64,
    notes: KeyNotes,
    issuer: Option<String>,
    created_at: u64,
}

impl Key {
    /// Writes a new key, without any generation.
    pub(crate) fn insert(
        store: &dyn Store,
        grant: &Grant,
        id: KeyId,
        issuer: Option<KeyId>,
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        let notes = grant.notes();
        store.execute(
            "INSERT INTO key (id, subject, audience, name, owner, tags, meta, issuer, created_at, record_version)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            &[
                id.to_string().into(),
                grant.subject().as_str().into(),
                grant.audience().0.into(),
                notes.name().into(),
                notes.owner().into(),
                json(&notes.tags())?.into(),
                json(notes.meta())?.into(),
                issuer.map(|id| id.to_string()).into(),
                now.0.into(),
            ],
        )?;
        for Binding { scope, audience } in grant.bindings() {
            store.execute(
                "INSERT INTO binding (key_id, scope, audience) VALUES (?, ?, ?)",
                &[id.to_string().into(), scope.number().into(), audience.0.into()],
            )?;
        }
        Ok(())
    }

    pub(crate) fn find(store: &dyn Store, id: KeyId) -> Result<Option<Self>, RegistryError> {
        let rows = store.query(&format!("{SELECT} WHERE id = ?"), &[id.to_string().into()])?;
        rows.first().map(Self::read).transpose()
    }

    fn read(row: &Row) -> Result<Self, RegistryError> {
        let broken = |what: &str| RegistryError::internal(format!("a key's {what} is none"));
        let tags: Vec<String> = serde_json::from_str(row.text(4)?).map_err(|_| broken("tags"))?;
        let meta = serde_json::from_str(row.text(5)?).map_err(|_| broken("meta"))?;
        let notes = KeyNotes::check(row.optional_text(2)?, row.text(3)?, &tags, &meta);
        Ok(Self {
            id: row.text(0)?.parse().map_err(|_| broken("id"))?,
            subject: Subject::new(row.text(1)?).map_err(|_| broken("subject"))?,
            notes: notes.map_err(|_| broken("notes"))?,
            audience: AudienceId(row.unsigned(6)?),
            suspended: row.unsigned::<u8>(7)? != 0,
            record_version: row.unsigned(8)?,
            issuer: row.optional_text(9)?.map(Into::into),
            created_at: row.unsigned(10)?,
        })
    }

    /// The living administration keys that may make others of their kind.
    pub(crate) fn administrators(
        store: &dyn Store,
        cutoff: Cutoff,
        now: UnixMillis,
    ) -> Result<Vec<Self>, RegistryError> {
        let sql = format!(
            "{SELECT} WHERE suspended = 0 AND audience = ?1
             AND id IN (SELECT key_id FROM binding WHERE scope = ?2 AND audience = ?1)
             AND EXISTS (SELECT 1 FROM generation
              JOIN signing_key ON signing_key.audience = ?1 AND signing_key.epoch = generation.epoch
               AND signing_key.dead_at IS NULL
              WHERE generation.key_id = key.id AND generation.state IN ('pending', 'active', 'retiring')
              AND generation.expires_at * 1000 > ?3 AND generation.issued_at > ?4
              AND coalesce(generation.retire_at, ?3 + 1) > ?3)"
        );
        let params = [
            AudienceId::ADMINISTRATION.0.into(),
            AdminScope::KeysCreate.number().into(),
            now.0.into(),
            cutoff.0.0.into(),
        ];
        store.query(&sql, &params)?.iter().map(Self::read).collect()
    }

    /// Some keys that a filter lets through, ascending by their ids, after one of them.
    pub(crate) fn some(
        store: &dyn Store,
        filter: &KeyFilter<'_>,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<Self>, RegistryError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let mut keys = Vec::new();
        let by_index = filter.tag.is_some() && tag_index::is_filled(store)?;
        // WHY: one by one, each along its index: asked for together they are sorted, and so all read.
        for audience in &filter.audiences {
            let mut params = vec![audience.0.into(), after.as_str().into(), limit.into()];
            let mut also = String::new();
            if let Some(subject) = filter.subject {
                params.push(subject.into());
                also.push_str(" AND subject = ?4");
            }
            if let Some(tag) = filter.tag {
                params.push(tag.into());
            }
            let tag = params.len();
            let sql = if by_index {
                format!(
                    "{SELECT} WHERE id IN (SELECT key_id FROM key_tag WHERE tag = ?{tag} AND audience = ?1
                     AND key_id > ?2{also} ORDER BY key_id LIMIT ?3) ORDER BY id"
                )
            } else {
                if filter.tag.is_some() {
                    also += &format!(
                        " AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?{tag})"
                    );
                }
                format!("{SELECT} WHERE audience = ?1 AND id > ?2{also} ORDER BY id LIMIT ?3")
            };
            for row in &store.query(&sql, &params)? {
                keys.push(Self::read(row)?);
            }
        }
        keys.sort_by_key(|key| key.id);
        keys.truncate(limit as usize);
        Ok(keys)
    }

    /// Some keys, ascending by their ids, after one of them.
    pub(crate) fn next(
        store: &dyn Store,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<Self>, RegistryError> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        let sql = format!("{SELECT} WHERE id > ? ORDER BY id LIMIT ?");
        store.query(&sql, &[after.into(), limit.into()])?.iter().map(Self::read).collect()
    }

    /// Whether a key of an audience lives, a suspended one included.
    pub(crate) fn any_lives(
        store: &dyn Store,
        audience: AudienceId,
        cutoff: Cutoff,
        now: UnixMillis,
    ) -> Result<bool, RegistryError> {
        let sql = "SELECT 1 FROM key JOIN generation ON generation.key_id = key.id
                   WHERE key.audience = ?1 AND generation.state IN ('pending', 'active', 'retiring')
                   AND generation.expires_at * 1000 > ?2 AND generation.issued_at > ?3
                   AND coalesce(generation.retire_at, ?2 + 1) > ?2 LIMIT 1";
        let params = [audience.0.into(), now.0.into(), cutoff.0.0.into()];
        Ok(!store.query(sql, &params)?.is_empty())
    }

    /// One of its generations as the policy judges it, as if an actor of this subject had it made.
    pub(crate) fn candidate<'a>(
        &'a self,
        generation: &'a Generation,
        actor: Option<&'a str>,
    ) -> Candidate<'a> {
        Candidate {
            actor,
            subject: self.subject.as_str(),
            audience: self.audience,
            scopes: generation.scopes,
            lifetime_s: generation.expires_at.0.saturating_sub(generation.issued_at.0),
            networks: generation.constraints.networks.as_ref(),
            notes: &self.notes,
        }
    }

    /// Binds it to one more right.
    pub(crate) fn bind(&self, store: &dyn Store, binding: Binding) -> Result<(), RegistryError> {
        let Binding { scope, audience } = binding;
        store.execute(
            "INSERT OR IGNORE INTO binding (key_id, scope, audience) VALUES (?, ?, ?)",
            &[self.id.to_string().into(), scope.number().into(), audience.0.into()],
        )?;
        Ok(())
    }

    /// Replaces what people noted down.
    pub(crate) fn note(&self, store: &dyn Store, notes: &KeyNotes) -> Result<(), RegistryError> {
        store.execute(
            "UPDATE key SET name = ?, owner = ?, tags = ?, meta = ? WHERE id = ?",
            &[
                notes.name().into(),
                notes.owner().into(),
                json(&notes.tags())?.into(),
                json(notes.meta())?.into(),
                self.id.to_string().into(),
            ],
        )?;
        Ok(())
    }

    /// The key that made it.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// When it was made.
    pub(crate) const fn created_at(&self) -> UnixMillis {
        UnixMillis(self.created_at)
    }

    /// What people noted down.
    pub(crate) const fn notes(&self) -> &KeyNotes {
        &self.notes
    }

    /// Suspends or resumes it.
    pub(crate) fn suspend(&self, store: &dyn Store, suspended: bool) -> Result<(), RegistryError> {
        store.execute(
            "UPDATE key SET suspended = ? WHERE id = ?",
            &[u8::from(suspended).into(), self.id.to_string().into()],
        )?;
        Ok(())
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
        Generation::of_key(store, self.id)
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
            scopes: scope_names(policy, self.audience, newest),
            for_audiences,
            name: self.notes.name().map(Into::into),
            owner: self.notes.owner().into(),
            tags: self.notes.tags().to_vec(),
            meta: self.notes.meta().clone(),
            suspended: self.suspended,
            issuer: self.issuer.clone(),
            created_at_ms: self.created_at,
            generations: generations.iter().map(Generation::view).collect(),
        })
    }

    /// The names of a generation's scopes.
    pub(crate) fn scope_names(&self, tenant: &Tenant, generation: &Generation) -> Vec<String> {
        scope_names(&tenant.policy, self.audience, generation)
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
            constraints: generation.constraints,
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, RegistryError> {
    serde_json::to_string(value)
        .map_err(|error| RegistryError::internal(format!("a key's notes: {error}")))
}

fn scope_names(policy: &Policy, audience: AudienceId, generation: &Generation) -> Vec<String> {
    generation.scopes.iter().map(|number| scope_name(policy, audience, number)).collect()
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

const SELECT: &str = "SELECT id, subject, name, owner, tags, meta, audience, suspended, record_version, issuer, \
                      created_at FROM key";

//! What replacing the policy would change, and which living keys would break it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, Cutoff, KeyId, UnixMillis};
use wardkey_provision::{AdminScope, GrantRefused, Policy};

use crate::admission::admit;
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_book::Key;
use crate::policy_diff::{PolicyChange, changes};
use crate::replace_policy::{dropped, may_follow};
use crate::store::Store;
use crate::tenant::Tenant;
use crate::wire::WireSecret;

/// What replacing the policy would change and break. Nothing has been changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyTrial {
    /// Whether the policy would say anything else.
    pub would_change: bool,
    /// What it would say.
    pub changes: Vec<PolicyChange>,
    /// Whose verifiers would need a new key set.
    pub key_sets: Vec<KeySetChange>,
    /// Living keys that would not be granted any more, ascending by id: the first hundred of this page. None of them
    /// would die.
    pub broken_keys: Vec<BrokenKey>,
    /// How many of this page there are.
    pub broken_count: u32,
    /// How many living keys were judged on this page.
    pub checked_keys: u32,
    /// Whether this page comes to the end of all keys.
    pub complete: bool,
    /// Where to go on: the `after` of the next page. None at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
}

/// An audience whose verifiers would need a new key set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeySetChange {
    /// The audience's name.
    pub audience: String,
    /// Whether they would answer nothing (503 `no_key_set`) until they have it, since the old one allows too much.
    pub at_once: bool,
}

/// A living key that would not be granted any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BrokenKey {
    /// Which.
    pub key_id: String,
    /// The rule that would refuse it.
    pub rule: String,
    /// What it says.
    pub detail: String,
}

/// Tries a policy without writing anything.
pub(crate) fn try_policy(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    (version, policy): (u32, &Policy),
    after: Option<&str>,
    now: UnixMillis,
) -> Result<PolicyTrial, RegistryError> {
    admit(store, tenant, credential, AdminScope::PolicyWrite, now)?;
    let after: Option<KeyId> = after
        .map(|text| text.parse().map_err(|_| RegistryError::invalid("after", "must be a key's id")))
        .transpose()?;
    may_follow(store, tenant, version, policy)?;
    let changes = changes(&tenant.policy, policy)?;
    let mut trial = PolicyTrial {
        would_change: !changes.is_empty(),
        changes,
        key_sets: key_sets(&tenant.policy, policy),
        broken_keys: Vec::new(),
        broken_count: 0,
        checked_keys: 0,
        complete: true,
        next_after: None,
    };
    Judge::new(store, tenant, policy, now).page(after, &mut trial)?;
    Ok(trial)
}

fn key_sets(old: &Policy, new: &Policy) -> Vec<KeySetChange> {
    let audiences = new.audiences.iter().filter_map(|audience| {
        let before = old.audience_numbered(audience.id())?;
        audience.needs_new_key_set(before).then(|| KeySetChange {
            audience: audience.name.clone(),
            at_once: audience.is_stricter_than(before),
        })
    });
    audiences.collect()
}

/// Judges living keys as if whoever had them made asked for them anew.
struct Judge<'t> {
    store: &'t dyn Store,
    tenant: &'t Tenant,
    policy: &'t Policy,
    now: UnixMillis,
    cutoffs: BTreeMap<u8, Cutoff>,
    /// Subjects of keys that made others.
    issuers: BTreeMap<String, String>,
}

impl<'t> Judge<'t> {
    const fn new(
        store: &'t dyn Store,
        tenant: &'t Tenant,
        policy: &'t Policy,
        now: UnixMillis,
    ) -> Self {
        Self { store, tenant, policy, now, cutoffs: BTreeMap::new(), issuers: BTreeMap::new() }
    }

    /// Judges a page of keys, batch by batch.
    fn page(
        &mut self,
        mut after: Option<KeyId>,
        trial: &mut PolicyTrial,
    ) -> Result<(), RegistryError> {
        let mut left = MAX_KEYS;
        while left > 0 {
            let keys = Key::next(self.store, after, left.min(BATCH))?;
            let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
                return Ok(());
            };
            after = Some(last.id);
            left -= u32::try_from(keys.len()).unwrap_or(left);
            let mut generations: BTreeMap<[u8; 8], Vec<Generation>> = BTreeMap::new();
            for (key, generation) in Generation::unended(self.store, first.id, last.id)? {
                generations.entry(key.0).or_default().push(generation);
            }
            for key in &keys {
                self.key(key, generations.get(&key.id.0).map_or(&[][..], Vec::as_slice), trial)?;
            }
        }
        if !Key::next(self.store, after, 1)?.is_empty() {
            trial.complete = false;
            trial.next_after = after.map(|id| id.to_string());
        }
        Ok(())
    }

    fn key(
        &mut self,
        key: &Key,
        generations: &[Generation],
        trial: &mut PolicyTrial,
    ) -> Result<(), RegistryError> {
        let cutoff = self.cutoff(key.audience)?;
        let lives =
            |one: &&Generation| one.dead(self.now).is_none() && !cutoff.kills(one.issued_at);
        let living: Vec<_> = generations.iter().filter(lives).collect();
        if living.is_empty() {
            return Ok(());
        }
        trial.checked_keys += 1;
        let actor = self.issuer(key)?;
        let refused = living
            .into_iter()
            .find_map(|one| key.candidate(one, actor.as_deref()).judge(self.policy).err());
        let Some(refused) = refused else {
            return Ok(());
        };
        trial.broken_count += 1;
        if trial.broken_keys.len() < MAX_BROKEN {
            let (rule, detail) = match refused {
                GrantRefused::Rule { rule, detail } => (rule, detail),
                other => return Err(RegistryError::internal(other.to_string())),
            };
            trial.broken_keys.push(self.broken(key, rule, detail));
        }
        Ok(())
    }

    fn broken(&self, key: &Key, mut rule: String, mut detail: String) -> BrokenKey {
        if let Some(audience) =
            dropped(&self.tenant.policy, self.policy).find(|one| one.id() == key.audience)
        {
            rule = "audience_in_use".into();
            detail = format!("audience {} cannot be dropped while the key lives", audience.name);
        }
        BrokenKey { key_id: key.id.to_string(), rule, detail }
    }

    fn cutoff(&mut self, audience: AudienceId) -> Result<Cutoff, RegistryError> {
        if let Some(known) = self.cutoffs.get(&audience.0) {
            return Ok(*known);
        }
        let cutoff = self.tenant.cutoff(self.store, audience)?;
        self.cutoffs.insert(audience.0, cutoff);
        Ok(cutoff)
    }

    /// The subject of the key that made this one; none for that of a bootstrap.
    fn issuer(&mut self, key: &Key) -> Result<Option<String>, RegistryError> {
        let Some(issuer) = key.issuer() else {
            return Ok(None);
        };
        if let Some(known) = self.issuers.get(issuer) {
            return Ok(Some(known.clone()));
        }
        let id = issuer.parse().map_err(|_| RegistryError::internal("a key's issuer is no key"))?;
        let found = Key::find(self.store, id)?
            .ok_or_else(|| RegistryError::internal("a key's issuer is gone"))?;
        let subject = found.subject.as_str().to_owned();
        self.issuers.insert(issuer.into(), subject.clone());
        Ok(Some(subject))
    }
}

/// Most keys that one trial looks at, dead ones included.
const MAX_KEYS: u32 = 10_000;
/// So many keys are read at once.
const BATCH: u32 = 500;
/// Most keys that are named.
const MAX_BROKEN: usize = 100;

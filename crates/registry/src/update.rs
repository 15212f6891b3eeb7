//! Changing what people noted down of a key, which does not stand in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use wardkey::KeyId;
use wardkey_provision::{AdminScope, KeyNotes};

use crate::admission::Circumstances;
use crate::error::{Conflict, RegistryError};
use crate::key_book::Key;
use crate::key_view::KeyView;
use crate::mutation::{Deed, Mutation};
use crate::outbox;
use crate::store::Store;
use crate::tenant::Tenant;

/// What is to be changed. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateRequest {
    /// A name for people; null takes it away.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub name: Option<Option<String>>,
    /// Who answers for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What it is found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Whatever else its owner writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<BTreeMap<String, String>>,
    /// What stands inside the key cannot be changed: it is taken so that the refusal can say what to do.
    #[serde(flatten)]
    pub inside: InsideTheKey,
}

/// Fields that only a rotation or another key changes. None is ever looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InsideTheKey {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_in: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    constraints: Option<Value>,
}

impl InsideTheKey {
    const fn is_named(&self) -> bool {
        self.scopes.is_some()
            || self.expires_in.is_some()
            || self.expires_at.is_some()
            || self.constraints.is_some()
    }
}

/// Changes a key's notes, at once.
pub(crate) fn update(
    store: &dyn Store,
    tenant: &Tenant,
    key_id: KeyId,
    request: &UpdateRequest,
    circumstances: &Circumstances<'_>,
) -> Result<KeyView, RegistryError> {
    let now = circumstances.now;
    let name = format!("key.update {key_id}");
    let mutation =
        Mutation::admit(store, tenant, circumstances, AdminScope::KeysUpdate, (&name, request))?;
    if request.inside.is_named() {
        let detail = "scopes, expiry and constraints stand inside the key: rotate it with new ones";
        return Err(RegistryError::conflict(Conflict::NeedsRotation, detail));
    }
    if let Some(view) = mutation.before()? {
        return Ok(view);
    }
    let key = mutation.key(key_id)?;
    let old = key.notes();
    let name = request.name.as_ref().map_or_else(|| old.name(), |name| name.as_deref());
    let owner = request.owner.as_deref().unwrap_or_else(|| old.owner());
    let tags = request.tags.as_deref().unwrap_or_else(|| old.tags());
    let meta = request.meta.as_ref().unwrap_or_else(|| old.meta());
    let notes = KeyNotes::check(name, owner, tags, meta)?;
    let changed = notes != *old;
    if changed {
        for generation in key.generations(store)?.iter().filter(|one| one.dead(now).is_none()) {
            key.candidate(generation, key.issuer()).judge_change(&tenant.policy, &notes)?;
        }
        key.note(store, &notes)?;
        key.touch(store)?;
        outbox::post(store, key_id, now)?;
    }
    mutation.log(Deed {
        action: "key.update",
        audience: key.audience,
        target: Some(key_id.to_string()),
        reason: None,
        changed,
    })?;
    let key = Key::find(store, key_id)?.ok_or(RegistryError::NotFound)?;
    mutation.end(key.view(store, &tenant.policy)?)
}

/// Tells null from what is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

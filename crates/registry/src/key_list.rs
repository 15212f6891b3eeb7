//! The keys of a tenant, page by page.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, KeyId, Subject, UnixMillis};
use wardkey_provision::{Actor, AdminScope, check_tag};

use crate::admission::admit;
use crate::error::RegistryError;
use crate::key_book::{Key, KeyFilter};
use crate::key_view::KeyView;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::wire::WireSecret;

/// Which keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    /// Only of this audience.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Only those that act as this subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Only those with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only those after this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many, 1 to 200.
    pub limit: u32,
}

/// Some keys, ascending by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<KeyView>,
    /// Where to go on: the `after` of the next page. None at the end.
    pub next_after: Option<String>,
}

/// The keys that the actor may read.
pub(crate) fn list(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    request: &ListRequest,
    now: UnixMillis,
) -> Result<KeyPage, RegistryError> {
    let actor = admit(store, tenant, credential, AdminScope::KeysRead, now)?;
    let after: Option<KeyId> = request
        .after
        .as_deref()
        .map(|text| text.parse().map_err(|_| RegistryError::invalid("after", "must be a key's id")))
        .transpose()?;
    // WHY: a mistyped filter would list nothing, which reads as if there were nothing.
    if let Some(subject) = &request.subject {
        Subject::new(subject)
            .map_err(|error| RegistryError::invalid("subject", error.to_string()))?;
    }
    if let Some(tag) = &request.tag {
        check_tag(tag).map_err(|problem| RegistryError::invalid("tag", problem))?;
    }
    let filter = KeyFilter {
        audiences: audiences(tenant, &actor, request.audience.as_deref())?,
        subject: request.subject.as_deref(),
        tag: request.tag.as_deref(),
    };
    let limit = request.limit.clamp(1, 200);
    let mut keys = Key::some(store, &filter, after, limit + 1)?;
    let more = keys.len() > limit as usize;
    keys.truncate(limit as usize);
    let next_after = keys.last().filter(|_| more).map(|last| last.id.to_string());
    let views = keys.iter().map(|key| Ok(key.view(store, &tenant.policy)?.at(now)));
    Ok(KeyPage { keys: views.collect::<Result<_, RegistryError>>()?, next_after })
}

/// The audiences that are asked for, as far as the actor may read their keys.
fn audiences(
    tenant: &Tenant,
    actor: &Actor,
    named: Option<&str>,
) -> Result<Vec<AudienceId>, RegistryError> {
    let readable = actor.bindings.iter().filter(|held| held.scope == AdminScope::KeysRead);
    let readable: Vec<AudienceId> = readable.map(|held| held.audience).collect();
    let Some(name) = named else {
        return Ok(readable);
    };
    // WHY: one answer for an audience that is not there and one that the actor may not read.
    let found = tenant.audience_named(name).filter(|audience| readable.contains(audience));
    let problem = "must be one whose keys the credential may read";
    found.map(|audience| vec![audience]).ok_or_else(|| RegistryError::invalid("audience", problem))
}

//! Reading a key: where its sealed record is and what opens it, or the record itself.

use serde::{Deserialize, Serialize};
use wardkey::{KeyId, UnixMillis};
use wardkey_provision::AdminScope;

use crate::admission::{admit, visible};
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_view::KeyView;
use crate::outbox;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::usage::UsedKey;
use crate::wire::{WireBytes, WireSecret};

/// What a reader is to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadKey {
    /// Where the record lies and what opens it: the usual way, which leaves the object's rows alone.
    Pointer,
    /// The record itself, when the copy outside lags or is missing.
    Record,
}

/// What opens the sealed record of a key, in exactly its present version.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordPointer {
    /// The record's version.
    pub version: u64,
    /// The key that opens it.
    pub record_key: WireBytes,
}

pub(crate) fn pointer(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    key_id: KeyId,
    now: UnixMillis,
) -> Result<RecordPointer, RegistryError> {
    let actor = admit(store, tenant, credential, AdminScope::KeysRead, now)?;
    let mut key = visible(store, &actor, AdminScope::KeysRead, key_id)?;
    if Generation::settle(store, key_id)? {
        key.touch(store)?;
        outbox::post(store, key_id, now)?;
        key = visible(store, &actor, AdminScope::KeysRead, key_id)?;
    }
    let record_key = tenant.secret.record_key(key_id, key.record_version);
    Ok(RecordPointer {
        version: key.record_version,
        record_key: WireBytes::new(*record_key.secret_bytes()),
    })
}

pub(crate) fn record(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    key_id: KeyId,
    now: UnixMillis,
) -> Result<KeyView, RegistryError> {
    let actor = admit(store, tenant, credential, AdminScope::KeysRead, now)?;
    visible(store, &actor, AdminScope::KeysRead, key_id)?.view(store, &tenant.policy)
}

/// What the tenant's usage is to be asked about a key, for whoever may read it.
pub(crate) fn used(
    store: &dyn Store,
    tenant: &Tenant,
    credential: &WireSecret,
    key_id: KeyId,
    now: UnixMillis,
) -> Result<UsedKey, RegistryError> {
    let actor = admit(store, tenant, credential, AdminScope::KeysRead, now)?;
    let key = visible(store, &actor, AdminScope::KeysRead, key_id)?;
    let generations = key.generations(store)?;
    let generations = generations.iter().map(|one| (one.number, one.status_index.0)).collect();
    let view = key.view(store, &tenant.policy)?;
    Ok(UsedKey {
        key_id: view.key_id,
        audience: key.audience.0,
        audience_name: view.audience,
        scopes: view.scopes,
        generations,
    })
}

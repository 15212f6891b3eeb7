//! Sealed key records in KV: `record/{tenant}/{key id}`.

use std::time::Duration;

use futures_util::future::{Either, select};
use wardkey::{KeyId, TenantId};
use wardkey_provision::RecordName;
use worker::{Delay, Env, KvStore};

use crate::problem::ApiError;

/// Longest wait for a record, after which the registry is asked.
const READ_TIME: Duration = Duration::from_millis(500);

/// The KV namespace of sealed records. What it gives may lag: the version in the seal shows it.
pub(crate) struct RecordStore(KvStore);

impl RecordStore {
    /// The deployment's namespace.
    ///
    /// # Errors
    /// [`ApiError::Misconfigured`] without the binding.
    pub(crate) fn of(env: &Env) -> Result<Self, ApiError> {
        env.kv("RECORDS").map(Self).map_err(|_| ApiError::Misconfigured("RECORDS"))
    }

    /// The sealed record, if this place has one.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when KV fails; the caller goes on with the registry's own record.
    pub(crate) async fn sealed(
        &self,
        tenant: TenantId,
        key_id: KeyId,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        let path = path(tenant, key_id);
        let reading = Box::pin(self.0.get(&path).bytes());
        match select(reading, Delay::from(READ_TIME)).await {
            Either::Left((read, _)) => {
                read.map_err(|error| ApiError::Internal(format!("KV: {error}")))
            }
            Either::Right(_) => Err(ApiError::Internal("KV did not answer".into())),
        }
    }

    /// Writes a sealed record.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when KV refuses, one write a second and key being its limit.
    pub(crate) async fn put(&self, name: RecordName, sealed: &[u8]) -> Result<(), ApiError> {
        let failed = |error| ApiError::Internal(format!("KV: {error}"));
        let put = self.0.put_bytes(&path(name.tenant, name.key_id), sealed).map_err(failed)?;
        put.execute().await.map_err(failed)
    }
}

fn path(tenant: TenantId, key_id: KeyId) -> String {
    format!("record/{}/{key_id}", tenant.0)
}

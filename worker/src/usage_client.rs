//! The way to a tenant's usage.

use std::time::Duration;

use wardkey::TenantId;
use wardkey_registry::{UsageCall, UsageReply};
use worker::{Env, Headers, Stub};

use crate::object_message::exchange;
use crate::problem::ApiError;

/// Longest wait for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(4);

/// The usage of one tenant.
pub(crate) struct UsageClient(Stub);

impl UsageClient {
    /// The client of a tenant's usage.
    ///
    /// # Errors
    /// [`ApiError::Misconfigured`] without the binding.
    pub(crate) fn of(env: &Env, tenant: TenantId) -> Result<Self, ApiError> {
        let namespace =
            env.durable_object("USAGE").map_err(|_| ApiError::Misconfigured("USAGE"))?;
        Ok(Self(namespace.get_by_name(&format!("tenant:{}", tenant.0))?))
    }

    /// Asks and waits for a limited time.
    ///
    /// # Errors
    /// What it says, or [`ApiError::RegistryUnavailable`].
    pub(crate) async fn ask(&self, call: &UsageCall) -> Result<UsageReply, ApiError> {
        Ok(exchange(&self.0, Headers::new(), call, ANSWER_TIME, None).await??)
    }
}

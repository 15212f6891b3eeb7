//! The way to the deployment's directory of tenants.

use std::time::Duration;

use wardkey_registry::{DirectoryCall, DirectoryReply};
use worker::{Env, Headers, Stub};

use crate::object_message::exchange;
use crate::problem::ApiError;

/// The directory of tenants, of which a deployment has one.
pub(crate) struct DirectoryClient(Stub);

impl DirectoryClient {
    /// The deployment's directory.
    ///
    /// # Errors
    /// [`ApiError::Misconfigured`] without the binding.
    pub(crate) fn of(env: &Env) -> Result<Self, ApiError> {
        let namespace =
            env.durable_object("DIRECTORY").map_err(|_| ApiError::Misconfigured("DIRECTORY"))?;
        Ok(Self(namespace.get_by_name("tenants")?))
    }

    /// Asks and waits for a limited time.
    ///
    /// # Errors
    /// [`ApiError::TenantGone`] for a number that is never given again; [`ApiError::RegistryUnavailable`].
    pub(crate) async fn ask(
        &self,
        call: &DirectoryCall,
        limit: Duration,
    ) -> Result<DirectoryReply, ApiError> {
        Ok(exchange(&self.0, Headers::new(), call, limit, None).await??)
    }
}

//! The way from the Worker to a tenant's Durable Object: one message, one answer, in time.

use std::cell::Cell;
use std::time::Duration;

use wardkey::{TenantId, UnixMillis};
use wardkey_registry::{Call, Reply};
use worker::{Env, Headers, Stub, console_error};

use crate::clock;
use crate::forged_credentials::UnjudgedCredential;
use crate::object_message::exchange;
use crate::problem::ApiError;
use crate::rotate_by::RotateBy;

/// Longest wait for all answers that one request needs: an object that hangs is reported to the caller
/// before 5 s have passed, however many calls it takes.
const ANSWER_TIME_MS: u64 = 4_000;

/// The registry of one tenant.
pub(crate) struct RegistryClient {
    stub: Stub,
    /// Set by the first call: the time that a body takes to come is its sender's.
    deadline: Cell<Option<UnixMillis>>,
    /// The credential that the first answer says what it is.
    unjudged: Cell<Option<UnjudgedCredential>>,
    /// What answers say of the credential that the request is made by.
    rotate_by: RotateBy,
    #[cfg(feature = "plant-faults")]
    planted: Option<String>,
}

impl RegistryClient {
    /// The client of a tenant's registry.
    ///
    /// # Errors
    /// [`ApiError::Misconfigured`] without the binding.
    pub(crate) fn of(env: &Env, tenant: TenantId) -> Result<Self, ApiError> {
        let namespace =
            env.durable_object("REGISTRY").map_err(|_| ApiError::Misconfigured("REGISTRY"))?;
        let stub = namespace.get_by_name(&format!("tenant:{}", tenant.0))?;
        Ok(Self {
            stub,
            deadline: Cell::new(None),
            unjudged: Cell::new(None),
            rotate_by: RotateBy::default(),
            #[cfg(feature = "plant-faults")]
            planted: None,
        })
    }

    /// The same client, which keeps there what answers say of the credential that a call is made by.
    pub(crate) fn keeping(self, rotate_by: RotateBy) -> Self {
        Self { rotate_by, ..self }
    }

    /// The same client, whose first answer judges a credential.
    pub(crate) fn judging(self, credential: UnjudgedCredential) -> Self {
        self.unjudged.set(Some(credential));
        self
    }

    /// The same client, its calls failing as a test's header asks.
    #[cfg(feature = "plant-faults")]
    pub(crate) fn planting(mut self, headers: &Headers) -> Result<Self, ApiError> {
        self.planted = headers.get(crate::tenant_registry::PLANT_HEADER)?;
        Ok(self)
    }

    /// Asks and waits for as long as the request may take.
    ///
    /// # Errors
    /// What the registry says, or [`ApiError::RegistryUnavailable`]; what [`UnjudgedCredential::place`] and
    /// [`UnjudgedCredential::judged`] say of a credential that this call judges.
    pub(crate) async fn ask(&self, call: &Call) -> Result<Reply, ApiError> {
        self.ask_within(call, Duration::MAX).await
    }

    /// Asks and waits for a limited time, and no longer than the request may take.
    ///
    /// # Errors
    /// As [`RegistryClient::ask`].
    pub(crate) async fn ask_within(&self, call: &Call, limit: Duration) -> Result<Reply, ApiError> {
        let deadline = self.deadline.get().unwrap_or(clock::now().plus(ANSWER_TIME_MS));
        self.deadline.set(Some(deadline));
        let judging = match self.unjudged.take() {
            Some(credential) => Some((credential.place().await?, credential)),
            None => None,
        };
        let left = Duration::from_millis(deadline.since(clock::now()));
        let headers = Headers::new();
        #[cfg(feature = "plant-faults")]
        if let Some(planted) = &self.planted {
            headers.set(crate::tenant_registry::PLANT_HEADER, planted)?;
        }
        let outcome =
            exchange(&self.stub, headers, call, limit.min(left), Some(&self.rotate_by)).await;
        if let Some((place, credential)) = judging {
            credential.judged(place, &outcome).await?;
        }
        Ok(outcome??)
    }
}

/// The error of a reply of another kind than was asked for: whatever was done is done, so that the caller
/// must not be told that nothing was.
pub(crate) fn unexpected_reply() -> ApiError {
    console_error!("the registry gave another kind of reply");
    ApiError::RegistryUnavailable
}

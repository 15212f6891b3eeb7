//! The way from the Worker to a tenant's Durable Object: one message, one answer, in time.

use std::time::Duration;

use futures_util::future::{Either, select};
use wardkey::TenantId;
use wardkey_provision::holds_credential;
use wardkey_registry::{Authority, Call, RegistryError, Reply};
use worker::{Delay, Env, Headers, Method, Request, RequestInit, Stub, console_error};
use zeroize::Zeroizing;

use crate::credential::AdminCredential;
use crate::problem::ApiError;
use crate::request_id::RequestId;

/// Longest wait for an answer: an object that hangs is reported to the caller before 5 s have passed.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(4);

/// The registry of one tenant.
pub(crate) struct RegistryClient {
    stub: Stub,
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
            #[cfg(feature = "plant-faults")]
            planted: None,
        })
    }

    /// The same client, its calls failing as a test's header asks.
    #[cfg(feature = "plant-faults")]
    pub(crate) fn planting(mut self, headers: &Headers) -> Result<Self, ApiError> {
        self.planted = headers.get(crate::tenant_registry::PLANT_HEADER)?;
        Ok(self)
    }

    /// Asks and waits for at most [`ANSWER_TIME`].
    ///
    /// # Errors
    /// What the registry says, or [`ApiError::RegistryUnavailable`].
    pub(crate) async fn ask(&self, call: &Call) -> Result<Reply, ApiError> {
        self.ask_within(call, ANSWER_TIME).await
    }

    /// Asks and waits for a limited time.
    ///
    /// # Errors
    /// As [`RegistryClient::ask`].
    pub(crate) async fn ask_within(&self, call: &Call, limit: Duration) -> Result<Reply, ApiError> {
        let asking = Box::pin(self.exchange(call));
        match select(asking, Delay::from(limit)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(ApiError::RegistryUnavailable),
        }
    }

    async fn exchange(&self, call: &Call) -> Result<Reply, ApiError> {
        let message = Zeroizing::new(
            serde_json::to_string(call).map_err(|error| ApiError::Internal(error.to_string()))?,
        );
        let headers = Headers::new();
        #[cfg(feature = "plant-faults")]
        if let Some(planted) = &self.planted {
            headers.set(crate::tenant_registry::PLANT_HEADER, planted)?;
        }
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(headers)
            .with_body(Some(message.as_str().into()));
        let request = Request::new_with_init("https://registry/", &init)?;
        let mut response = match self.stub.fetch_with_request(request).await {
            Ok(response) => response,
            Err(error) => {
                // The object was restarted, overloaded or panicked outside a transaction.
                console_error!("the registry did not answer: {error}");
                return Err(ApiError::RegistryUnavailable);
            }
        };
        let body =
            Zeroizing::new(response.bytes().await.map_err(|_| ApiError::RegistryUnavailable)?);
        let outcome: Result<Reply, RegistryError> =
            serde_json::from_slice(&body).map_err(|error| {
                ApiError::Internal(format!("the registry's answer: {}", error.classify_word()))
            })?;
        outcome.map_err(Into::into)
    }
}

/// What the parser found, without repeating the answer, which may hold a key.
trait ClassifyWord {
    fn classify_word(&self) -> &'static str;
}

impl ClassifyWord for serde_json::Error {
    fn classify_word(&self) -> &'static str {
        match self.classify() {
            serde_json::error::Category::Io => "could not be read",
            serde_json::error::Category::Syntax => "is no JSON",
            serde_json::error::Category::Data => "has another shape",
            serde_json::error::Category::Eof => "was cut short",
        }
    }
}

/// By what right a call is made: the credential, the caller's Idempotency-Key, the request's id.
///
/// # Errors
/// [`ApiError::Invalid`] for an Idempotency-Key that is not 1 to 255 printable ASCII characters.
pub(crate) fn authority(
    credential: AdminCredential,
    headers: &Headers,
    id: &RequestId,
) -> Result<Authority, ApiError> {
    Ok(Authority {
        credential: credential.text,
        idempotency_key: idempotency_key(headers)?,
        request_id: id.as_str().into(),
    })
}

/// The caller's Idempotency-Key.
///
/// # Errors
/// As [`authority`].
pub(crate) fn idempotency_key(headers: &Headers) -> Result<Option<String>, ApiError> {
    let key = headers.get("Idempotency-Key")?;
    let Some(text) = &key else {
        return Ok(None);
    };
    let printable = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if text.is_empty() || text.len() > 255 || !printable || holds_credential(text) {
        let problem = "must be 1 to 255 printable ASCII characters and no credential";
        return Err(ApiError::invalid("Idempotency-Key", problem));
    }
    Ok(key)
}

/// The error of a reply of another kind than was asked for.
pub(crate) fn unexpected_reply() -> ApiError {
    ApiError::Internal("the registry gave another kind of reply".into())
}

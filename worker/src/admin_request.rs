//! A request under an administration key.

use wardkey::TenantId;
use wardkey_provision::holds_credential;
use wardkey_registry::{Authority, Call as RegistryCall, WireSecret};
use worker::Headers;

use crate::Call;
use crate::credential::{KeyCredential, administration, any_key};
use crate::forged_credentials::{Purpose, UnjudgedCredential};
use crate::problem::ApiError;
use crate::registry_client::RegistryClient;
use crate::request_id::RequestId;

/// Who asks which registry. The credential is well-formed and **not judged**: only the registry does that.
pub(crate) struct AdminRequest {
    pub(crate) registry: RegistryClient,
    pub(crate) tenant: TenantId,
    credential: WireSecret,
    /// Whether the credential acts by being shown, whatever it may do: a key of any audience.
    possession: bool,
    idempotency_key: Result<Option<String>, ApiError>,
    id: RequestId,
}

impl AdminRequest {
    /// Takes the credential out of a request.
    ///
    /// # Errors
    /// 401, 400 `invalid_request`: see [`administration`]. 429: see [`UnjudgedCredential::of`].
    pub(crate) fn of(call: &Call) -> Result<Self, ApiError> {
        Self::with(call, administration(call.request.headers())?, Purpose::Other)
    }

    /// Takes the credential out of a request to end keys, or to keep them from being used.
    ///
    /// # Errors
    /// 401, 400 `invalid_request`: see [`administration`]. Nobody is shut out from it.
    pub(crate) fn ending(call: &Call) -> Result<Self, ApiError> {
        Self::with(call, administration(call.request.headers())?, Purpose::Ending)
    }

    /// Takes a key of any audience out of a request, for what its holder may do by showing it: to end it.
    ///
    /// # Errors
    /// 401, 400 `invalid_request`: see [`any_key`]. Nobody is shut out from it.
    pub(crate) fn of_holder(call: &Call) -> Result<Self, ApiError> {
        let holder = Self::with(call, any_key(call.request.headers())?, Purpose::Ending)?;
        Ok(Self { possession: true, ..holder })
    }

    fn with(call: &Call, credential: KeyCredential, purpose: Purpose) -> Result<Self, ApiError> {
        let unjudged = UnjudgedCredential::of(call, &credential, purpose)?;
        let KeyCredential { text, tenant } = credential;
        Ok(Self {
            registry: call.registry(tenant)?.judging(unjudged),
            tenant,
            credential: text,
            possession: false,
            idempotency_key: idempotency_key(call.request.headers()),
            id: call.id.clone(),
        })
    }

    /// Goes on with what the request says, if all of it is acceptable. If not, the registry judges the
    /// credential first: what is wrong with the rest is only told to those who may ask.
    ///
    /// # Errors
    /// The credential's own, else those of `said` or of the Idempotency-Key.
    pub(crate) async fn accept<T>(
        self,
        said: Result<T, ApiError>,
    ) -> Result<(RegistryClient, Authority, T), ApiError> {
        let Self { registry, credential, possession, idempotency_key, id, .. } = self;
        let mut authority =
            Authority { credential, idempotency_key: None, request_id: id.as_str().into() };
        match (said, idempotency_key) {
            (Ok(said), Ok(key)) => {
                authority.idempotency_key = key;
                Ok((registry, authority, said))
            }
            (Err(error), _) | (_, Err(error)) => {
                registry.ask(&RegistryCall::Admit { authority, possession }).await?;
                Err(error)
            }
        }
    }
}

/// The caller's Idempotency-Key.
///
/// # Errors
/// [`ApiError::Invalid`] for what is not 1 to 255 printable ASCII characters, or holds a credential.
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

//! One message to a Durable Object of this deployment, and its one answer: JSON between versions N and N−1.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use wardkey::UnixMillis;
use wardkey_registry::RegistryError;
use worker::{Delay, Headers, Method, Request, RequestInit, Stub, console_error};
use zeroize::Zeroizing;

use crate::problem::ApiError;
use crate::rotate_by::RotateBy;

/// Sends a message and waits for what the object says, for a limited time.
///
/// # Errors
/// [`ApiError::RegistryUnavailable`] when nothing is known of what it did.
pub(crate) async fn exchange<M: Serialize, A: DeserializeOwned>(
    stub: &Stub,
    headers: Headers,
    message: &M,
    limit: Duration,
    retires_at: Option<&RotateBy>,
) -> Result<Result<A, RegistryError>, ApiError> {
    let asking = Box::pin(send(stub, headers, message, retires_at));
    match select(asking, Delay::from(limit)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(ApiError::RegistryUnavailable),
    }
}

async fn send<M: Serialize, A: DeserializeOwned>(
    stub: &Stub,
    headers: Headers,
    message: &M,
    retires_at: Option<&RotateBy>,
) -> Result<Result<A, RegistryError>, ApiError> {
    let message = Zeroizing::new(
        serde_json::to_string(message).map_err(|error| ApiError::Internal(error.to_string()))?,
    );
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers).with_body(Some(message.as_str().into()));
    let request = Request::new_with_init("https://registry/", &init)?;
    let mut response = match stub.fetch_with_request(request).await {
        Ok(response) => response,
        Err(error) => {
            // The object was restarted, overloaded or panicked outside a transaction.
            console_error!("the registry did not answer: {error}");
            return Err(ApiError::RegistryUnavailable);
        }
    };
    let said = response.headers().get(RETIRES_AT_HEADER)?.and_then(|text| text.parse().ok());
    if let (Some(keeper), Some(at)) = (retires_at, said) {
        keeper.set(UnixMillis(at));
    }
    let body = Zeroizing::new(response.bytes().await.map_err(|_| ApiError::RegistryUnavailable)?);
    serde_json::from_slice(&body).map_err(|error| {
        // The object may have done what was asked, so that this is no failure of ours alone.
        console_error!("the registry's answer {}", finding(&error));
        ApiError::RegistryUnavailable
    })
}

/// What the parser found, without repeating the answer, which may hold a key.
fn finding(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        Category::Io => "could not be read",
        Category::Syntax => "is no JSON",
        Category::Data => "has another shape",
        Category::Eof => "was cut short",
    }
}

/// In which an object says when the credential that it was called by is retired, in Unix milliseconds. WHY a header: of any
/// answer, whatever its shape.
pub(crate) const RETIRES_AT_HEADER: &str = "Wardkey-Retires-At";

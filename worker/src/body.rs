//! Request bodies: capped before they are parsed, JSON, unknown fields refused.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use serde::de::DeserializeOwned;
use worker::{Delay, Request};
use zeroize::Zeroizing;

use crate::problem::ApiError;

/// Longest body, in bytes.
const MAX_BODY_LEN: usize = 65_536;
/// Longest time for a whole body.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Reads a JSON body.
///
/// # Errors
/// [`ApiError::ContentType`], [`ApiError::BodyTooLarge`], [`ApiError::BodyTooSlow`], [`ApiError::Body`].
pub(crate) async fn json<T: DeserializeOwned>(request: &mut Request) -> Result<T, ApiError> {
    parse(&read(request).await?)
}

/// Reads a JSON body that may be left out.
///
/// # Errors
/// As [`json`].
pub(crate) async fn json_or_default<T: DeserializeOwned + Default>(
    request: &mut Request,
) -> Result<T, ApiError> {
    let no_type = request.headers().get("Content-Type")?.is_none();
    if no_type && request.inner().body().is_none() {
        return Ok(T::default());
    }
    let bytes = if no_type { capped(request).await? } else { read(request).await? };
    if bytes.is_empty() {
        Ok(T::default())
    } else if no_type {
        Err(ApiError::ContentType)
    } else {
        parse(&bytes)
    }
}

async fn read(request: &mut Request) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let content_type = request.headers().get("Content-Type")?.unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::ContentType);
    }
    capped(request).await
}

async fn capped(request: &mut Request) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let announced =
        request.headers().get("Content-Length")?.and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|len| len > MAX_BODY_LEN) {
        return Err(ApiError::BodyTooLarge);
    }
    let reading = Box::pin(async {
        let mut stream = request.stream()?;
        // WHY: the whole capacity at once, so that growing leaves no unwiped copy of a key behind.
        let mut body = Zeroizing::new(Vec::with_capacity(MAX_BODY_LEN));
        while let Some(chunk) = stream.next().await {
            let chunk = Zeroizing::new(chunk?);
            if body.len() + chunk.len() > MAX_BODY_LEN {
                return Err(ApiError::BodyTooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    });
    match select(reading, Delay::from(BODY_TIME)).await {
        Either::Left((body, _)) => body,
        Either::Right(_) => Err(ApiError::BodyTooSlow),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // The parser would take an array for an object, its fields by position.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(ApiError::Body("the body must be a JSON object".into()));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message = error.to_string();
        // The parser's message repeats names and values of the body: one that may hold a credential stays here.
        let may_hold_secret =
            ["_live_", "_test_", "wkboot_"].iter().any(|mark| message.contains(mark));
        // Nor does anybody's log or terminal get control characters from us that a caller thought of.
        let repeats_control = message.chars().any(char::is_control);
        ApiError::Body(if may_hold_secret || repeats_control || message.len() > 256 {
            format!("line {}, column {}: not what this route takes", error.line(), error.column())
        } else {
            message
        })
    })
}

//! One file a resource.

pub(crate) mod audit;
pub(crate) mod bootstrap;
pub(crate) mod forward_auth;
pub(crate) mod healthz;
pub(crate) mod key_life;
pub(crate) mod key_set;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod openapi;
pub(crate) mod policy;
pub(crate) mod revocations;
pub(crate) mod signing_keys;
pub(crate) mod tenant;
pub(crate) mod usage;
pub(crate) mod verify;

use serde::Serialize;
use worker::{Response, ResponseBuilder};

use crate::problem::ApiError;

/// A JSON answer that nothing on its way may keep.
pub(crate) fn json(status: u16, value: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(value).map_err(|error| ApiError::Internal(error.to_string()))?;
    let builder = ResponseBuilder::new()
        .with_status(status)
        .with_header("Content-Type", "application/json")?
        .with_header("Cache-Control", "no-store")?;
    Ok(builder.fixed(body))
}

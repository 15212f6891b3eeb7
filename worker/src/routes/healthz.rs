//! `GET /healthz`: whether this deployment can work.

use serde::Serialize;
use worker::Response;

use crate::Call;
use crate::config::Config;
use crate::problem::ApiError;
use crate::routes::json;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Health {
    status: &'static str,
    version: &'static str,
}

/// Answers 200 with the version; 500 `misconfigured` naming the secret that is missing.
pub(crate) fn read(call: &Call) -> Result<Response, ApiError> {
    Config::of(&call.env)?;
    json(200, &Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

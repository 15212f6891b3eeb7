//! `GET /openapi.json`: this API as OpenAPI 3.1 tells it.

use worker::{Response, ResponseBuilder};

use crate::problem::ApiError;

/// The description: of this very build, the same for every tenant, and public.
pub(crate) const DOCUMENT: &str = include_str!("../../openapi.json");

/// 1. 200 with the document.
pub(crate) fn read() -> Result<Response, ApiError> {
    let builder = ResponseBuilder::new()
        .with_status(200)
        .with_header("Content-Type", "application/json")?
        .with_header("Cache-Control", "public, max-age=300")?;
    Ok(builder.fixed(DOCUMENT.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests;

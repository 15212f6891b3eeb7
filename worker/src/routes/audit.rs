//! `GET /v1/audit`: who did what to which key.

use wardkey_registry::{Call as RegistryCall, Reply};
use worker::Response;

use crate::Call;
use crate::admin_request::AdminRequest;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;
use crate::routes::json;

/// Entries of a page unless `limit` says otherwise.
const DEFAULT_LIMIT: u32 = 50;

/// Reads the log, oldest first, of the audiences that the credential may read.
///
/// 1. The credential: 401, 400 `invalid_request`.
/// 2. `after` (a sequence, default 0) and `limit` (1 to 200, default 50), whose faults are told once the
///    registry has accepted the credential: 400 `invalid_field`.
/// 3. The registry: 401, 403, 503.
/// 4. 200 with `entries` and, where there are more, `next_after`.
pub(crate) async fn read(call: Call) -> Result<Response, ApiError> {
    let admin = AdminRequest::of(&call)?;
    let (registry, authority, (after, limit)) = admin.accept(page(&call.url)).await?;
    match registry.ask(&RegistryCall::ReadAudit { authority, after, limit }).await? {
        Reply::Audit(page) => json(200, &page),
        _ => Err(unexpected_reply()),
    }
}

/// The entry to go on after and the number of entries.
fn page(url: &url::Url) -> Result<(u64, u32), ApiError> {
    let (mut after, mut limit) = (0, DEFAULT_LIMIT);
    for (name, value) in url.query_pairs() {
        match name.as_ref() {
            "after" => {
                let number = value.parse().ok().filter(|number| *number < 1 << 53);
                after = number
                    .ok_or_else(|| ApiError::invalid("after", "must be an entry's sequence"))?;
            }
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=200).contains(number));
                limit = number.ok_or_else(|| ApiError::invalid("limit", "must be 1 to 200"))?;
            }
            _ => return Err(ApiError::invalid("query", "takes after and limit only")),
        }
    }
    Ok((after, limit))
}

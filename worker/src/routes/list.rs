//! `/v1/list/{tenant}`: the revocation list, public like a CRL.

use wardkey::{DIGEST_LEN, Reason, TenantId};
use wardkey_registry::{Call as RegistryCall, Reply, StateName, WireBytes};
use worker::{EncodeBody, Response, ResponseBuilder, console_error};

use crate::compressed_state::CompressedState;
use crate::content_coding::takes_gzip;
use crate::gzip::gzipped;
use crate::head_cache::HeadCache;
use crate::problem::ApiError;
use crate::registry_client::unexpected_reply;
use crate::state_store::StateStore;
use crate::{Call, clock};

/// Gives the head.
///
/// 1. The tenant's number: 404.
/// 2. No query: 400.
/// 3. The data centre's cache, which keeps a head for a second.
/// 4. The caller's address is counted: 429. What the cache answers costs the registry nothing, and counts for nobody.
/// 5. The registry: 404, 410 `tenant_gone`, 503.
/// 6. 200 with the head's bytes, cacheable for a second.
pub(crate) async fn head(call: Call, tenant: &str) -> Result<Response, ApiError> {
    let tenant = number(tenant)?;
    refuse_query(&call)?;
    let cache = HeadCache::of(&call.url, tenant);
    let head = match cache.head().await {
        Some(head) => head,
        None => {
            call.count_as_public().await?;
            let head = ask(&call, tenant, &RegistryCall::Head).await?;
            cache.keep(&head).await;
            head
        }
    };
    public(head, "public, max-age=1")
}

/// Gives a state that a head of the last ten minutes named. A copy in KV may answer for up to half an hour longer, and one that an
/// isolate has compressed for a minute more.
///
/// 1. `{sequence}-{digest in 64 lower-case hex digits}`: 404.
/// 2. No query; the caller's address is counted: 400, 429.
/// 3. For whoever takes gzip, the state that the isolate compressed last, for a minute.
/// 4. KV, whose bytes count only if they have that digest; that it has none is no answer.
/// 5. The registry: 404 (fetch the head again), 410 `tenant_gone`, 503.
/// 6. 200 with the state's bytes, which never change, compressed for whoever takes that. `Wardkey-State` says whether they came
///    from `kv` or the `registry`.
pub(crate) async fn state(call: Call, tenant: &str, name: &str) -> Result<Response, ApiError> {
    let tenant = number(tenant)?;
    let (sequence, digest) = name.split_once('-').ok_or(ApiError::NotFound)?;
    let sequence: u64 = canonical(sequence).ok_or(ApiError::NotFound)?;
    let digest = hex(digest).ok_or(ApiError::NotFound)?;
    refuse_query(&call)?;
    call.count_as_public().await?;
    let name = StateName { tenant, sequence, digest };
    let is_compressed = takes_gzip(&call.request)?;
    if is_compressed && let Some(kept) = CompressedState::last(&name, clock::now()) {
        return compressed(kept);
    }
    let copy = match StateStore::of(&call.env) {
        Ok(copies) => copies.state(&name).await,
        Err(error) => Err(error),
    };
    let (bytes, source) = match copy {
        Ok(Some(bytes)) => (bytes, "kv"),
        missed => {
            if let Err(error) = missed {
                console_error!("{} a state in KV: {error:?}", call.id.as_str());
            }
            let asked = RegistryCall::State { sequence, digest: WireBytes::new(digest) };
            (ask(&call, tenant, &asked).await?, "registry")
        }
    };
    if is_compressed
        && bytes.len() >= LEAST_COMPRESSED
        && let Some(gzipped) = gzipped(&bytes)
    {
        let state = CompressedState { name, gzipped, source, at: clock::now() };
        state.keep();
        return compressed(state);
    }
    state_of(bytes, source)
}

fn compressed(
    CompressedState { gzipped, source, .. }: CompressedState,
) -> Result<Response, ApiError> {
    let mut response = state_of(gzipped, source)?;
    response.headers_mut().set("Content-Encoding", "gzip")?;
    // Nor does the runtime compress it once more.
    Ok(response.with_encode_body(EncodeBody::Manual))
}

fn state_of(bytes: Vec<u8>, source: &str) -> Result<Response, ApiError> {
    let mut response = public(bytes, "public, max-age=31536000, immutable")?;
    let headers = response.headers_mut();
    headers.set("Wardkey-State", source)?;
    headers.set("Vary", "Accept-Encoding")?;
    Ok(response)
}

async fn ask(call: &Call, tenant: TenantId, asked: &RegistryCall) -> Result<Vec<u8>, ApiError> {
    let reply = call.registry(tenant)?.ask(asked).await.map_err(|error| match error {
        ApiError::Denied(Reason::TenantGone) => ApiError::NotFound,
        other => other,
    })?;
    let Reply::Bytes(bytes) = reply else {
        return Err(unexpected_reply());
    };
    Ok(bytes.as_bytes().to_vec())
}

fn public(bytes: Vec<u8>, cache_control: &str) -> Result<Response, ApiError> {
    let builder = ResponseBuilder::new()
        .with_header("Content-Type", "application/octet-stream")?
        .with_header("Cache-Control", cache_control)?;
    Ok(builder.fixed(bytes))
}

/// Refuses a query: a cache must not hold the same thing under two names.
fn refuse_query(call: &Call) -> Result<(), ApiError> {
    if call.url.query().is_some() {
        return Err(ApiError::invalid("query", "is not taken here"));
    }
    Ok(())
}

fn number(text: &str) -> Result<TenantId, ApiError> {
    canonical(text).map(TenantId).ok_or(ApiError::NotFound)
}

/// Shortest state that is worth compressing, in bytes: a smaller one fits into a packet anyway.
const LEAST_COMPRESSED: usize = 1_024;

/// A decimal number in its one spelling.
fn canonical<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    text.parse::<T>().ok().filter(|number| number.to_string() == text)
}

fn hex(text: &str) -> Option<[u8; DIGEST_LEN]> {
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let digits = (text.len() == 2 * DIGEST_LEN && lower).then_some(text)?;
    let bytes = (0..DIGEST_LEN)
        .map(|at| digits.get(2 * at..2 * at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()));
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

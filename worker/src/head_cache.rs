//! The data centre's shared cache in front of the registry: about one head a second for all isolates there, whatever
//! the traffic. Cloudflare has none on workers.dev, where nothing is ever found in it.
//!
//! A cached head is no older than it says: its age is judged by its issued-at like any other's, so that the bound does not
//! know of the cache.

use std::cell::Cell;
use std::time::Duration;

use futures_util::future::{Either, select};
use url::Url;
use wardkey::{TenantId, UnixMillis};
use worker::{Cache, Delay, ResponseBuilder, console_warn};

use crate::clock;

/// The oldest head that is taken from the cache, in milliseconds of its own age: the second for which the registry gives
/// the same, and the second for which the cache keeps it.
pub(crate) const MAX_AGE_MS: u64 = 2_000;
/// Longest wait for the cache.
const CACHE_TIME: Duration = Duration::from_millis(100);
/// When a head was put there, in Unix milliseconds: a header that only the cache sees.
const KEPT_AT: &str = "Wardkey-Kept-At";
/// What the cache is told: whole seconds are all that it counts.
const KEPT: &str = "public, max-age=1";

/// The cached head of a tenant, under the address at which this deployment publishes it: two deployments of one zone
/// share a cache and no address.
pub(crate) struct HeadCache {
    address: String,
}

impl HeadCache {
    /// Of a tenant, at the host of a request's URL.
    pub(crate) fn of(url: &Url, tenant: TenantId) -> Self {
        Self {
            address: format!("{}/v1/list/{}/head", url.origin().ascii_serialization(), tenant.0),
        }
    }

    /// The head, if there is one that was kept within [`MAX_AGE_MS`]. A cache that fails or takes too long has none.
    pub(crate) async fn head(&self) -> Option<Vec<u8>> {
        let found = in_time(async {
            let mut response = Cache::default().get(&self.address, false).await.ok()??;
            let kept_at = response.headers().get(KEPT_AT).ok()??.parse().ok().map(UnixMillis)?;
            // WHY: a cache that keeps for longer than it was told would hold up everybody who verifies elsewhere.
            let is_recent = clock::now().since(kept_at) <= MAX_AGE_MS;
            if is_recent { response.bytes().await.ok() } else { None }
        });
        found.await.flatten()
    }

    /// Keeps a head for a second.
    pub(crate) async fn keep(&self, head: &[u8]) {
        let kept = in_time(async {
            let now = clock::now().0.to_string();
            let response = ResponseBuilder::new()
                .with_header("Cache-Control", KEPT)?
                .with_header(KEPT_AT, &now)?;
            Cache::default().put(&self.address, response.fixed(head.to_vec())).await
        });
        // WHY ignored: the next isolate asks the registry, as it would without a cache.
        let _ = kept.await;
    }
}

/// Says once an isolate that there is no shared cache, where there is none.
pub(crate) fn warn_where_there_is_none(url: &Url) {
    thread_local! {
        static SAID: Cell<bool> = const { Cell::new(false) };
    }
    let is_none = url.host_str().is_some_and(|host| host.ends_with(".workers.dev"));
    if is_none && !SAID.replace(true) {
        console_warn!(
            "workers.dev has no shared cache: every isolate asks the registry for its own heads; give the Worker a name \
             of your own before there is traffic"
        );
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> Option<T> {
    match select(Box::pin(work), Delay::from(CACHE_TIME)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

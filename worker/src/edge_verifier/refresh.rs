//! Renewing the list that an isolate holds: one request asks, the others wait for what it brings.

use std::time::Duration;

use wardkey::{
    Adoption, AuthenticHead, List, ListError, Reason, State, UnixMillis, UnverifiedHead,
};
use wardkey_registry::{Call, Reply, WireBytes};
use worker::Delay;

use crate::clock;
use crate::head_cache::{self, HeadCache};
use crate::problem::ApiError;

use super::{EdgeVerifier, HOLDINGS, Holding};

/// Longest wait for a refresh, in milliseconds.
const REFRESH_MS: u64 = 500;
/// How often a request looks whether another's refresh has come.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// For how long a failed refresh is not tried again, in milliseconds.
const FAILED_FOR_MS: u64 = 1_000;

impl EdgeVerifier<'_> {
    /// Brings a head of age ≤ `fresh_for` into force, with its state; answers whether there is one.
    ///
    /// One request of the isolate asks; the others wait for what it brings. They look again and again
    /// instead of sharing its future, which would end with the request that made it.
    ///
    /// # Errors
    /// [`Reason::TenantGone`] as the registry's own word: then nothing is held any more.
    pub(super) async fn refresh(&self) -> Result<bool, ApiError> {
        let started = clock::now();
        let lately = |at: Option<UnixMillis>, ms: u64| {
            at.is_some_and(|at| started >= at && started.since(at) < ms)
        };
        let failed = self.with(|holding| lately(holding.failed_at, FAILED_FOR_MS));
        if failed.unwrap_or(true) {
            return Ok(false);
        }
        // A request that was cancelled in the middle counts for no longer than a refresh may take.
        let under_way = self.with(|holding| lately(holding.refreshing_since, REFRESH_MS));
        if under_way == Some(true) {
            return Ok(self.wait_for_another(started).await);
        }
        self.with_mut(|holding| holding.refreshing_since = Some(started));
        if let Err(error) = self.bring_list(started).await {
            worker::console_warn!("{} refresh: {error:?}", self.request.id.as_str());
            if error == RefreshFailed::TenantGone {
                HOLDINGS.with_borrow_mut(|holdings| holdings.remove(&self.name));
                return Err(ApiError::Denied(Reason::TenantGone));
            }
        }
        let fresh = self.is_fresh();
        self.with_mut(|holding| {
            holding.refreshing_since = None;
            holding.failed_at = (!fresh).then(clock::now);
        });
        Ok(fresh)
    }

    async fn wait_for_another(&self, started: UnixMillis) -> bool {
        let waiting = || {
            let under_way = self.with(|holding| holding.refreshing_since.is_some());
            under_way == Some(true) && clock::now().since(started) < REFRESH_MS
        };
        while waiting() {
            Delay::from(LOOK_AGAIN).await;
        }
        self.is_fresh()
    }

    fn is_fresh(&self) -> bool {
        let fresh = self.with(|holding| {
            let age = holding.list.as_ref().map(|list| clock::now().since(list.head().issued_at()));
            age.is_some_and(|age| age <= holding.key_set.bounds().fresh_for_ms())
        });
        fresh == Some(true)
    }

    async fn bring_list(&self, started: UnixMillis) -> Result<(), RefreshFailed> {
        let (head_bytes, is_new) = self.head(started).await?;
        let brought = self.take(&head_bytes, started).await;
        // After it is in force: others wait for that.
        if is_new {
            HeadCache::of(&self.request.url, self.name.0).keep(&head_bytes).await;
        }
        brought
    }

    /// Brings a head into force, with its state where changes do not lead to it.
    async fn take(&self, head_bytes: &[u8], started: UnixMillis) -> Result<(), RefreshFailed> {
        let newer =
            self.with(|holding| authentic(holding, head_bytes)).ok_or(RefreshFailed::Gone)??;
        if self.adopt(&newer, None)? != Adoption::StateNeeded {
            return Ok(());
        }
        let head = newer.head();
        let call =
            Call::State { sequence: head.sequence(), digest: WireBytes::new(head.state_digest()) };
        let state = State::parse(&self.bytes(&call, started).await?)
            .map_err(|_| RefreshFailed::Malformed)?;
        // Another request may have brought a newer list meanwhile: then this one is refused.
        match self.adopt(&newer, Some(state))? {
            Adoption::Adopted | Adoption::InForce => Ok(()),
            Adoption::StateNeeded => Err(RefreshFailed::NotAdopted),
        }
    }

    /// The newest head: the data centre's, if it is one of this deployment and new enough, or the registry's, which the
    /// cache does not have yet.
    async fn head(&self, started: UnixMillis) -> Result<(Vec<u8>, bool), RefreshFailed> {
        let cache = HeadCache::of(&self.request.url, self.name.0);
        if let Some(bytes) = cache.head().await {
            let age = self.with(|holding| {
                let head = authentic(holding, &bytes).ok()?;
                Some(clock::now().since(head.head().issued_at()))
            });
            if age.flatten().is_some_and(|age| age <= head_cache::MAX_AGE_MS) {
                return Ok((bytes, false));
            }
        }
        Ok((self.bytes(&Call::Head, started).await?, true))
    }

    fn adopt(
        &self,
        newer: &AuthenticHead<'_>,
        state: Option<State<Vec<u8>>>,
    ) -> Result<Adoption, RefreshFailed> {
        let adopted = self.with_mut(|holding| {
            let bounds = holding.key_set.bounds();
            List::adopt(&mut holding.list, newer, state, clock::now(), bounds)
        });
        adopted.ok_or(RefreshFailed::Gone)?.map_err(|error| match error {
            ListError::OtherState => RefreshFailed::Malformed,
            _ => RefreshFailed::NotAdopted,
        })
    }

    async fn bytes(&self, call: &Call, started: UnixMillis) -> Result<Vec<u8>, RefreshFailed> {
        let left = REFRESH_MS.saturating_sub(clock::now().since(started));
        match self.registry.ask_within(call, Duration::from_millis(left)).await {
            Ok(Reply::Bytes(bytes)) => Ok(bytes.as_bytes().to_vec()),
            Err(ApiError::TenantGone) => Err(RefreshFailed::TenantGone),
            Ok(_) | Err(_) => Err(RefreshFailed::NoAnswer),
        }
    }
}

/// Why a refresh brought no list. For the operator's log.
#[derive(Debug, PartialEq, Eq)]
enum RefreshFailed {
    NoAnswer,
    /// The registry says that the tenant was destroyed.
    TenantGone,
    Malformed,
    NotAuthentic,
    NotAdopted,
    Gone,
}

fn authentic<'b>(holding: &Holding, bytes: &'b [u8]) -> Result<AuthenticHead<'b>, RefreshFailed> {
    let head = UnverifiedHead::parse(bytes).map_err(|_| RefreshFailed::Malformed)?;
    head.authenticate(&holding.key_set).map_err(|_| RefreshFailed::NotAuthentic)
}

//! Which audience a name means, as far as the isolate knows: for callers that bring no credential of a
//! verifier, so that the registry is not asked for each of them.
//!
//! What is known is confirmed with the registry once a minute by one of the requests, and is no longer used when it
//! could not be confirmed for an hour: an epoch is in key sets two hours before its first key. Before that, the list
//! decides: it says which edition of a key set is the least that may judge.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use wardkey::{AudienceId, Reason, TenantId, UnixMillis};
use wardkey_registry::Call as RegistryCall;
use worker::Delay;

use crate::Call;
use crate::clock;
use crate::edge_verifier::{self, EdgeVerifier};
use crate::problem::ApiError;
use crate::registry_client::RegistryClient;

/// After how long what is known is confirmed, in milliseconds.
const CONFIRM_AFTER_MS: u64 = 60_000;
/// After how long it is confirmed for a key that what is known does not know, in milliseconds.
const DOUBT_AFTER_MS: u64 = 5_000;
/// How long what could not be confirmed is used, in milliseconds.
const KNOWN_FOR_MS: u64 = 3_600_000;
/// How long an answer is waited for where there is something to go on with, in milliseconds.
const CONFIRM_MS: u64 = 500;
/// For how long a confirmation that failed is not tried again, in milliseconds.
const FAILED_FOR_MS: u64 = 1_000;
/// Longest wait for what another request asks, in milliseconds.
const ASKING_MS: u64 = 4_000;
/// How often a request looks whether another's answer has come.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Most names that an isolate knows.
const MAX_NAMES: usize = 256;
/// Longest name of an audience, in bytes.
const MAX_NAME_LEN: usize = 63;

/// What is known of a name.
#[derive(Clone, Copy, Default)]
struct Known {
    audience: Option<AudienceId>,
    confirmed_at: Option<UnixMillis>,
    /// When a request last began to ask.
    asked_at: Option<UnixMillis>,
    /// Whether that request still waits, with nothing to go on with.
    asking: bool,
}

thread_local! {
    // INVARIANT: never borrowed across an await.
    static KNOWN: RefCell<HashMap<(TenantId, String), Known>> = RefCell::default();
}

/// An audience by its name.
pub(crate) struct NamedAudience<'c> {
    call: &'c Call,
    registry: &'c RegistryClient,
    name: (TenantId, String),
}

impl<'c> NamedAudience<'c> {
    pub(crate) fn new(
        call: &'c Call,
        registry: &'c RegistryClient,
        tenant: TenantId,
        name: &str,
    ) -> Self {
        Self { call, registry, name: (tenant, name.into()) }
    }

    /// A verifier of the audience. The registry is asked by one request at a time, and only where the isolate
    /// holds nothing that is recent enough; that request is counted as public.
    ///
    /// # Errors
    /// [`Reason::TenantGone`], which looks like any unknown key, for a tenant or audience that is not there;
    /// [`Reason::NoKeySet`] where the registry does not answer; [`ApiError::TooManyRequests`].
    pub(crate) async fn verifier(&self) -> Result<EdgeVerifier<'c>, ApiError> {
        if self.name.1.len() > MAX_NAME_LEN {
            return Err(unknown());
        }
        let started = clock::now();
        loop {
            let known = self.known();
            if let Some(held) = self.held(known) {
                if !older(known.confirmed_at, CONFIRM_AFTER_MS) {
                    return Ok(held);
                }
                return self.confirmed(known, held).await;
            }
            if !known.asking || older(known.asked_at, ASKING_MS) {
                return self.ask().await;
            }
            if clock::now().since(started) >= ASKING_MS {
                return Err(no_key_set());
            }
            Delay::from(LOOK_AGAIN).await;
        }
    }

    /// Confirms what is known on account of a key that it does not know. Answers the verifier if it was asked.
    ///
    /// # Errors
    /// As [`NamedAudience::verifier`].
    pub(crate) async fn doubted(&self) -> Result<Option<EdgeVerifier<'c>>, ApiError> {
        let known = self.known();
        match self.held(known) {
            Some(held) if older(known.confirmed_at, DOUBT_AFTER_MS) => {
                self.confirmed(known, held).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What the isolate holds, after one try to confirm it; other requests go on with it meanwhile.
    async fn confirmed(
        &self,
        known: Known,
        held: EdgeVerifier<'c>,
    ) -> Result<EdgeVerifier<'c>, ApiError> {
        if !older(known.asked_at, FAILED_FOR_MS) {
            return Ok(held);
        }
        self.keep(Known { asked_at: Some(clock::now()), ..known });
        match self.material(Duration::from_millis(CONFIRM_MS)).await {
            Err(ApiError::Denied(Reason::NoKeySet)) => Ok(held),
            outcome => outcome,
        }
    }

    async fn ask(&self) -> Result<EdgeVerifier<'c>, ApiError> {
        self.keep(Known { asked_at: Some(clock::now()), asking: true, ..Known::default() });
        let outcome = match self.call.count_as_public().await {
            Ok(()) => self.material(Duration::MAX).await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            self.forget();
        }
        outcome
    }

    async fn material(&self, limit: Duration) -> Result<EdgeVerifier<'c>, ApiError> {
        let (tenant, audience) = &self.name;
        let has = edge_verifier::held(*tenant);
        let asked = RegistryCall::Material { audience: audience.clone(), has };
        let now = clock::now();
        match self.registry.ask_within(&asked, limit).await {
            Ok(reply) => {
                let material = edge_verifier::material(reply)?;
                self.keep(Known {
                    audience: Some(AudienceId(material.audience)),
                    confirmed_at: Some(now),
                    ..Known::default()
                });
                EdgeVerifier::new(*tenant, material, self.registry, self.call)
            }
            Err(
                ApiError::NotFound | ApiError::TenantGone | ApiError::Denied(Reason::TenantGone),
            ) => {
                self.forget();
                Err(unknown())
            }
            Err(ApiError::RegistryUnavailable) => Err(no_key_set()),
            Err(error) => Err(error),
        }
    }

    fn held(&self, known: Known) -> Option<EdgeVerifier<'c>> {
        if older(known.confirmed_at, KNOWN_FOR_MS) {
            return None;
        }
        EdgeVerifier::held(self.name.0, known.audience?, self.registry, self.call)
    }

    fn known(&self) -> Known {
        KNOWN.with_borrow(|names| names.get(&self.name).copied().unwrap_or_default())
    }

    fn keep(&self, known: Known) {
        KNOWN.with_borrow_mut(|names| {
            if names.len() >= MAX_NAMES && !names.contains_key(&self.name) {
                // Those who lose theirs ask again.
                names.clear();
            }
            names.insert(self.name.clone(), known);
        });
    }

    fn forget(&self) {
        KNOWN.with_borrow_mut(|names| names.remove(&self.name));
    }
}

/// Whether a moment is more than some time ago, or never was.
fn older(at: Option<UnixMillis>, ms: u64) -> bool {
    let now = clock::now();
    at.is_none_or(|at| at > now || now.since(at) > ms)
}

/// What is not there is as unknown as any key that is none.
const fn unknown() -> ApiError {
    ApiError::Denied(Reason::TenantGone)
}

const fn no_key_set() -> ApiError {
    ApiError::Denied(Reason::NoKeySet)
}

//! Whoever sends forged credentials is shut out for a while: only the registry can tell a forged one, and each that it must
//! look at costs it a call.
//!
//! Not its job: deciding what a credential is. It forgets when the isolate ends, and then it only asks once more.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;

use sha2::{Digest as _, Sha256};
use wardkey::{Reason, UnixMillis};
use wardkey_registry::WireSecret;
use worker::{RateLimiter, console_error};

use crate::problem::ApiError;
use crate::{Call, caller_address, clock};

thread_local! {
    // INVARIANT: never borrowed across an await.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// A credential of which the registry has said nothing yet, with the address that it came from.
pub(crate) struct UnjudgedCredential {
    digest: [u8; 32],
    address: String,
    limiter: RateLimiter,
}

impl UnjudgedCredential {
    /// Notes whose credential the registry is about to judge.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] for an address that is shut out. What the registry has found good before is let through
    /// from there, too: one address may be that of many, as it is of all Workers that call others.
    pub(crate) fn of(call: &Call, text: &WireSecret) -> Result<Self, ApiError> {
        let limiter = call.env.rate_limiter(LIMIT).map_err(|_| ApiError::Misconfigured(LIMIT))?;
        let address = caller_address::counted(call.request.headers())?;
        let digest = Sha256::digest(text.secret_str()).into();
        if MEMORY.with_borrow(|memory| memory.refuses(&address, &digest, clock::now())) {
            return Err(ApiError::TooManyRequests);
        }
        Ok(Self { digest, address, limiter })
    }

    /// Takes in what the registry said. Only what it calls forged is counted.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] for one too many: its address is shut out from here on.
    pub(crate) async fn judged<T>(self, outcome: &Result<T, ApiError>) -> Result<(), ApiError> {
        let Self { digest, address, limiter } = self;
        match outcome {
            Ok(_) => MEMORY.with_borrow_mut(|memory| memory.is_good(digest, clock::now())),
            Err(ApiError::Denied(reason)) if reason.answer() == FORGED.answer() => {
                let counted = match limiter.limit(format!("forged/{address}")).await {
                    Ok(counted) => counted,
                    Err(error) => {
                        console_error!("{LIMIT}: {error}");
                        return Err(ApiError::RegistryUnavailable);
                    }
                };
                let is_too_many = !counted.success;
                MEMORY.with_borrow_mut(|memory| {
                    memory.is_forged(digest, is_too_many.then_some(address), clock::now());
                });
                if is_too_many {
                    return Err(ApiError::TooManyRequests);
                }
            }
            Err(_) => {}
        }
        Ok(())
    }
}

/// What an isolate remembers.
#[derive(Default)]
struct Memory {
    /// Digests of credentials that the registry has accepted, until when they are let through.
    good: Until<[u8; 32]>,
    /// Addresses that too many forged credentials came from, until when they are shut out.
    shut_out: Until<String>,
}

impl Memory {
    fn refuses(&self, address: &str, digest: &[u8; 32], now: UnixMillis) -> bool {
        self.shut_out.holds(address, now) && !self.good.holds(digest, now)
    }

    fn is_good(&mut self, digest: [u8; 32], now: UnixMillis) {
        self.good.keep(digest, now.plus(GOOD_FOR_MS), now);
    }

    fn is_forged(&mut self, digest: [u8; 32], too_many_from: Option<String>, now: UnixMillis) {
        self.good.0.remove(&digest);
        if let Some(address) = too_many_from {
            self.shut_out.keep(address, now.plus(SHUT_OUT_MS), now);
        }
    }
}

/// Things that are remembered for some time, and not too many of them.
struct Until<K>(HashMap<K, UnixMillis>);

impl<K> Default for Until<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq> Until<K> {
    fn holds<Q: Hash + Eq + ?Sized>(&self, key: &Q, now: UnixMillis) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.get(key).is_some_and(|until| now < *until)
    }

    fn keep(&mut self, key: K, until: UnixMillis, now: UnixMillis) {
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.0.retain(|_, until| now < *until);
            // Nothing rests on what is forgotten but a question more, or a good key that waits as others do.
            if self.0.len() >= MOST {
                self.0.clear();
            }
        }
        self.0.insert(key, until);
    }
}

/// What every credential is answered that is no key of the tenant, whatever is wrong with it.
const FORGED: Reason = Reason::UnknownSigningKey;
const LIMIT: &str = "PUBLIC_LIMIT";
/// As long as `Retry-After` says.
const SHUT_OUT_MS: u64 = 60_000;
const GOOD_FOR_MS: u64 = 3_600_000;
const MOST: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    #[test]
    fn an_address_is_shut_out_for_a_minute_and_good_credentials_are_not() {
        let mut memory = Memory::default();
        memory.is_good([1; 32], NOW);
        memory.is_forged([2; 32], None, NOW);
        assert!(!memory.refuses("a", &[2; 32], NOW));
        memory.is_forged([2; 32], Some("a".into()), NOW);
        assert!(memory.refuses("a", &[2; 32], NOW) && memory.refuses("a", &[3; 32], NOW));
        assert!(!memory.refuses("a", &[1; 32], NOW) && !memory.refuses("b", &[2; 32], NOW));
        assert!(memory.refuses("a", &[2; 32], NOW.plus(SHUT_OUT_MS - 1)));
        assert!(!memory.refuses("a", &[2; 32], NOW.plus(SHUT_OUT_MS)));
    }

    #[test]
    fn what_was_good_once_is_not_let_through_once_it_is_found_forged() {
        let mut memory = Memory::default();
        memory.is_good([1; 32], NOW);
        memory.is_forged([1; 32], Some("a".into()), NOW);
        assert!(memory.refuses("a", &[1; 32], NOW));
        memory.is_good([1; 32], NOW);
        memory.is_forged([2; 32], Some("a".into()), NOW.plus(GOOD_FOR_MS));
        assert!(memory.refuses("a", &[1; 32], NOW.plus(GOOD_FOR_MS)));
    }

    #[test]
    fn it_remembers_no_more_than_so_many() {
        let mut until = Until::default();
        for n in 0..3 * MOST {
            until.keep(n, NOW.plus(1), NOW);
            assert!(until.0.len() <= MOST && until.holds(&n, NOW));
        }
        // What is over goes first.
        let mut until = Until::default();
        until.keep(0, NOW.plus(10), NOW);
        (1..MOST).for_each(|n| until.keep(n, NOW.plus(1), NOW));
        until.keep(MOST, NOW.plus(10), NOW.plus(1));
        assert_eq!(until.0.len(), 2);
    }
}

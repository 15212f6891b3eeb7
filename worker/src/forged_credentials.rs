//! Whoever sends forged credentials of a tenant is shut out from it for a while, and what nobody has judged yet is judged a few at a
//! time: only the registry can tell a forged one, and each that it must look at costs it a call.
//!
//! Not its job: deciding what a credential is. It forgets when the isolate ends, and then it only asks once more.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wardkey::{TenantId, UnixMillis};
use wardkey_registry::{RegistryError, Reply};
use worker::{Delay, RateLimiter, console_error};

use crate::credential::KeyCredential;
use crate::problem::ApiError;
use crate::underway::{OneUnderway, Underway};
use crate::{Call, caller_address, clock};

thread_local! {
    // INVARIANT: never borrowed across an await.
    static MEMORY: RefCell<Memory> = RefCell::default();
    static JUDGED_NOW: Underway<Source> = Underway::default();
    static WAITING: Underway<Source> = Underway::default();
}

/// Where credentials come from, and of which tenant they say that they are: what is sent to one tenant keeps nobody from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    address: String,
    tenant: TenantId,
}

/// What the credential is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To end keys or to keep them from being used: nobody is shut out from that.
    Ending,
    /// Anything else.
    Other,
}

/// A credential of which the registry has said nothing yet, with where it came from.
pub(crate) struct UnjudgedCredential {
    digest: [u8; 32],
    source: Source,
    purpose: Purpose,
    limiter: RateLimiter,
}

/// A place among those that are judged now; none is needed for what was found good before.
pub(crate) struct Place(Option<OneUnderway<Source>>);

impl UnjudgedCredential {
    /// Notes whose credential the registry is about to judge.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] for a source that is shut out. What the registry has found good before is let through
    /// from there, too: one address may be that of many, as it is of all Workers that call others.
    pub(crate) fn of(
        call: &Call,
        credential: &KeyCredential,
        purpose: Purpose,
    ) -> Result<Self, ApiError> {
        let limiter = call.env.rate_limiter(LIMIT).map_err(|_| ApiError::Misconfigured(LIMIT))?;
        let address = caller_address::counted(call.request.headers())?;
        let source = Source { address, tenant: credential.tenant };
        let digest = Sha256::digest(credential.text.secret_str()).into();
        let unjudged = Self { digest, source, purpose, limiter };
        unjudged.refuse_if_shut_out()?;
        Ok(unjudged)
    }

    /// Waits until fewer than [`AT_ONCE`] credentials of this source are being judged, for a while.
    ///
    /// WHY waiting: a good credential that an isolate has not seen comes many times at once, too. After the first answer all
    /// that wait go on, and who comes in the next second, not quite all at once: an object turns a crowd away.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] where the source is shut out meanwhile; [`ApiError::RegistryBusy`] after
    /// [`LONGEST_WAIT_MS`], and at once where too many wait, for what is not known to be good by then.
    pub(crate) async fn place(&self) -> Result<Place, ApiError> {
        let begun = clock::now();
        let mut waiting = None;
        loop {
            let now = clock::now();
            self.refuse_if_shut_out()?;
            let (is_good, is_new) = MEMORY.with_borrow(|memory| {
                (memory.good.holds(&self.digest, now), memory.new.holds(&self.digest, now))
            });
            if is_good && !is_new && waiting.is_none() {
                return Ok(Place(None));
            }
            let most = if is_good { GOOD_AT_ONCE } else { AT_ONCE };
            if JUDGED_NOW.with(|judged| judged.count(&self.source, now)) < most {
                let place = JUDGED_NOW.with(|judged| judged.begin(self.source.clone(), now));
                return Ok(Place(Some(place)));
            }
            let are_too_many = || WAITING.with(|all| all.count(&self.source, now)) >= MOST_WAITING;
            if now.since(begun) >= LONGEST_WAIT_MS || (waiting.is_none() && are_too_many()) {
                return if is_good { Ok(Place(None)) } else { Err(ApiError::RegistryBusy) };
            }
            waiting.get_or_insert_with(|| WAITING.with(|all| all.begin(self.source.clone(), now)));
            Delay::from(LOOK_AGAIN).await;
        }
    }

    /// Takes in what the registry said. Only what it calls forged is counted. Where it says nothing, or that it has too much
    /// to do, the place is free a second later: whoever else is not known there waits for that, and for no more.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] for one too many: its source is shut out from here on.
    pub(crate) async fn judged(
        self,
        place: Place,
        outcome: &Result<Result<Reply, RegistryError>, ApiError>,
    ) -> Result<(), ApiError> {
        let Self { digest, source, purpose, limiter } = self;
        let now = clock::now();
        match outcome {
            Ok(Ok(_)) => MEMORY.with_borrow_mut(|memory| memory.is_good(digest, now)),
            Ok(Err(error)) if error.is_forgery() => {
                let Source { address, tenant } = &source;
                let counted = match limiter.limit(format!("forged/{}/{address}", tenant.0)).await {
                    Ok(counted) => counted,
                    Err(error) => {
                        console_error!("{LIMIT}: {error}");
                        return Err(ApiError::RegistryUnavailable);
                    }
                };
                let is_too_many = !counted.success;
                MEMORY.with_borrow_mut(|memory| {
                    memory.is_forged(&digest, is_too_many.then_some(source), clock::now());
                });
                if is_too_many && purpose != Purpose::Ending {
                    return Err(ApiError::TooManyRequests);
                }
            }
            Ok(Err(RegistryError::Busy)) | Err(_) => {
                if let Some(place) = place.0 {
                    place.linger(now, NO_ANSWER_MS);
                }
            }
            Ok(Err(RegistryError::Denied { .. })) => {
                MEMORY.with_borrow_mut(|memory| memory.good.forget(&digest));
            }
            Ok(Err(_)) => {}
        }
        Ok(())
    }

    fn refuse_if_shut_out(&self) -> Result<(), ApiError> {
        let Self { digest, source, purpose, .. } = self;
        let refuses = |memory: &Memory| memory.refuses(source, digest, *purpose, clock::now());
        if MEMORY.with_borrow(refuses) { Err(ApiError::TooManyRequests) } else { Ok(()) }
    }
}

/// What an isolate remembers.
struct Memory {
    /// Digests of credentials that the registry has accepted: they are let through.
    good: Remembered<[u8; 32]>,
    /// Those of them that were not known before the last second: a crowd may have waited for that.
    new: Remembered<[u8; 32]>,
    /// Where too many forged credentials came from.
    shut_out: Remembered<Source>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            good: Remembered::for_ms(GOOD_FOR_MS),
            new: Remembered::for_ms(NEW_FOR_MS),
            shut_out: Remembered::for_ms(SHUT_OUT_MS),
        }
    }
}

impl Memory {
    fn refuses(
        &self,
        source: &Source,
        digest: &[u8; 32],
        purpose: Purpose,
        now: UnixMillis,
    ) -> bool {
        purpose != Purpose::Ending
            && self.shut_out.holds(source, now)
            && !self.good.holds(digest, now)
    }

    fn is_good(&mut self, digest: [u8; 32], now: UnixMillis) {
        if !self.good.holds(&digest, now) {
            self.new.keep(digest, now);
        }
        self.good.keep(digest, now);
    }

    fn is_forged(&mut self, digest: &[u8; 32], too_many_from: Option<Source>, now: UnixMillis) {
        self.good.forget(digest);
        if let Some(source) = too_many_from {
            self.shut_out.keep(source, now);
        }
    }
}

/// Things that are remembered for some time, and not too many of them.
struct Remembered<K> {
    for_ms: u64,
    since: HashMap<K, UnixMillis>,
}

impl<K: Hash + Eq> Remembered<K> {
    fn for_ms(for_ms: u64) -> Self {
        Self { for_ms, since: HashMap::new() }
    }

    fn holds(&self, key: &K, now: UnixMillis) -> bool {
        self.since.get(key).is_some_and(|since| self.is_in_time(*since, now))
    }

    /// What is remembered from a later moment is over: the clock has stepped back since.
    fn is_in_time(&self, since: UnixMillis, now: UnixMillis) -> bool {
        since <= now && now.since(since) < self.for_ms
    }

    fn keep(&mut self, key: K, now: UnixMillis) {
        if self.since.len() >= MOST && !self.since.contains_key(&key) {
            let mut since = std::mem::take(&mut self.since);
            since.retain(|_, since| self.is_in_time(*since, now));
            // Nothing rests on what is forgotten but a question more, or a good key that waits as others do.
            if since.len() < MOST {
                self.since = since;
            }
        }
        self.since.insert(key, now);
    }

    fn forget(&mut self, key: &K) {
        self.since.remove(key);
    }
}

const LIMIT: &str = "PUBLIC_LIMIT";
/// As long as `Retry-After` says.
const SHUT_OUT_MS: u64 = 60_000;
const GOOD_FOR_MS: u64 = 3_600_000;
const NEW_FOR_MS: u64 = 1_000;
const MOST: usize = 1_024;
/// Most credentials of one source that the registry is asked about at once.
const AT_ONCE: usize = 8;
/// Most that go on at once of those that have waited and are good by then, or became so just now: each makes calls of its
/// own, and an object lets 64 wait.
const GOOD_AT_ONCE: usize = 24;
/// Most that wait for that, each with a body of up to 64 KiB.
const MOST_WAITING: usize = 512;
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// Half of the time that a request has for its answers.
const LONGEST_WAIT_MS: u64 = 2_000;
/// As long as `Retry-After` says of a registry that is busy or away.
const NO_ANSWER_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(10_000_000);

    fn source(address: &str, tenant: u16) -> Source {
        Source { address: address.into(), tenant: TenantId(tenant) }
    }

    fn refuses(memory: &Memory, source: &Source, digest: u8, now: UnixMillis) -> bool {
        memory.refuses(source, &[digest; 32], Purpose::Other, now)
    }

    #[test]
    fn a_source_is_shut_out_for_a_minute_and_good_credentials_are_not() {
        let (mut memory, a, b) = (Memory::default(), source("a", 1), source("b", 1));
        memory.good.keep([1; 32], NOW);
        memory.is_forged(&[2; 32], None, NOW);
        assert!(!refuses(&memory, &a, 2, NOW));
        memory.is_forged(&[2; 32], Some(a.clone()), NOW);
        assert!(refuses(&memory, &a, 2, NOW) && refuses(&memory, &a, 3, NOW));
        assert!(!refuses(&memory, &a, 1, NOW) && !refuses(&memory, &b, 2, NOW));
        assert!(refuses(&memory, &a, 2, NOW.plus(SHUT_OUT_MS - 1)));
        assert!(!refuses(&memory, &a, 2, NOW.plus(SHUT_OUT_MS)));
    }

    #[test]
    fn nobody_is_shut_out_from_another_tenant_nor_from_ending_keys() {
        let (mut memory, a) = (Memory::default(), source("a", 1));
        memory.is_forged(&[2; 32], Some(a.clone()), NOW);
        assert!(refuses(&memory, &a, 3, NOW) && !refuses(&memory, &source("a", 2), 3, NOW));
        assert!(!memory.refuses(&a, &[3; 32], Purpose::Ending, NOW));
        assert!(!memory.refuses(&a, &[2; 32], Purpose::Ending, NOW));
    }

    #[test]
    fn what_was_good_once_is_not_let_through_once_it_is_found_forged() {
        let (mut memory, a) = (Memory::default(), source("a", 1));
        memory.good.keep([1; 32], NOW);
        memory.is_forged(&[1; 32], Some(a.clone()), NOW);
        assert!(refuses(&memory, &a, 1, NOW));
        memory.good.keep([1; 32], NOW);
        memory.is_forged(&[2; 32], Some(a.clone()), NOW.plus(GOOD_FOR_MS));
        assert!(refuses(&memory, &a, 1, NOW.plus(GOOD_FOR_MS)));
    }

    #[test]
    fn what_is_good_is_new_for_a_second_and_once() {
        let mut memory = Memory::default();
        memory.is_good([1; 32], NOW);
        assert!(memory.new.holds(&[1; 32], NOW.plus(NEW_FOR_MS - 1)));
        memory.is_good([1; 32], NOW.plus(NEW_FOR_MS - 1));
        assert!(!memory.new.holds(&[1; 32], NOW.plus(NEW_FOR_MS)));
        assert!(memory.good.holds(&[1; 32], NOW.plus(GOOD_FOR_MS)), "each time for an hour");
    }

    #[test]
    fn nothing_is_remembered_from_a_moment_that_is_still_to_come() {
        let (mut memory, a) = (Memory::default(), source("a", 1));
        let ahead = NOW.plus(24 * 3_600_000);
        memory.is_forged(&[2; 32], Some(a.clone()), ahead);
        memory.good.keep([1; 32], ahead);
        assert!(refuses(&memory, &a, 2, ahead) && !refuses(&memory, &a, 1, ahead));
        assert!(!refuses(&memory, &a, 2, NOW) && !memory.good.holds(&[1; 32], NOW));
    }

    #[test]
    fn it_remembers_no_more_than_so_many() {
        let mut all = Remembered::for_ms(10);
        for n in 0..3 * MOST {
            all.keep(n, NOW);
            assert!(all.since.len() <= MOST && all.holds(&n, NOW));
        }
        // What is over goes first.
        let mut all = Remembered::for_ms(10);
        all.keep(0, NOW.plus(5));
        (1..MOST).for_each(|n| all.keep(n, NOW));
        all.keep(MOST, NOW.plus(10));
        assert_eq!(all.since.len(), 2);
    }
}

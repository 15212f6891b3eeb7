//! The decision: stage after stage, none of which can be skipped.

mod judgement;
mod stages;

use core::net::IpAddr;

pub use judgement::{Judgement, UnconfirmedKey};
pub use stages::{AuthenticKey, SignedKey, TimelyKey, WindowedKey};

use crate::catalog::RiskLevel;
use crate::decision::{Decision, ListSeen};
use crate::freshness::Zone;
use crate::key::UnverifiedKey;
use crate::key_buffer::KeyBuffer;
use crate::key_set::KeySet;
use crate::list::{Head, List, ListView, StateMemory};
use crate::reason::Reason;
use crate::registry_answer::Confirmation;
use crate::requirement::Requirement;
use crate::time::UnixMillis;

/// One verification: what is asked, when, and what the host has already done for it.
#[derive(Debug)]
pub struct Query<'q> {
    /// What the caller must be allowed to do.
    pub required: &'q Requirement,
    /// The host's clock.
    pub now: UnixMillis,
    /// Where the call comes from; `None` where that is not known: a key that may be used from some
    /// networks only is then denied.
    pub caller: Option<IpAddr>,
    /// Whether a refresh was tried for this verification.
    pub refresh: Refresh,
    /// Whether the registry was asked for this verification.
    pub registry: Registry<'q>,
}

/// Whether the list was refreshed for this verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Not yet.
    NotTried,
    /// It was tried and brought no head of age ≤ `fresh_for`.
    Failed,
}

/// Whether the registry was asked for this verification.
#[derive(Clone, Copy, Debug)]
pub enum Registry<'q> {
    /// Not yet.
    NotAsked,
    /// It was asked and did not answer.
    Failed,
    /// It answered this: one answer serves one verification, which spends it.
    Answered(&'q Confirmation),
}

/// Decides whether a key is authentic, alive and allowed.
///
/// Stages: parse and checksum → requirement built for this key set → signing key known, prefix equal →
/// tag → key set not outdated → signing key's window → time → list fresh enough for the scopes asked →
/// not dead → scopes → networks → the registry, for strict scopes. No allocation, no I/O, no clock.
///
/// # Guarantees
/// [`Decision::Allow`] is never given while an [`Ask`](crate::Ask) is owed: a host that does not ask gets no
/// answer, and one that fails to get a strict scope's answer gets a denial. A list of another audience
/// counts as none.
///
/// # Leaks
/// The tag is compared in constant time. How far a key got (malformed, unknown, forged, later) and how
/// many blocks it has shows in the time taken.
///
/// Source: FORMAT.md section 5
pub fn verify<M: StateMemory>(
    key_set: &KeySet,
    list: Option<&List<M>>,
    key: impl AsRef<[u8]>,
    query: Query<'_>,
) -> Decision {
    let buffer = &mut KeyBuffer::new();
    verify_in(buffer, key_set, list, key.as_ref(), &query, |judgement| judgement.decision())
}

/// As [`verify`], in memory that the host keeps from one key to the next, and with nothing of the key copied: `tell` takes
/// of the judgement what it needs.
pub fn verify_in<M: StateMemory, R>(
    buffer: &mut KeyBuffer,
    key_set: &KeySet,
    list: Option<&List<M>>,
    key: &[u8],
    query: &Query<'_>,
    tell: impl FnOnce(Judgement<'_>) -> R,
) -> R {
    // WHY by reference: a key's views are many, and are not moved.
    let judgement = match &read(buffer, key_set, key) {
        Ok(key) => return tell(judge(key_set, list.map(List::view), query, key)),
        Err(reason) => Judgement::Deny(*reason, None),
    };
    tell(judgement)
}

/// The first stage, with the key set's tables.
fn read<'b>(
    buffer: &'b mut KeyBuffer,
    key_set: &KeySet,
    key: &[u8],
) -> Result<UnverifiedKey<'b>, Reason> {
    UnverifiedKey::parse_by(key, buffer, |buffer| buffer.checksum_by(key_set.checksum()))
}

/// All stages after it.
fn judge<'k>(
    key_set: &'k KeySet,
    list: Option<ListView<'_>>,
    query: &Query<'k>,
    key: &'k UnverifiedKey<'k>,
) -> Judgement<'k> {
    // WHY: another audience's list knows nothing of this one's cut-offs, signing keys and indexes.
    let list = list.filter(|list| list.head.is_for(key_set.tenant(), key_set.audience()));
    let authentic = match authenticate(key_set, list, query.required, key) {
        Ok(authentic) => authentic,
        Err(reason) => return Judgement::Deny(reason, None),
    };
    match decide(key_set, list, query, authentic) {
        Ok((key, seen)) => Judgement::Allow(key, seen),
        Err(Refused::Deny(reason)) => Judgement::Deny(reason, Some(authentic)),
        Err(Refused::AskRefresh) => Judgement::AskRefresh,
        Err(Refused::AskRegistry) => {
            Judgement::AskRegistry(UnconfirmedKey { key, required: query.required, now: query.now })
        }
    }
}

/// Everything before the key's words can be believed.
fn authenticate<'k>(
    key_set: &'k KeySet,
    list: Option<ListView<'_>>,
    required: &Requirement,
    key: &'k UnverifiedKey<'k>,
) -> Result<AuthenticKey<'k>, Reason> {
    if !required.is_for(key_set.tenant(), key_set.audience()) {
        return Err(Reason::WrongAudience);
    }
    // WHY: another edition may have raised a scope's risk level since, or given its name to another.
    if !required.is_of(key_set.version()) {
        return Err(Reason::RequirementOutdated);
    }
    match key_set.entry(key.base.signing_key) {
        Some(entry) => key.signed_by(entry)?.authenticate(),
        // WHY: a key set that is too old does not know the newest signing keys, and a good key must
        // not be called invalid.
        None if is_outdated(key_set, list) => Err(Reason::NoKeySet),
        None => Err(Reason::UnknownSigningKey),
    }
}

/// Whether the list says that the key set may not decide any more.
fn is_outdated(key_set: &KeySet, list: Option<ListView<'_>>) -> bool {
    list.is_some_and(|list| key_set.version() < list.head.least_key_set())
}

enum Refused {
    Deny(Reason),
    AskRefresh,
    AskRegistry,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self::Deny(reason)
    }
}

/// Everything after.
fn decide<'k>(
    key_set: &KeySet,
    list: Option<ListView<'_>>,
    query: &Query<'_>,
    key: AuthenticKey<'k>,
) -> Result<(TimelyKey<'k>, ListSeen), Refused> {
    // WHY: only now, so that a forged key is the same 401 as ever: its tag could be judged.
    if is_outdated(key_set, list) {
        return Err(Reason::NoKeySet.into());
    }
    let key = key.in_window()?;
    let max_skew_ms = key_set.bounds().max_skew_ms();
    let now = list.map_or(query.now, |list| query.now.max(list.head.issued_at()));
    // WHY: such a head was not adopted, so that the clock has gone back since; the list would seem
    // fresh, at age 0, until the clock has caught up with it.
    if now > query.now.plus(max_skew_ms) {
        return Err(Reason::ClockBehind.into());
    }
    let key = key.at(now, max_skew_ms)?;
    let seen = list.map(|list| seen(key_set, list.head, query, now));
    let fresh_enough = if query.required.level() == RiskLevel::Strict {
        // The registry is asked whatever the list says: here the list can only deny.
        None
    } else {
        Some(fresh_enough(seen, query.refresh)?)
    };
    if list.is_some_and(|list| list.is_dead(key.view())) {
        // WHY: for strict scopes nothing else renews the list, and what it says is dead may have been
        // resumed since.
        let is_fresh = seen.is_some_and(|seen| seen.zone == Zone::Fresh);
        return Err(match query.refresh {
            Refresh::NotTried if !is_fresh => Refused::AskRefresh,
            _ => Reason::Inactive.into(),
        });
    }
    if !query.required.is_met_by(&key.view().scopes.to_set()) {
        return Err(Reason::ScopeMissing.into());
    }
    if key.is_narrowed() && !query.required.is_met_by(&key.scopes_left()) {
        return Err(Reason::Narrowed.into());
    }
    key.from_caller(query.caller)?;
    let seen = match fresh_enough {
        Some(seen) => seen,
        None => confirmed(query, &key)?,
    };
    Ok((key, seen))
}

/// What a list is for the scopes asked, now.
fn seen(key_set: &KeySet, head: &Head, query: &Query<'_>, now: UnixMillis) -> ListSeen {
    let age_ms = now.since(head.issued_at());
    let zone = if now > head.not_after() {
        Zone::Stale
    } else {
        key_set.bounds().zone(query.required.level(), age_ms)
    };
    ListSeen { sequence: head.sequence(), age_ms, zone }
}

/// The list's stage: fresh enough for the scopes asked, or a refresh is owed, or denied.
fn fresh_enough(seen: Option<ListSeen>, refresh: Refresh) -> Result<ListSeen, Refused> {
    match (seen, refresh) {
        (Some(seen @ ListSeen { zone: Zone::Fresh, .. }), _)
        | (Some(seen @ ListSeen { zone: Zone::MustAsk, .. }), Refresh::Failed) => Ok(seen),
        (_, Refresh::NotTried) => Err(Refused::AskRefresh),
        (_, Refresh::Failed) => Err(Reason::ListStale.into()),
    }
}

/// The registry's stage: its answer for this very key and requirement, or it is owed.
fn confirmed(query: &Query<'_>, key: &TimelyKey<'_>) -> Result<ListSeen, Refused> {
    match query.registry {
        Registry::NotAsked => Err(Refused::AskRegistry),
        Registry::Failed => Err(Reason::RegistryUnavailable.into()),
        Registry::Answered(confirmation) => {
            if !confirmation.serves(&key.base(), key.secret_tag(), query.required, query.now) {
                return Err(Refused::AskRegistry);
            }
            let sequence = confirmation.outcome()?;
            Ok(ListSeen { sequence, age_ms: 0, zone: Zone::Registry })
        }
    }
}

//! Adopting and deciding by FORMAT.md sections 4.5 and 5 once more: plain arithmetic that cannot overflow, on
//! states that are lists of bits.

use wardkey::RiskLevel;

/// A state: the first index, and what is dead from there on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) floor: u32,
    pub(super) dead: Vec<bool>,
}

impl Bits {
    /// Whether it has more than one chunk.
    pub(super) fn is_wide(&self) -> bool {
        self.dead.len() > CHUNK_BITS as usize
    }

    /// Whether a status index is dead.
    pub(super) fn is_dead(&self, index: u32) -> bool {
        let bit = index.checked_sub(self.floor).map(|bit| bit as usize);
        bit.is_none_or(|bit| self.dead.get(bit) == Some(&true))
    }
}

/// What a head says to the verifier's audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Says {
    /// Whether it is the verifier's tenant and audience that it was proved for.
    pub(super) own: bool,
    pub(super) sequence: u64,
    pub(super) issued_at: u64,
    pub(super) not_after: u64,
    /// The later one of both.
    pub(super) cutoff: u32,
    pub(super) least: u32,
    pub(super) epoch_dead: bool,
    /// The state that it names.
    pub(super) state: Bits,
    pub(super) log: Option<Log>,
}

/// The log of changes in a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) from: u64,
    pub(super) changes: Vec<Change>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) sequence: u64,
    /// Chunks.
    pub(super) rise: u32,
    /// Places from the new floor on, ascending.
    pub(super) flips: Vec<u32>,
}

/// A list in force: in the model a head has its state with it.
pub(super) type InForce = Option<Says>;

/// A rule that is bent on purpose, to see that somebody would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bent {
    OlderIsTaken,
    ClockIsBelieved,
    BoundIsExclusive,
    NotAfterIsExclusive,
    SkewIsExclusive,
    ExpiryIsInclusive,
    ListMovesNoClock,
    StaleListKillsNot,
    StaleListKillsUnasked,
    RefusedChangesStay,
    LogHasOneStart,
    RiseDropsNothing,
}

impl Bent {
    pub(super) const ALL: [(Self, &'static str); 12] = [
        (Self::OlderIsTaken, "an older head is taken"),
        (Self::ClockIsBelieved, "a clock that went back is believed"),
        (Self::BoundIsExclusive, "the bounds of staleness are a millisecond shorter"),
        (Self::NotAfterIsExclusive, "not-after is a millisecond earlier"),
        (Self::SkewIsExclusive, "max-skew is a millisecond shorter"),
        (Self::ExpiryIsInclusive, "a key lives a millisecond longer"),
        (Self::ListMovesNoClock, "the list does not move the clock forward"),
        (Self::StaleListKillsNot, "a strict scope asks past the list"),
        (Self::StaleListKillsUnasked, "a strict scope takes an old list's word without a refresh"),
        (Self::RefusedChangesStay, "changes that lead to another state are not undone"),
        (Self::LogHasOneStart, "a log is gone on from its first sequence only"),
        (Self::RiseDropsNothing, "a floor rises and its bits stay"),
    ];
}

/// Bounds in milliseconds, and the key set's version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) bounds: [u32; 5],
    pub(super) version: u32,
}

/// A key, as the matrix has them: always authentic, with every scope, from everywhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) index: u32,
    pub(super) issued_at: u32,
    pub(super) expires_at: u32,
    pub(super) not_before: u32,
    /// Whether its signing key was allowed to sign it.
    pub(super) in_window: bool,
    /// Whether it is of the epoch that dead heads name.
    pub(super) of_dead_epoch: bool,
}

/// The outcome of a head, and what is in force then.
pub(super) fn adopt(
    rules: &Rules,
    bent: Option<Bent>,
    in_force: &InForce,
    head: &Says,
    state: Option<&Bits>,
    now: u64,
) -> (&'static str, InForce) {
    let kept = || in_force.clone();
    if in_force.as_ref().is_some_and(|list| !list.own) {
        return ("other_audience", kept());
    }
    let [.., skew] = rules.bounds;
    let skew = u128::from(skew) - u128::from(bent == Some(Bent::SkewIsExclusive) && skew > 0);
    let ahead = u128::from(head.issued_at) > u128::from(now) + skew;
    if ahead && bent != Some(Bent::ClockIsBelieved) {
        return ("clock_behind", kept());
    }
    let (mut same_state, mut left) = (false, in_force.clone());
    if let Some(list) = in_force {
        // A head says the same with and without its log.
        if *list == (Says { log: list.log.clone(), ..head.clone() }) {
            return ("in_force", kept());
        }
        let newer = (head.sequence, head.issued_at) > (list.sequence, list.issued_at);
        if !newer && bent != Some(Bent::OlderIsTaken) {
            return ("older", kept());
        }
        same_state = list.state == head.state;
        if let Some(log) = &head.log
            && let Some(state) = log.applied(bent, list.sequence, &list.state)
        {
            same_state |= state == head.state;
            if bent == Some(Bent::RefusedChangesStay) {
                left = Some(Says { state, ..list.clone() });
            }
        }
    }
    match state {
        _ if same_state => ("adopted", Some(head.clone())),
        None => ("state_needed", left),
        Some(state) if *state == head.state => ("adopted", Some(head.clone())),
        Some(_) => ("other_state", left),
    }
}

impl Log {
    /// The state after all changes behind this sequence; `None` where the log does not reach back to it, or where
    /// one of them cannot be applied (FORMAT.md section 4.3).
    pub(super) fn applied(&self, bent: Option<Bent>, sequence: u64, state: &Bits) -> Option<Bits> {
        let behind = if self.from == sequence {
            &self.changes[..]
        } else {
            let place = self.changes.iter().position(|change| change.sequence == sequence)?;
            let behind = self.changes.get(place + 1..)?;
            Some(behind).filter(|_| bent != Some(Bent::LogHasOneStart))?
        };
        let mut applied = state.clone();
        let most = state.dead.len().div_ceil(CHUNK_BITS as usize) + MOST_NEW_CHUNKS;
        for Change { rise, flips, .. } in behind {
            let risen = rise.checked_mul(CHUNK_BITS)?;
            applied.floor = applied.floor.checked_add(risen)?;
            if bent != Some(Bent::RiseDropsNothing) {
                applied.dead.drain(..applied.dead.len().min(risen as usize));
            }
            for place in flips {
                applied.floor.checked_add(*place)?;
                let place = *place as usize;
                // No change of the matrix takes back what another has grown.
                if place / CHUNK_BITS as usize >= most {
                    return None;
                }
                if place >= applied.dead.len() {
                    applied.dead.resize(place + 1, false);
                }
                let bit = applied.dead.get_mut(place)?;
                *bit = !*bit;
            }
        }
        Some(applied)
    }
}

/// The word for a key, and for an allowed one the sequence, age and zone of the list.
pub(super) fn decide(
    rules: &Rules,
    bent: Option<Bent>,
    list: &InForce,
    key: &Key,
    level: RiskLevel,
    refresh_failed: bool,
    now: u64,
) -> (&'static str, Option<(u64, u64, &'static str)>) {
    let bends = |rule| bent == Some(rule);
    let [fresh_for, high, standard, low, skew] = rules.bounds.map(u128::from);
    let skew = skew - u128::from(bends(Bent::SkewIsExclusive) && skew > 0);
    let list = list.as_ref().filter(|list| list.own);
    let ms = |second: u32| u128::from(second) * 1_000;
    // 7, 8
    if list.is_some_and(|list| list.least > rules.version) {
        return ("no_key_set", None);
    }
    if !key.in_window {
        return ("outside_window", None);
    }
    // 9 to 12
    let mut later = u128::from(now);
    if let Some(list) = list {
        let issued_at = u128::from(list.issued_at);
        if issued_at > later + skew && !bends(Bent::ClockIsBelieved) {
            return ("clock_behind", None);
        }
        if issued_at > later && !bends(Bent::ListMovesNoClock) {
            later = issued_at;
        }
    }
    // A sum of milliseconds stays at the end of u64; no second comes near it.
    if ms(key.issued_at) > later + skew {
        return ("clock_behind", None);
    }
    if later >= ms(key.expires_at) + u128::from(bends(Bent::ExpiryIsInclusive)) {
        return ("expired", None);
    }
    if later < ms(key.not_before) {
        return ("not_yet_valid", None);
    }
    // 13
    let zone = list.map(|list| {
        let age = later.saturating_sub(u128::from(list.issued_at));
        let most = match level {
            RiskLevel::Low => low,
            RiskLevel::Standard => standard,
            RiskLevel::High | RiskLevel::Strict => high,
        };
        let less = u128::from(bends(Bent::BoundIsExclusive));
        let not_after = u128::from(list.not_after) - u128::from(bends(Bent::NotAfterIsExclusive));
        let zone = if later > not_after {
            "stale"
        } else if age + less <= fresh_for {
            "fresh"
        } else if age + less <= most {
            "must_ask"
        } else {
            "stale"
        };
        (list.sequence, age as u64, zone)
    });
    let strict = level == RiskLevel::Strict;
    if !strict {
        match zone {
            Some((.., "fresh")) => {}
            Some((.., "must_ask")) if refresh_failed => {}
            _ if refresh_failed => return ("list_stale", None),
            _ => return ("ask refresh", None),
        }
    }
    // 14
    let dead = list.is_some_and(|list| {
        key.issued_at <= list.cutoff
            || list.epoch_dead && key.of_dead_epoch
            || list.state.is_dead(key.index)
    });
    if dead && !(strict && bends(Bent::StaleListKillsNot)) {
        let fresh = matches!(zone, Some((.., "fresh"))) || bends(Bent::StaleListKillsUnasked);
        return (if fresh || refresh_failed { "inactive" } else { "ask refresh" }, None);
    }
    if strict { ("ask registry", None) } else { ("allow", zone) }
}

/// Indexes of a chunk, by which floors rise.
pub(super) const CHUNK_BITS: u32 = 32_768;
/// Chunks that all changes of a head may add.
const MOST_NEW_CHUNKS: usize = 256;

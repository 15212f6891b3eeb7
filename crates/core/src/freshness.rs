//! How old the list may be: the published bound, enforced.

use core::fmt;

use crate::catalog::RiskLevel;

/// Where a list's age lies for a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// At most `fresh_for` old: answered at once.
    Fresh,
    /// At most the level's `max_staleness` old: one refresh is owed first.
    MustAsk,
    /// Older: no answer can be given from it.
    Stale,
    /// The registry itself was asked.
    Registry,
}

impl Zone {
    /// The word that stands in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::MustAsk => "must_ask",
            Self::Stale => "stale",
            Self::Registry => "registry",
        }
    }
}

/// The bounds of an audience, in milliseconds. A policy may only tighten the defaults.
///
/// # Constraints
/// `fresh_for` ≤ high ≤ standard ≤ low; each at most its default, `max_skew` at most 60 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    fresh_for_ms: u32,
    high_ms: u32,
    standard_ms: u32,
    low_ms: u32,
    max_skew_ms: u32,
}

/// Figures that make no bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundsError;

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bounds must ascend from fresh_for over high and standard to low, none above 5 s, 30 s, 5 min, 1 h; max_skew is at most 60 s")
    }
}

impl core::error::Error for BoundsError {}

impl Bounds {
    /// 5 s fresh; at most 30 s, 5 min, 1 h stale; 5 s of skew.
    pub const DEFAULT: Self = Self {
        fresh_for_ms: 5_000,
        high_ms: 30_000,
        standard_ms: 300_000,
        low_ms: 3_600_000,
        max_skew_ms: 5_000,
    };

    /// Builds bounds, in milliseconds.
    ///
    /// # Errors
    /// [`BoundsError`] for bounds that do not ascend or are looser than the defaults.
    pub fn new(
        fresh_for_ms: u32,
        high_ms: u32,
        standard_ms: u32,
        low_ms: u32,
        max_skew_ms: u32,
    ) -> Result<Self, BoundsError> {
        let most = Self::DEFAULT;
        let ascending = fresh_for_ms <= high_ms && high_ms <= standard_ms && standard_ms <= low_ms;
        let capped = fresh_for_ms <= most.fresh_for_ms
            && high_ms <= most.high_ms
            && standard_ms <= most.standard_ms
            && low_ms <= most.low_ms
            && max_skew_ms <= MOST_SKEW_MS;
        if ascending && capped {
            Ok(Self { fresh_for_ms, high_ms, standard_ms, low_ms, max_skew_ms })
        } else {
            Err(BoundsError)
        }
    }

    /// The five figures in the order of [`Bounds::new`], in milliseconds.
    pub const fn figures(&self) -> [u32; 5] {
        [self.fresh_for_ms, self.high_ms, self.standard_ms, self.low_ms, self.max_skew_ms]
    }

    /// How far a clock may run ahead or behind, in milliseconds.
    pub const fn max_skew_ms(&self) -> u64 {
        self.max_skew_ms as u64
    }

    /// How old the list may be to answer at once, in milliseconds.
    pub const fn fresh_for_ms(&self) -> u64 {
        self.fresh_for_ms as u64
    }

    /// The zone of a list of this age. [`RiskLevel::Strict`] is as `high`: it asks the registry
    /// whatever the zone.
    pub const fn zone(&self, level: RiskLevel, age_ms: u64) -> Zone {
        let max_staleness = match level {
            RiskLevel::Low => self.low_ms,
            RiskLevel::Standard => self.standard_ms,
            RiskLevel::High | RiskLevel::Strict => self.high_ms,
        };
        if age_ms <= self.fresh_for_ms as u64 {
            Zone::Fresh
        } else if age_ms <= max_staleness as u64 {
            Zone::MustAsk
        } else {
            Zone::Stale
        }
    }
}

const MOST_SKEW_MS: u32 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told_as_they_were_given_and_each_zone_ends_with_its_last_millisecond() {
        let bounds = Bounds::new(1_001, 2_002, 3_003, 4_004, 5_005).expect("tighter than usual");
        assert_eq!(bounds.figures(), [1_001, 2_002, 3_003, 4_004, 5_005]);
        assert_eq!((bounds.fresh_for_ms(), bounds.max_skew_ms()), (1_001, 5_005));
        for (level, most) in [
            (RiskLevel::Low, 4_004),
            (RiskLevel::Standard, 3_003),
            (RiskLevel::High, 2_002),
            (RiskLevel::Strict, 2_002),
        ] {
            for (age, zone) in [
                (0, Zone::Fresh),
                (1_001, Zone::Fresh),
                (1_002, Zone::MustAsk),
                (most, Zone::MustAsk),
                (most + 1, Zone::Stale),
                (u64::MAX, Zone::Stale),
            ] {
                assert_eq!(bounds.zone(level, age), zone, "{level:?} {age}");
            }
        }
    }

    #[test]
    fn bounds_that_do_not_ascend_are_refused() {
        assert!(Bounds::new(5, 5, 5, 5, 0).is_ok());
        for [fresh_for, high, standard, low] in [[6, 5, 5, 5], [5, 6, 5, 5], [5, 5, 6, 5]] {
            assert_eq!(Bounds::new(fresh_for, high, standard, low, 0), Err(BoundsError));
        }
    }
}

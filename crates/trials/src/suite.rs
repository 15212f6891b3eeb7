//! The suites: what can be tried, by name, in any stretch, natively and in wasm.

use serde_json::{Value, json};

use crate::tally::{Report, Tally};
use crate::{foreign, forged_tags, format_vectors};

/// Every suite; a new one is one line here.
///
/// A suite is a function of a [`Stretch`] and nothing else: the same stretch has the same outcomes on
/// every machine, which is what the digest shows.
pub const SUITES: &[Suite] = &[
    Suite { name: "rfc4231-hmac", cases: foreign::RFC4231, run: foreign::rfc4231 },
    Suite { name: "rfc5869-hkdf", cases: foreign::RFC5869, run: foreign::rfc5869 },
    Suite { name: "wycheproof-hmac", cases: foreign::HMAC, run: foreign::wycheproof_hmac },
    Suite { name: "wycheproof-hkdf", cases: foreign::HKDF, run: foreign::wycheproof_hkdf },
    Suite { name: "wycheproof-xchacha20", cases: foreign::AEAD, run: foreign::wycheproof_aead },
    Suite { name: "forged-tags", cases: forged_tags::CASES, run: forged_tags::run },
    Suite { name: "format-vectors", cases: format_vectors::CASES, run: format_vectors::run },
];

/// The control of every comparison of two machines: its outcomes differ where pointers do.
pub const TELLS_MACHINES_APART: Suite = Suite {
    name: "control-pointer-width",
    cases: Cases::All(|| 1),
    run: |_, tally| {
        tally.count("told");
        tally.outcome(&usize::BITS.to_be_bytes());
    },
};

/// One suite.
#[derive(Clone, Copy, Debug)]
pub struct Suite {
    /// Its name, stable, for records.
    pub name: &'static str,
    /// How many cases it has.
    pub cases: Cases,
    /// Tries the cases of a stretch.
    pub run: fn(Stretch, &mut Tally),
}

/// How many cases a suite has.
#[derive(Clone, Copy, Debug)]
pub enum Cases {
    /// These and no more, whatever the seed.
    All(fn() -> u64),
    /// As many as one likes, drawn from the seed.
    Drawn {
        /// In debug builds, by `cargo test`.
        smoke: u64,
        /// In every test run, natively and in wasm.
        test: u64,
        /// In a deep run, natively.
        deep: u64,
        /// Of those, in wasm too.
        deep_in_wasm: u64,
    },
}

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// What a debug build does in a second.
    Smoke,
    /// What every test run has time for.
    Test,
    /// What a release is worth.
    Deep,
}

/// The cases `from` up to, and not including, `from + count`, of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// What chance is drawn from.
    pub seed: u64,
    /// The first case.
    pub from: u64,
    /// How many.
    pub count: u64,
}

impl Scale {
    /// The scale of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "smoke" => Some(Self::Smoke),
            "test" => Some(Self::Test),
            "deep" => Some(Self::Deep),
            _ => None,
        }
    }
}

impl Suite {
    /// Tries a stretch.
    pub fn report(&self, stretch: Stretch) -> Report {
        let mut tally = Tally::default();
        (self.run)(stretch, &mut tally);
        tally.report(self.name, stretch)
    }

    /// What a scale asks of the suite: the stretch that is tried natively and in wasm, and the one
    /// after it that is tried natively only.
    pub fn stretches(&self, scale: Scale, seed: u64) -> (Stretch, Stretch) {
        let (both, all) = match (self.cases, scale) {
            (Cases::All(cases), _) => (cases(), cases()),
            (Cases::Drawn { smoke, .. }, Scale::Smoke) => (smoke, smoke),
            (Cases::Drawn { test, .. }, Scale::Test) => (test, test),
            (Cases::Drawn { deep, deep_in_wasm, .. }, Scale::Deep) => (deep_in_wasm, deep),
        };
        let rest = Stretch { seed, from: both, count: all.saturating_sub(both) };
        (Stretch { seed, from: 0, count: both }, rest)
    }
}

impl Stretch {
    /// The numbers of its cases.
    pub fn cases(self) -> std::ops::Range<u64> {
        self.from..self.from.saturating_add(self.count)
    }

    /// Its cases out of a list.
    pub fn of<T>(self, list: &[T]) -> impl Iterator<Item = &T> {
        let place = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        list.iter().skip(place(self.from)).take(place(self.count))
    }

    /// As it stands in reports.
    pub fn to_json(self) -> Value {
        json!({ "seed": self.seed, "from": self.from, "count": self.count })
    }
}

/// A source of chance for one case, the same wherever the stretch begins (splitmix64).
pub fn chance(seed: u64, case: u64) -> impl FnMut() -> u64 {
    let mut state = seed ^ case.wrapping_mul(0xd6e8_feb8_6659_fd93);
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

//! The suites: what can be tried, by name, in any stretch, natively and in wasm.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::tally::{Report, Tally};
use crate::{
    foreign, forged_tags, format_vectors, good_keys, mutants, narrowings, one_spelling, rollback,
    scopes,
};

/// Every suite; a new one is one line here.
///
/// A suite is a function of a [`Stretch`] and nothing else: the same stretch has the same outcomes on
/// every machine, which is what the digest shows.
pub const SUITES: &[Suite] = &[
    whole("rfc4231-hmac", foreign::RFC4231, foreign::rfc4231),
    whole("rfc5869-hkdf", foreign::RFC5869, foreign::rfc5869),
    whole("wycheproof-hmac", foreign::HMAC, foreign::wycheproof_hmac),
    whole("wycheproof-hkdf", foreign::HKDF, foreign::wycheproof_hkdf),
    whole("wycheproof-xchacha20", foreign::AEAD, foreign::wycheproof_aead),
    whole("forged-tags", forged_tags::CASES, forged_tags::run),
    whole("format-vectors", format_vectors::CASES, format_vectors::run),
    one_spelling::SUITE,
    mutants::SUITE,
    good_keys::SUITE,
    narrowings::SUITE,
    scopes::SUITE,
    rollback::SUITE,
];

/// The control of every comparison of two machines: its outcomes differ where pointers do.
pub const TELLS_MACHINES_APART: Suite = Suite {
    name: "control-pointer-width",
    cases: Cases::All(|| 1),
    piece: WHOLE,
    must: &[],
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
    /// How many of them are tried at once. Pieces of a stretch are tried side by side where there are
    /// cores, and told in their order; what a piece prepares for itself should not weigh.
    pub piece: u64,
    /// Outcomes that must come, or a report is complained of: those that only some cases can have.
    pub must: &'static [&'static str],
    /// Tries the cases of a piece.
    pub run: fn(Stretch, &mut Tally),
}

/// How many cases a suite has.
#[derive(Clone, Copy, Debug)]
pub enum Cases {
    /// These and no more, whatever the seed.
    All(fn() -> u64),
    /// So many and no more; a debug build tries the first of them.
    Every {
        /// All of them, natively.
        all: u64,
        /// Of those, in wasm too.
        in_wasm: u64,
        /// Of those, in debug builds, by `cargo test`.
        smoke: u64,
    },
    /// As many as one likes, drawn from the seed.
    Drawn {
        /// In debug builds, by `cargo test`.
        smoke: u64,
        /// In every test run, natively.
        test: u64,
        /// Of those, in wasm too.
        test_in_wasm: u64,
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
    /// Tries a stretch, piece by piece.
    pub fn report(&self, stretch: Stretch) -> Report {
        let mut whole = Tally::default();
        for piece in 0..stretch.pieces(self.piece) {
            whole.absorb(self.tried(stretch.piece(self.piece, piece)));
        }
        whole.report(self, stretch)
    }

    /// The same report, from as many threads as there are cores; `told` is called with the number of
    /// cases that are done.
    pub fn report_side_by_side(&self, stretch: Stretch, mut told: impl FnMut(u64)) -> Report {
        let pieces = stretch.pieces(self.piece);
        let threads = thread::available_parallelism().map_or(1, usize::from).min(pieces as usize);
        let mut whole = Tally::default();
        let next = AtomicU64::new(0);
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= pieces {
                            return;
                        }
                        let tally = self.tried(stretch.piece(self.piece, number));
                        // Nobody listens any more only where another thread has panicked.
                        let _ = sender.send((number, tally));
                    }
                });
            }
            drop(sender);
            // One that is done early waits for those before it: the digest is of their order.
            let (mut waiting, mut due) = (BTreeMap::new(), 0);
            for (number, tally) in receiver {
                waiting.insert(number, tally);
                while let Some(tally) = waiting.remove(&due) {
                    whole.absorb(tally);
                    due += 1;
                    told(self.piece.saturating_mul(due).min(stretch.count));
                }
            }
        });
        whole.report(self, stretch)
    }

    fn tried(&self, piece: Stretch) -> Tally {
        let mut tally = Tally::default();
        (self.run)(piece, &mut tally);
        tally
    }

    /// What a scale asks of the suite: the stretch that is tried natively and in wasm, and the one
    /// after it that is tried natively only.
    pub fn stretches(&self, scale: Scale, seed: u64) -> (Stretch, Stretch) {
        let (both, all) = match (self.cases, scale) {
            (Cases::All(cases), _) => (cases(), cases()),
            (Cases::Every { smoke, .. }, Scale::Smoke) => (smoke, smoke),
            (Cases::Every { all, in_wasm, .. }, _) => (in_wasm, all),
            (Cases::Drawn { smoke, .. }, Scale::Smoke) => (smoke, smoke),
            (Cases::Drawn { test, test_in_wasm, .. }, Scale::Test) => (test_in_wasm, test),
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

    /// How many pieces of `len` cases it has; the last may be shorter.
    const fn pieces(self, len: u64) -> u64 {
        self.count.div_ceil(len)
    }

    /// One of them.
    const fn piece(self, len: u64, number: u64) -> Self {
        let before = len.saturating_mul(number);
        let left = self.count.saturating_sub(before);
        Self {
            seed: self.seed,
            from: self.from.saturating_add(before),
            count: if left < len { left } else { len },
        }
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

/// One piece, however many cases.
const WHOLE: u64 = u64::MAX;

const fn whole(name: &'static str, cases: Cases, run: fn(Stretch, &mut Tally)) -> Suite {
    Suite { name, cases, piece: WHOLE, must: &[], run }
}

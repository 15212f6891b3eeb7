//! What came out of a stretch: counts, controls, failures and a digest over all of it, in order.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::spelling::hex;
use crate::suite::{Stretch, Suite};

/// Counts outcomes while a suite runs.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<String, u64>,
    controls: BTreeMap<String, u64>,
    sums: BTreeMap<String, u64>,
    failures: u64,
    first_failures: Vec<String>,
    digest: Sha256,
}

/// What a suite says of a stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The suite's name.
    pub suite: &'static str,
    /// What was tried.
    pub stretch: Stretch,
    /// How often each outcome came.
    pub counts: BTreeMap<String, u64>,
    /// How often each deliberate mistake was caught: one that never was makes the stretch worthless.
    pub controls: BTreeMap<String, u64>,
    /// Sums of some counts, for whoever asks how many there were of a kind.
    pub sums: BTreeMap<String, u64>,
    /// How many cases came out wrong.
    pub failures: u64,
    /// The first of them, in words.
    pub first_failures: Vec<String>,
    /// SHA-256 over all outcomes, in hex.
    pub digest: String,
    /// Outcomes that must be among those counted.
    must: &'static [&'static str],
}

impl Tally {
    /// An outcome that is as it should be.
    pub fn count(&mut self, outcome: &str) {
        self.outcome(outcome.as_bytes());
        bump(&mut self.counts, outcome, 1);
    }

    /// Counts `outcome` if it is right, else the case has failed; `case` says which it was.
    pub fn expect(&mut self, right: bool, outcome: &str, case: impl FnOnce() -> String) {
        if right {
            self.count(outcome);
            return;
        }
        self.outcome(b"FAILED");
        self.failures += 1;
        if self.first_failures.len() < FAILURES_TOLD {
            self.first_failures.push(format!("not so: {outcome}: {}", case()));
        }
    }

    /// A deliberate mistake, and whether the same check saw it this time.
    pub fn control(&mut self, mistake: &str, caught: bool) {
        self.outcome(&[u8::from(caught)]);
        bump(&mut self.controls, mistake, u64::from(caught));
    }

    /// Bytes that two machines must agree on.
    pub fn outcome(&mut self, bytes: &[u8]) {
        self.digest.update((bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }

    /// Outcomes that a suite counted by itself, because it has very many of them.
    ///
    /// What came when must go to [`Tally::outcome`]: this puts only the sums into the digest.
    pub fn count_many(&mut self, outcome: &str, times: u64) {
        if times > 0 {
            self.outcome(outcome.as_bytes());
            self.outcome(&times.to_be_bytes());
            bump(&mut self.counts, outcome, times);
        }
    }

    /// How often the same check saw a deliberate mistake, counted by the suite itself.
    pub fn controls_many(&mut self, mistake: &str, caught: u64) {
        self.outcome(&caught.to_be_bytes());
        bump(&mut self.controls, mistake, caught);
    }

    /// A sum of some outcomes that were counted.
    pub fn sum(&mut self, what: &str, times: u64) {
        bump(&mut self.sums, what, times);
    }

    /// What came out of the next piece of the same stretch.
    pub(crate) fn absorb(&mut self, piece: Self) {
        let Self { counts, controls, sums, failures, first_failures, digest } = piece;
        self.outcome(&digest.finalize());
        counts.iter().for_each(|(name, times)| bump(&mut self.counts, name, *times));
        controls.iter().for_each(|(name, times)| bump(&mut self.controls, name, *times));
        sums.iter().for_each(|(name, times)| bump(&mut self.sums, name, *times));
        self.failures += failures;
        let room = FAILURES_TOLD.saturating_sub(self.first_failures.len());
        self.first_failures.extend(first_failures.into_iter().take(room));
    }

    pub(crate) fn report(self, suite: &Suite, stretch: Stretch) -> Report {
        let Self { counts, controls, sums, failures, first_failures, digest } = self;
        let digest = hex(&digest.finalize());
        let Suite { name: suite, must, .. } = *suite;
        Report { suite, stretch, counts, controls, sums, failures, first_failures, digest, must }
    }
}

impl Report {
    /// What speaks against the stretch: failures, nothing counted, an outcome that never came, a mistake that
    /// was never caught.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = self.first_failures.clone();
        if self.failures > 0 {
            complaints.push(format!("{} failures", self.failures));
        }
        if self.counts.is_empty() {
            complaints.push("nothing was tried".into());
        }
        if self.controls.is_empty() {
            complaints.push("there is no control: its zero proves nothing".into());
        }
        let never = self.must.iter().filter(|outcome| !self.counts.contains_key(**outcome));
        complaints.extend(never.map(|outcome| format!("never came: {outcome}")));
        let missed = self.controls.iter().filter(|(_, caught)| **caught == 0);
        complaints.extend(missed.map(|(mistake, _)| format!("never caught: {mistake}")));
        complaints
    }

    /// The report for records and for the comparison with another machine.
    pub fn to_json(&self) -> Value {
        json!({
            "suite": self.suite,
            "stretch": self.stretch.to_json(),
            "counts": self.counts,
            "controls": self.controls,
            "sums": self.sums,
            "failures": self.failures,
            "first_failures": self.first_failures,
            "digest": self.digest,
        })
    }
}

fn bump(counts: &mut BTreeMap<String, u64>, name: &str, by: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += by,
        None => {
            counts.insert(name.to_owned(), by);
        }
    }
}

const FAILURES_TOLD: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Cases;

    const STRETCH: Stretch = Stretch { seed: 1, from: 0, count: 1 };
    const SUITE: Suite =
        Suite { name: "x", cases: Cases::All(|| 1), piece: 1, must: &[], run: |_, _| () };

    #[test]
    fn a_stretch_that_proves_nothing_is_complained_of() {
        let complaints = |act: fn(&mut Tally)| {
            let mut tally = Tally::default();
            act(&mut tally);
            tally.report(&SUITE, STRETCH).complaints().len()
        };
        assert_eq!(complaints(|_| ()), 2);
        assert_eq!(complaints(|tally| tally.count("a")), 1);
        let missed = |tally: &mut Tally| {
            tally.count("a");
            tally.control("b", false);
        };
        assert_eq!(complaints(missed), 1);
        let caught = |tally: &mut Tally| {
            tally.count("a");
            tally.control("b", false);
            tally.control("b", true);
        };
        assert_eq!(complaints(caught), 0);
        let failed = |tally: &mut Tally| {
            tally.control("b", true);
            tally.count("c");
            tally.expect(false, "a", || "case 1".into());
        };
        assert_eq!(complaints(failed), 2);
    }

    #[test]
    fn an_outcome_that_must_come_is_missed() {
        for (outcome, complaints) in [("a", 0), ("b", 1)] {
            let mut tally = Tally::default();
            tally.count(outcome);
            tally.control("c", true);
            let report = tally.report(&Suite { must: &["a"], ..SUITE }, STRETCH);
            assert_eq!(report.complaints().len(), complaints);
        }
    }

    #[test]
    fn the_digest_tells_outcomes_and_their_order_apart() {
        let digest = |outcomes: &[&str]| {
            let mut tally = Tally::default();
            outcomes.iter().for_each(|outcome| tally.count(outcome));
            tally.report(&SUITE, STRETCH).digest
        };
        assert_ne!(digest(&["a", "b"]), digest(&["b", "a"]));
        assert_ne!(digest(&["ab"]), digest(&["a", "b"]));
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
    }
}

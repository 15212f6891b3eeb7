//! How many of all mutants came to what.

use std::fmt;

use serde_json::{Value, json};

use super::{
    found::{End, Found},
    tool::{CARGO_MUTANTS, Mutant},
};

/// The counts of all mutants.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) all: usize,
    pub(super) caught: usize,
    /// Of those caught or timed out, what was last tried with other tests than there are now.
    pub(super) with_earlier_tests: usize,
    pub(super) missed: usize,
    pub(super) timeout: usize,
    pub(super) unviable: usize,
    pub(super) untried: usize,
    /// Timed out or unviable, and not yet tried alone.
    pub(super) doubtful: usize,
}

impl Tally {
    pub(super) fn of(all: &[Mutant], found: &Found) -> Self {
        let mut tally = Self { all: all.len(), ..Self::default() };
        for mutant in all {
            let Some(outcome) = found.of(&mutant.name) else {
                tally.untried += 1;
                continue;
            };
            let count = match outcome.end {
                End::Caught => &mut tally.caught,
                End::Missed => &mut tally.missed,
                End::Timeout => &mut tally.timeout,
                End::Unviable => &mut tally.unviable,
            };
            *count += 1;
            let caught = matches!(outcome.end, End::Caught | End::Timeout);
            tally.with_earlier_tests += usize::from(caught && !found.is_of_these_tests(outcome));
            tally.doubtful += usize::from(outcome.is_doubtful());
        }
        tally
    }

    /// Whether there is an end of every mutant that can be relied on.
    pub(super) fn is_whole(&self) -> bool {
        self.untried == 0 && self.doubtful == 0
    }

    /// Of those that compile. One that makes a test run for ever is caught: the test does not pass.
    /// None that compiles is none caught.
    pub(super) fn caught_percent(&self) -> f64 {
        let caught = (self.caught + self.timeout) as f64;
        let viable = caught + self.missed as f64;
        if viable == 0.0 { 0.0 } else { 100.0 * caught / viable }
    }

    pub(super) fn as_json(&self, found: &Found) -> Value {
        json!({
            "mutants": self.all,
            "caught": self.caught,
            "with_earlier_tests": self.with_earlier_tests,
            "timeout": self.timeout,
            "missed": self.missed,
            "unviable": self.unviable,
            "untried": self.untried,
            "doubtful": self.doubtful,
            "caught_percent": self.caught_percent(),
            "seconds": found.seconds,
            "tool": format!("cargo-mutants {CARGO_MUTANTS}"),
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { all, caught, with_earlier_tests, missed, timeout, unviable, untried, doubtful } =
            self;
        let percent = self.caught_percent();
        write!(
            f,
            "{all} mutants: {caught} caught, {timeout} timed out, {missed} missed, {unviable} unviable, {untried} \
             not tried; {percent:.1} % caught ({with_earlier_tests} by earlier tests); {doubtful} still to be tried \
             alone"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_viable_is_nothing_caught() {
        let percent = |caught, timeout, missed, unviable| {
            Tally { caught, timeout, missed, unviable, ..Tally::default() }.caught_percent()
        };
        assert_eq!(percent(0, 0, 0, 0), 0.0);
        assert_eq!(percent(0, 0, 0, 9), 0.0);
        assert_eq!(percent(2, 1, 1, 9), 75.0);
    }
}

//! What the host says: one line each, on standard error. Nothing of a key is ever handed in.

use std::cell::RefCell;
use std::io::{Write as _, stderr};
use std::time::Duration;

use tokio::time::Instant;

/// Says a line. A log that cannot be written stops nothing.
pub(crate) fn say(line: &str) {
    let _unwritten = writeln!(stderr(), "wardkey: {line}");
}

/// Says what may go wrong at every call: once in ten seconds.
#[derive(Default)]
pub(crate) struct Seldom(RefCell<Option<Instant>>);

impl Seldom {
    pub(crate) fn say(&self, line: &str) {
        let mut said = self.0.borrow_mut();
        if said.is_none_or(|at| at.elapsed() >= PAUSE) {
            *said = Some(Instant::now());
            say(line);
        }
    }
}

/// Something that goes on failing: said when it begins, when its cause is another, and when it is over.
#[derive(Default)]
pub(crate) struct Outage(RefCell<Option<(String, Instant)>>);

impl Outage {
    /// The line to say of a failure, if there is news in it: a registry that is away for an hour fills no log.
    pub(crate) fn failed(&self, line: String, now: Instant) -> Option<String> {
        let mut last = self.0.borrow_mut();
        let is_news = last
            .as_ref()
            .is_none_or(|(said, at)| *said != line && now.duration_since(*at) >= PAUSE);
        if !is_news {
            return None;
        }
        *last = Some((line.clone(), now));
        Some(line)
    }

    /// Whether one is over.
    pub(crate) fn ended(&self) -> bool {
        self.0.take().is_some()
    }
}

/// Between two lines of the same kind.
const PAUSE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_said_when_it_begins_when_its_cause_changes_and_when_it_is_over() {
        let outage = Outage::default();
        let now = Instant::now();
        let failed = |line: &str, at| outage.failed(line.to_owned(), at).is_some();
        assert!(!outage.ended(), "there was none");
        let said = ["away", "away", "forged"].map(|line| failed(line, now));
        assert_eq!(said, [true, false, false]);
        let said = ["away", "forged", "forged"].map(|line| failed(line, now + PAUSE));
        assert_eq!(said, [false, true, false]);
        assert!(outage.ended());
        assert!(!outage.ended());
        assert!(failed("forged", now + PAUSE), "another one");
    }
}

//! Lines for whoever runs the service. No key is in one.

use std::cell::RefCell;

use wit_bindgen::spawn_local;

use crate::bindings::wasi::cli::stderr;
use crate::bindings::wit_stream;

/// Writes one. That it is lost stops nothing.
pub(crate) fn say(line: &str) {
    let line = format!("wardkey: {line}\n");
    let (mut writer, reader) = wit_stream::new();
    let written = stderr::write_via_stream(reader);
    spawn_local(async move {
        writer.write_all(line.into_bytes()).await;
        drop(writer);
        let _lost = written.await;
    });
}

/// Something that goes on failing: said when it begins, when its cause is another, and when it is over.
#[derive(Default)]
pub(crate) struct Outage(RefCell<Option<(String, u64)>>);

impl Outage {
    /// Whether there is news in a failure: a registry that is away for an hour fills no log. `now_ms`: Unix milliseconds.
    pub(crate) fn has_news(&self, line: &str, now_ms: u64) -> bool {
        let mut last = self.0.borrow_mut();
        let is_news = last
            .as_ref()
            .is_none_or(|(said, at_ms)| said != line && now_ms.abs_diff(*at_ms) >= PAUSE_MS);
        if is_news {
            *last = Some((line.to_owned(), now_ms));
        }
        is_news
    }

    /// Whether one is over.
    pub(crate) fn ended(&self) -> bool {
        self.0.take().is_some()
    }
}

/// Between two lines of the same kind.
const PAUSE_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_said_when_it_begins_when_its_cause_changes_and_when_it_is_over() {
        let outage = Outage::default();
        assert!(!outage.ended(), "there was none");
        let said = ["away", "away", "forged"].map(|line| outage.has_news(line, 1));
        assert_eq!(said, [true, false, false]);
        let said = ["away", "forged", "forged"].map(|line| outage.has_news(line, 1 + PAUSE_MS));
        assert_eq!(said, [false, true, false]);
        assert!(outage.ended());
        assert!(!outage.ended());
        assert!(outage.has_news("forged", 1 + PAUSE_MS), "another one");
    }
}

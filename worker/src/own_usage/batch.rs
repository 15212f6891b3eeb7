//! The counts of one audience under one name: what is being counted, what is to be told, and what was sent and not answered.

use std::collections::HashMap;

use wardkey::{Decision, KeyId, Reason, UnixMillis};
use wardkey_registry::{UsageEntry, UsagePeriod, UsageReport};

/// A decision about a key whose tag was right, as it is told.
pub(super) struct Decided<'s> {
    key_id: KeyId,
    index: u32,
    outcome: &'static str,
    /// What was required: sorted, each once.
    scopes: Vec<&'s str>,
    second: u32,
}

/// Decisions that are in no count, since the first of which the request is.
#[derive(Default)]
pub(super) struct Loss {
    pub(super) decisions: u64,
    pub(super) request_id: String,
}

/// Counts of one audience under one name.
#[derive(Default)]
pub(super) struct Batch {
    counting: Counting,
    closed: Closed,
    /// What was sent and not answered: it is sent again as it was, so that it counts once.
    unanswered: Option<(String, UsageReport)>,
}

/// What is counted since it was closed last.
#[derive(Default)]
struct Counting {
    generations: HashMap<u32, Vec<UsageEntry>>,
    len: usize,
    /// The request of the first decision.
    request_id: String,
}

/// What there was to be told when it was closed: nothing comes to it, so that telling it ends.
#[derive(Default)]
struct Closed {
    entries: Vec<UsageEntry>,
    loss: Loss,
}

impl<'s> Decided<'s> {
    /// Of a text whose tag was not found right it is nobody's; of a key that was never issued the registry said so, and has it
    /// in its log.
    pub(super) fn of(decision: &Decision, scopes: &'s [String], now: UnixMillis) -> Option<Self> {
        let (key_id, index, outcome) = match decision {
            Decision::Allow(allow) => (allow.key_id, allow.status_index.0, "allow"),
            Decision::Deny(denial) => {
                let base = denial.authentic?;
                let word = denial.reason.as_str();
                if denial.reason == Reason::NeverIssued || !UsageEntry::takes(word) {
                    return None;
                }
                (base.key_id, base.status_index.0, word)
            }
            Decision::Ask(_) => return None,
        };
        let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Some(Self { key_id, index, outcome, scopes, second: second(now) })
    }

    /// Whether an entry has words for it. WHY none for more scopes, rather than the first of them: whoever reads that a scope was
    /// never used takes it away.
    pub(super) const fn can_be_told(&self) -> bool {
        self.scopes.len() <= SCOPES_AN_ENTRY
    }

    fn is_of(&self, entry: &UsageEntry) -> bool {
        entry.outcome == self.outcome
            && entry.scopes == self.scopes
            // As the registry keeps them: a period within one day is never longer than it takes.
            && day_of(entry) == self.second / DAY_S
    }

    fn entry(&self) -> UsageEntry {
        UsageEntry {
            key_id: self.key_id.to_string(),
            status_index: self.index,
            scopes: self.scopes.iter().map(|scope| (*scope).into()).collect(),
            outcome: self.outcome.into(),
            count: 1,
            first: self.second,
            last: self.second,
        }
    }
}

impl Batch {
    /// Adds a decision to an entry of its kind; answers whether there is one.
    pub(super) fn add(&mut self, decided: &Decided<'_>) -> bool {
        let kinds = self.counting.generations.get_mut(&decided.index);
        let mut alike = kinds.into_iter().flatten().filter(|entry| decided.is_of(entry));
        let Some(entry) = alike.find(|entry| entry.count < MOST_OF_A_KIND) else { return false };
        entry.count += 1;
        entry.first = entry.first.min(decided.second);
        entry.last = entry.last.max(decided.second);
        true
    }

    /// Makes an entry of a decision; answers whether its generation has room for it.
    pub(super) fn insert(&mut self, decided: &Decided<'_>, request_id: &str) -> bool {
        let counting = &mut self.counting;
        if counting.len == 0 {
            request_id.clone_into(&mut counting.request_id);
        }
        let kinds = counting.generations.entry(decided.index).or_default();
        // Who calls chooses the scopes: one key takes no others' room.
        if kinds.len() >= KINDS_A_GENERATION {
            return false;
        }
        kinds.push(decided.entry());
        counting.len += 1;
        true
    }

    /// How many entries it holds.
    pub(super) fn len(&self) -> usize {
        let sent = self.unanswered.as_ref().map_or(0, |(_, report)| report.entries.len());
        self.counting.len + self.closed.entries.len() + sent
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counting.len == 0 && !self.has_next()
    }

    /// What is counted by now is to be told, once all is told that was to be told before.
    pub(super) fn close(&mut self) {
        if self.counting.len == 0 || !self.closed.is_empty() {
            return;
        }
        let Counting { generations, request_id, .. } = std::mem::take(&mut self.counting);
        let entries = generations.into_values().flatten().collect();
        self.closed = Closed { entries, loss: Loss { decisions: 0, request_id } };
    }

    /// The next report declares this, too.
    pub(super) fn declare(&mut self, loss: Loss) {
        if self.closed.is_empty() {
            self.closed.loss.request_id = loss.request_id;
        }
        self.closed.loss.add(loss.decisions);
    }

    /// Whether there is something to tell of what was closed.
    pub(super) fn has_next(&self) -> bool {
        self.unanswered.is_some() || !self.closed.is_empty()
    }

    /// The next report and the request that it began with: the one that was not answered, or a new one under `report_id`.
    pub(super) fn next(
        &mut self,
        name: &str,
        report_id: &str,
        now: UnixMillis,
    ) -> Option<(String, UsageReport)> {
        if self.unanswered.is_none() && !self.closed.is_empty() {
            let report = self.closed.take(name, report_id, now);
            self.unanswered = Some((self.closed.loss.request_id.clone(), report));
        }
        self.unanswered.clone()
    }

    /// Another one that began when this one seemed to have ended may be at the next.
    pub(super) fn end(&mut self, report_id: &str) -> Option<(String, UsageReport)> {
        self.unanswered.take_if(|(_, report)| report.report_id == report_id)
    }
}

impl Closed {
    fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.loss.decisions == 0
    }

    /// What one report may hold, all of one day.
    fn take(&mut self, name: &str, report_id: &str, now: UnixMillis) -> UsageReport {
        let day = self.entries.first().map(day_of);
        let (mut entries, mut others) = (Vec::new(), Vec::new());
        for entry in self.entries.drain(..) {
            let is_told = Some(day_of(&entry)) == day && entries.len() < ENTRIES_A_REPORT;
            if is_told { &mut entries } else { &mut others }.push(entry);
        }
        self.entries = others;
        let from = entries.iter().map(|entry| entry.first).min().unwrap_or(second(now));
        let until = entries.iter().map(|entry| entry.last).max().unwrap_or(second(now));
        UsageReport {
            report_id: report_id.into(),
            verifier: name.into(),
            audience: None,
            period: UsagePeriod { from, until },
            lost: std::mem::take(&mut self.loss.decisions),
            entries,
        }
    }
}

impl Loss {
    pub(super) fn add(&mut self, decisions: u64) {
        self.decisions = self.decisions.saturating_add(decisions).min(MOST_LOST);
    }
}

/// The day of an entry's decisions.
pub(super) const fn day_of(entry: &UsageEntry) -> u32 {
    entry.first / DAY_S
}

fn second(now: UnixMillis) -> u32 {
    u32::try_from(now.0 / 1_000).unwrap_or(u32::MAX)
}

/// Entries of one report.
pub(super) const ENTRIES_A_REPORT: usize = 256;
/// Entries of one generation that are counted at a time.
pub(super) const KINDS_A_GENERATION: usize = 64;
/// Scopes of an entry.
const SCOPES_AN_ENTRY: usize = 16;
/// Decisions of an entry.
const MOST_OF_A_KIND: u32 = 1_000_000_000;
/// Decisions that one report may declare as lost.
const MOST_LOST: u64 = 1_000_000_000_000;
const DAY_S: u32 = 86_400;

//! What an isolate decides itself, counted until it is reported: bounded, and what there is no room for is declared as lost.

use std::collections::HashMap;

use wardkey::{Decision, Reason, TenantId, UnixMillis};
use wardkey_registry::{UsageEntry, UsagePeriod, UsageReport};

/// Whose decisions: tenant, audience, and the name that they are counted under.
pub(crate) type Counted = (TenantId, u8, String);

/// Counts of the isolate.
#[derive(Default)]
pub(crate) struct OwnUsage {
    batches: HashMap<Counted, Batch>,
    entries: usize,
}

/// Counts of one audience under one name.
#[derive(Default)]
struct Batch {
    generations: HashMap<u32, Vec<UsageEntry>>,
    lost: u64,
    /// The request of the first decision that the next report tells.
    request_id: String,
    /// What was sent and not answered: it is sent again as it was, so that it counts once.
    unanswered: Option<(String, UsageReport)>,
}

impl OwnUsage {
    /// Counts a decision. Of a text whose tag was not found right it is nobody's; of a key that was never issued the registry
    /// said so, and has it in its log.
    pub(crate) fn count(
        &mut self,
        of: &Counted,
        decision: &Decision,
        scopes: &[String],
        request_id: &str,
        now: UnixMillis,
    ) {
        let Some((key_id, index, outcome)) = told(decision) else { return };
        if !self.batches.contains_key(of) && self.batches.len() >= MOST_BATCHES {
            // Those with nothing to tell are only names.
            self.batches.retain(|_, batch| !batch.is_empty());
            if self.batches.len() >= MOST_BATCHES {
                return;
            }
        }
        let batch = self.batches.entry(of.clone()).or_default();
        if batch.is_empty() {
            request_id.clone_into(&mut batch.request_id);
        }
        let second = u32::try_from(now.0 / 1_000).unwrap_or(u32::MAX);
        let mut scopes: Vec<&String> = scopes.iter().take(SCOPES_AN_ENTRY).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let has_room = self.entries < MOST_ENTRIES;
        let kinds = match batch.generations.get_mut(&index) {
            Some(kinds) => kinds,
            None if has_room => batch.generations.entry(index).or_default(),
            None => return batch.lose(1),
        };
        let has_kinds_left = kinds.len() < KINDS_A_GENERATION;
        let known = kinds
            .iter_mut()
            .find(|one| one.outcome == outcome && one.scopes.iter().eq(scopes.iter().copied()));
        match known {
            Some(entry) => {
                entry.count = entry.count.saturating_add(1);
                entry.first = entry.first.min(second);
                entry.last = entry.last.max(second);
            }
            // Who calls chooses the scopes: one key takes no others' room.
            None if has_room && has_kinds_left => {
                self.entries += 1;
                kinds.push(UsageEntry {
                    key_id,
                    status_index: index,
                    scopes: scopes.into_iter().cloned().collect(),
                    outcome: outcome.into(),
                    count: 1,
                    first: second,
                    last: second,
                });
            }
            None => batch.lose(1),
        }
    }

    /// Of whom there is something to tell.
    pub(crate) fn untold(&self) -> Vec<Counted> {
        let untold = self.batches.iter().filter(|(_, batch)| !batch.is_empty());
        untold.map(|(of, _)| of.clone()).collect()
    }

    /// The next report and the request that it began with: the one that was not answered, or a new one under `report_id`.
    pub(crate) fn next(
        &mut self,
        of: &Counted,
        report_id: &str,
        now: UnixMillis,
    ) -> Option<(String, UsageReport)> {
        let batch = self.batches.get_mut(of)?;
        if batch.unanswered.is_none() {
            if batch.is_empty() {
                return None;
            }
            let entries = batch.take();
            self.entries = self.entries.saturating_sub(entries.len());
            let second = u32::try_from(now.0 / 1_000).unwrap_or(u32::MAX);
            let from = entries.iter().map(|entry| entry.first).min().unwrap_or(second);
            let until = entries.iter().map(|entry| entry.last).max().unwrap_or(second);
            let report = UsageReport {
                report_id: report_id.into(),
                verifier: of.2.clone(),
                audience: None,
                period: UsagePeriod { from, until },
                lost: std::mem::take(&mut batch.lost),
                entries,
            };
            batch.unanswered = Some((batch.request_id.clone(), report));
        }
        batch.unanswered.clone()
    }

    /// A report was taken.
    pub(crate) fn taken(&mut self, of: &Counted, report_id: &str) {
        self.end(of, report_id);
    }

    /// A report was refused for good: what it held is lost, and the next one says so.
    pub(crate) fn refused(&mut self, of: &Counted, report_id: &str) {
        if let Some(report) = self.end(of, report_id)
            && let Some(batch) = self.batches.get_mut(of)
        {
            let counts = report.entries.iter().map(|entry| u64::from(entry.count));
            batch.lose(report.lost.saturating_add(counts.sum()));
        }
    }

    /// Another one that began when this one seemed to have ended may be at the next.
    fn end(&mut self, of: &Counted, report_id: &str) -> Option<UsageReport> {
        let batch = self.batches.get_mut(of)?;
        let ended = batch.unanswered.take_if(|(_, report)| report.report_id == report_id)?;
        Some(ended.1)
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.generations.is_empty() && self.lost == 0 && self.unanswered.is_none()
    }

    fn lose(&mut self, decisions: u64) {
        self.lost = self.lost.saturating_add(decisions).min(MOST_LOST);
    }

    fn take(&mut self) -> Vec<UsageEntry> {
        let mut entries = Vec::new();
        let mut indexes: Vec<u32> = self.generations.keys().copied().collect();
        indexes.sort_unstable();
        for index in indexes {
            let Some(kinds) = self.generations.get_mut(&index) else { continue };
            let some = kinds.len().min(ENTRIES_A_REPORT - entries.len());
            entries.extend(kinds.drain(..some));
            if kinds.is_empty() {
                self.generations.remove(&index);
            }
            if entries.len() == ENTRIES_A_REPORT {
                break;
            }
        }
        entries
    }
}

/// The key, the generation and the word of a decision about a key whose tag was right.
fn told(decision: &Decision) -> Option<(String, u32, &'static str)> {
    match decision {
        Decision::Allow(allow) => Some((allow.key_id.to_string(), allow.status_index.0, "allow")),
        Decision::Deny(denial) => {
            let base = denial.authentic?;
            let word = denial.reason.as_str();
            let is_told = denial.reason != Reason::NeverIssued && UsageEntry::takes(word);
            is_told.then(|| (base.key_id.to_string(), base.status_index.0, word))
        }
        Decision::Ask(_) => None,
    }
}

/// Entries of one report.
const ENTRIES_A_REPORT: usize = 256;
/// Entries that an isolate holds.
const MOST_ENTRIES: usize = 4_096;
/// Entries of one generation that an isolate holds.
const KINDS_A_GENERATION: usize = 64;
/// Scopes of an entry: of a requirement of more the first are told.
const SCOPES_AN_ENTRY: usize = 16;
/// Audiences and names of which an isolate holds counts. Of more nothing is counted, nor declared.
const MOST_BATCHES: usize = 256;
/// Decisions that one report may declare as lost.
const MOST_LOST: u64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use wardkey::{
        Allow, AudienceId, Denial, Epoch, KeyId, ListSeen, ScopeSet, SigningKeyId, StatusIndex,
        Subject, UnixSeconds, Zone,
    };

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn of(name: &str) -> Counted {
        (TenantId(1), 1, name.into())
    }

    fn allow(index: u32) -> Decision {
        Decision::Allow(Allow {
            subject: Subject::new("svc:billing").unwrap(),
            key_id: KeyId(u64::from(index).to_be_bytes()),
            status_index: StatusIndex(index),
            signing_key: SigningKeyId {
                tenant: TenantId(1),
                audience: AudienceId(1),
                epoch: Epoch::new(1).unwrap(),
            },
            scopes: ScopeSet::default(),
            expires_at: UnixSeconds(1_900_000_000),
            narrowed: false,
            list: ListSeen { sequence: 1, age_ms: 0, zone: Zone::Fresh },
        })
    }

    fn count(own: &mut OwnUsage, name: &str, index: u32, scopes: &[&str], now: UnixMillis) {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).into()).collect();
        own.count(&of(name), &allow(index), &scopes, "req_1", now);
    }

    /// All that is told, each report taken.
    fn told(own: &mut OwnUsage, name: &str) -> Vec<UsageReport> {
        let mut all = Vec::new();
        while let Some((_, report)) = own.next(&of(name), &format!("report-{}", all.len()), NOW) {
            own.taken(&of(name), &report.report_id);
            all.push(report);
        }
        all
    }

    fn sum(reports: &[UsageReport]) -> (u64, u64) {
        let counts =
            reports.iter().flat_map(|report| &report.entries).map(|one| u64::from(one.count));
        (counts.sum(), reports.iter().map(|report| report.lost).sum())
    }

    #[test]
    fn decisions_are_told_once_by_generation_scopes_and_outcome() {
        let mut own = OwnUsage::default();
        for scopes in [["a:b", "c:d"], ["c:d", "a:b"]] {
            count(&mut own, "forward-auth", 8, &scopes, NOW);
        }
        count(&mut own, "forward-auth", 8, &["a:b"], NOW.plus(5_000));
        count(&mut own, "svc:other", 8, &["a:b"], NOW);
        let reports = told(&mut own, "forward-auth");
        let [report] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((report.entries.len(), sum(&reports)), (2, (3, 0)));
        assert_eq!((report.period.from, report.period.until), (1_800_000_000, 1_800_000_005));
        assert_eq!(report.verifier, "forward-auth");
        assert_eq!(told(&mut own, "forward-auth"), []);
        assert_eq!(own.untold(), [of("svc:other")]);
    }

    #[test]
    fn what_was_not_answered_is_sent_again_as_it_was_and_what_is_refused_is_declared() {
        let mut own = OwnUsage::default();
        count(&mut own, "a", 8, &["a:b"], NOW);
        let (_, first) = own.next(&of("a"), "report-1", NOW).unwrap();
        count(&mut own, "a", 8, &["a:b"], NOW);
        assert_eq!(own.next(&of("a"), "report-2", NOW.plus(9_000)).unwrap().1, first);
        // An answer that comes after another's is nothing to the next report.
        own.taken(&of("a"), "report-1");
        let (_, second) = own.next(&of("a"), "report-2", NOW).unwrap();
        own.taken(&of("a"), "report-1");
        assert_eq!(own.next(&of("a"), "report-3", NOW).unwrap().1, second);
        own.refused(&of("a"), "report-2");
        assert_eq!(sum(&told(&mut own, "a")), (0, 1));
        assert!(own.untold().is_empty());
    }

    #[test]
    fn what_there_is_no_room_for_is_declared_and_one_key_takes_no_others_room() {
        let mut own = OwnUsage::default();
        for n in 0..200 {
            count(&mut own, "a", 8, &[&format!("made:up-{n}")], NOW);
        }
        for index in 100..5_100 {
            count(&mut own, "a", index, &["a:b"], NOW);
        }
        let reports = told(&mut own, "a");
        let (counted, lost) = sum(&reports);
        assert_eq!((counted + lost, counted), (5_200, MOST_ENTRIES as u64));
        assert!(reports.iter().all(|report| report.entries.len() <= ENTRIES_A_REPORT));
        let ofone = reports.iter().flat_map(|report| &report.entries);
        assert_eq!(ofone.filter(|entry| entry.status_index == 8).count(), KINDS_A_GENERATION);
        // What was told makes room.
        count(&mut own, "a", 8, &["a:b"], NOW);
        assert_eq!(sum(&told(&mut own, "a")), (1, 0));
    }

    #[test]
    fn a_text_whose_tag_was_not_right_and_what_the_registry_found_itself_are_not_counted() {
        let mut own = OwnUsage::default();
        let denied = Decision::Deny(Denial { reason: Reason::BadTag, authentic: None });
        own.count(&of("a"), &denied, &["a:b".into()], "req_1", NOW);
        assert!(own.untold().is_empty());
    }

    #[test]
    fn more_names_than_there_is_room_for_are_not_kept() {
        let mut own = OwnUsage::default();
        for n in 0..=MOST_BATCHES {
            count(&mut own, &format!("svc:{n}"), 8, &["a:b"], NOW);
        }
        assert_eq!(own.untold().len(), MOST_BATCHES);
        told(&mut own, "svc:0");
        count(&mut own, "svc:new", 8, &["a:b"], NOW);
        assert!(own.untold().contains(&of("svc:new")));
    }
}

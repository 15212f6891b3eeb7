//! What an isolate decides itself, counted until it is reported: bounded, and what there is no room for is declared as lost.

mod batch;
mod pass;

use wardkey::{Decision, TenantId, UnixMillis};
use wardkey_registry::{Reporter, UsageReport};

use batch::{Batch, Decided, Loss};
pub(crate) use pass::Pass;

/// Whose decisions: tenant, audience, and the name that they are counted under.
pub(crate) type Counted = (TenantId, u8, String);

/// Counts of the isolate.
#[derive(Default)]
pub(crate) struct OwnUsage {
    /// Whoever has waited longest first. INVARIANT: none is empty.
    batches: Vec<(Counted, Batch)>,
    /// By tenant and audience, as the registry keeps them.
    losses: Vec<((TenantId, u8), Loss)>,
}

impl OwnUsage {
    /// Counts a decision, if it is about a key whose tag was right.
    pub(crate) fn count(
        &mut self,
        of: &Counted,
        decision: &Decision,
        scopes: &[String],
        request_id: &str,
        now: UnixMillis,
    ) {
        let Some(decided) = Decided::of(decision, scopes, now) else { return };
        let is_known = self.find(of).is_some_and(|batch| batch.add(&decided));
        if is_known {
            return;
        }
        let has_room = decided.can_be_told() && self.has_room(of);
        let batch = if has_room { self.batch(of) } else { None };
        if !batch.is_some_and(|batch| batch.insert(&decided, request_id)) {
            self.lose(of, 1, request_id);
        }
    }

    /// Whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty() && self.losses.is_empty()
    }

    /// What is counted by now is to be told. Of whom there is something, first whoever has waited longest.
    fn close(&mut self) -> Vec<Counted> {
        for (_, batch) in &mut self.batches {
            batch.close();
        }
        for ((tenant, audience), loss) in std::mem::take(&mut self.losses) {
            let of_audience = |(of, _): &&(Counted, Batch)| (of.0, of.1) == (tenant, audience);
            let of = match self.batches.iter().find(of_audience) {
                Some((of, _)) => of.clone(),
                None => (tenant, audience, Reporter::FORWARD_AUTH.into()),
            };
            if let Some(batch) = self.batch(&of) {
                batch.declare(loss);
            }
        }
        self.batches.iter().map(|(of, _)| of.clone()).collect()
    }

    fn has_next(&self, of: &Counted) -> bool {
        self.batches.iter().any(|(name, batch)| name == of && batch.has_next())
    }

    /// The next report and the request that it began with. Then it is another's turn.
    fn next(
        &mut self,
        of: &Counted,
        report_id: &str,
        now: UnixMillis,
    ) -> Option<(String, UsageReport)> {
        let at = self.place(of)?;
        let (_, batch) = self.batches.get_mut(at)?;
        let next = batch.next(&of.2, report_id, now);
        self.batches.get_mut(at..)?.rotate_left(1);
        next
    }

    /// A report was taken.
    pub(crate) fn taken(&mut self, of: &Counted, report_id: &str) {
        self.end(of, report_id);
    }

    /// A report was refused for good: what it held is lost, and a later one says so.
    pub(crate) fn refused(&mut self, of: &Counted, report_id: &str) {
        if let Some((request_id, report)) = self.end(of, report_id) {
            let counts = report.entries.iter().map(|entry| u64::from(entry.count));
            self.lose(of, report.lost.saturating_add(counts.sum()), &request_id);
        }
    }

    fn end(&mut self, of: &Counted, report_id: &str) -> Option<(String, UsageReport)> {
        let at = self.place(of)?;
        let (_, batch) = self.batches.get_mut(at)?;
        let ended = batch.end(report_id);
        if batch.is_empty() {
            self.batches.remove(at);
        }
        ended
    }

    fn place(&self, of: &Counted) -> Option<usize> {
        self.batches.iter().position(|(name, _)| name == of)
    }

    fn find(&mut self, of: &Counted) -> Option<&mut Batch> {
        self.batches.iter_mut().find(|(name, _)| name == of).map(|(_, batch)| batch)
    }

    /// INVARIANT: whoever calls it adds to it.
    fn batch(&mut self, of: &Counted) -> Option<&mut Batch> {
        if self.place(of).is_none() {
            self.batches.push((of.clone(), Batch::default()));
        }
        self.find(of)
    }

    fn lose(&mut self, of: &Counted, decisions: u64, request_id: &str) {
        let audience = (of.0, of.1);
        let is_known = self.losses.iter().any(|(of, _)| *of == audience);
        if !is_known && self.losses.len() < MOST_LOSSES {
            self.losses.push((audience, Loss { decisions: 0, request_id: request_id.into() }));
        }
        if let Some((_, loss)) = self.losses.iter_mut().find(|(of, _)| *of == audience) {
            loss.add(decisions);
        }
    }

    /// Whether there is room for one more entry: no tenant takes all others'.
    fn has_room(&self, of: &Counted) -> bool {
        let (mut entries, mut names_of_tenant, mut entries_of_tenant) = (0, 0, 0);
        let mut has_name = false;
        for (name, batch) in &self.batches {
            entries += batch.len();
            if name.0 == of.0 {
                names_of_tenant += 1;
                entries_of_tenant += batch.len();
                has_name |= name == of;
            }
        }
        has_name |= self.batches.len() < MOST_NAMES && names_of_tenant < NAMES_A_TENANT;
        has_name && entries < MOST_ENTRIES && entries_of_tenant < ENTRIES_A_TENANT
    }
}

/// Entries that an isolate holds.
const MOST_ENTRIES: usize = 16_384;
/// Entries of one tenant.
const ENTRIES_A_TENANT: usize = 4_096;
/// Audiences and names of which an isolate holds counts.
const MOST_NAMES: usize = 1_024;
/// Those of one tenant.
const NAMES_A_TENANT: usize = 128;
/// Audiences of which an isolate knows that something is lost. Of more it is not declared.
const MOST_LOSSES: usize = 1_024;

#[cfg(test)]
mod tests {
    use wardkey::{
        Allow, AudienceId, Denial, Epoch, KeyId, ListSeen, Reason, ScopeSet, SigningKeyId,
        StatusIndex, Subject, UnixSeconds, Zone,
    };

    use super::batch::{ENTRIES_A_REPORT, KINDS_A_GENERATION, day_of};
    use super::*;

    pub(super) const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    pub(super) fn of(name: &str) -> Counted {
        (TenantId(1), 1, name.into())
    }

    pub(super) fn of_tenant(tenant: u16) -> Counted {
        (TenantId(tenant), 1, "forward-auth".into())
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

    pub(super) fn count(
        own: &mut OwnUsage,
        of: &Counted,
        index: u32,
        scopes: &[&str],
        now: UnixMillis,
    ) {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).into()).collect();
        own.count(of, &allow(index), &scopes, "req_1", now);
    }

    /// All that is told, each report taken, in as many passes as it needs.
    fn told(own: &mut OwnUsage) -> Vec<(Counted, UsageReport)> {
        let mut all = Vec::new();
        while !own.is_empty() {
            let mut pass = Pass::begin(own);
            while let Some((of, _, report)) = pass.next(own, &format!("report-{}", all.len()), NOW)
            {
                own.taken(&of, &report.report_id);
                all.push((of, report));
            }
        }
        all
    }

    fn sum(reports: &[(Counted, UsageReport)]) -> (u64, u64) {
        let counts =
            reports.iter().flat_map(|(_, report)| &report.entries).map(|one| u64::from(one.count));
        (counts.sum(), reports.iter().map(|(_, report)| report.lost).sum())
    }

    #[test]
    fn decisions_are_told_once_by_generation_scopes_and_outcome() {
        let mut own = OwnUsage::default();
        for scopes in [["a:b", "c:d"], ["c:d", "a:b"]] {
            count(&mut own, &of("forward-auth"), 8, &scopes, NOW);
        }
        count(&mut own, &of("forward-auth"), 8, &["a:b"], NOW.plus(5_000));
        count(&mut own, &of("svc:other"), 8, &["a:b"], NOW);
        let reports = told(&mut own);
        let [(first, report), (second, _)] = reports.as_slice() else { panic!("{reports:?}") };
        assert_eq!((first, second), (&of("forward-auth"), &of("svc:other")));
        assert_eq!((report.entries.len(), sum(&reports)), (2, (4, 0)));
        assert_eq!((report.period.from, report.period.until), (1_800_000_000, 1_800_000_005));
        assert_eq!(report.verifier, "forward-auth");
    }

    #[test]
    fn what_was_not_answered_is_sent_again_as_it_was_and_what_is_refused_is_declared() {
        let mut own = OwnUsage::default();
        let a = of("a");
        count(&mut own, &a, 8, &["a:b"], NOW);
        own.close();
        let (_, first) = own.next(&a, "report-1", NOW).unwrap();
        count(&mut own, &a, 8, &["a:b"], NOW);
        own.close();
        assert_eq!(own.next(&a, "report-2", NOW.plus(9_000)).unwrap().1, first);
        // An answer that comes after another's is nothing to the next report.
        own.taken(&a, "report-1");
        let (_, second) = own.next(&a, "report-2", NOW).unwrap();
        own.taken(&a, "report-1");
        assert_eq!(own.next(&a, "report-3", NOW).unwrap().1, second);
        own.refused(&a, "report-2");
        assert_eq!(sum(&told(&mut own)), (0, 1));
    }

    #[test]
    fn what_there_is_no_room_for_is_declared_and_one_key_takes_no_others_room() {
        let mut own = OwnUsage::default();
        let a = of("a");
        for n in 0..200 {
            count(&mut own, &a, 8, &[&format!("made:up-{n}")], NOW);
        }
        for index in 100..5_100 {
            count(&mut own, &a, index, &["a:b"], NOW);
        }
        // What is sent and not answered still takes room.
        own.close();
        own.next(&a, "report", NOW);
        count(&mut own, &a, 99, &["a:b"], NOW);
        let reports = told(&mut own);
        assert_eq!(sum(&reports), (ENTRIES_A_TENANT as u64, 5_201 - ENTRIES_A_TENANT as u64));
        assert!(reports.iter().all(|(_, report)| report.entries.len() <= ENTRIES_A_REPORT));
        let of_one = reports.iter().flat_map(|(_, report)| &report.entries);
        assert_eq!(of_one.filter(|entry| entry.status_index == 8).count(), KINDS_A_GENERATION);
        // What was told makes room.
        count(&mut own, &a, 8, &["a:b"], NOW);
        assert_eq!(sum(&told(&mut own)), (1, 0));
    }

    #[test]
    fn no_tenant_takes_anothers_room_and_what_is_under_no_name_is_declared() {
        let mut own = OwnUsage::default();
        for name in 0..2_000 {
            count(&mut own, &of(&format!("svc:{name}")), 8, &["a:b"], NOW);
        }
        for index in 0..9_000 {
            count(&mut own, &of("svc:0"), index, &["a:b"], NOW);
        }
        count(&mut own, &of_tenant(2), 8, &["a:b"], NOW);
        // Of an audience that has no count at all, too.
        count(&mut own, &(TenantId(1), 2, "svc:0".into()), 8, &["a:b"], NOW);
        let reports = told(&mut own);
        let (others, own_ones): (Vec<_>, Vec<_>) =
            reports.into_iter().partition(|(of, _)| of.0 == TenantId(2));
        assert_eq!(sum(&others), (1, 0));
        let (counted, lost) = sum(&own_ones);
        assert_eq!((counted + lost, counted), (11_001, ENTRIES_A_TENANT as u64 + 1));
        let of_second: Vec<_> = own_ones.into_iter().filter(|(of, _)| of.1 == 2).collect();
        assert_eq!(sum(&of_second), (0, 1));
    }

    #[test]
    fn a_scope_that_is_named_often_is_one_and_what_requires_too_many_is_declared() {
        let mut own = OwnUsage::default();
        let named: Vec<String> = (0..17).map(|n| format!("a:b{n}")).collect();
        let mut scopes: Vec<&str> = vec!["a:b0"; 16];
        scopes.push("z:last");
        count(&mut own, &of("a"), 8, &scopes, NOW);
        count(&mut own, &of("a"), 8, &named.iter().map(String::as_str).collect::<Vec<_>>(), NOW);
        let reports = told(&mut own);
        assert_eq!(sum(&reports), (1, 1));
        assert_eq!(reports[0].1.entries[0].scopes, ["a:b0", "z:last"]);
    }

    #[test]
    fn a_report_is_of_one_day() {
        let mut own = OwnUsage::default();
        for hours in [0, 25, 50, 51] {
            count(&mut own, &of("a"), 8, &["a:b"], NOW.plus(hours * 3_600_000));
        }
        let reports = told(&mut own);
        assert_eq!(sum(&reports), (4, 0));
        for (_, UsageReport { period, entries, .. }) in &reports {
            assert_eq!(period.from / 86_400, period.until / 86_400);
            assert!(entries.iter().all(|entry| day_of(entry) == period.from / 86_400));
        }
        assert!(reports.len() >= 3);
    }

    #[test]
    fn a_text_whose_tag_was_not_right_and_what_the_registry_found_itself_are_not_counted() {
        let mut own = OwnUsage::default();
        let denied = Decision::Deny(Denial { reason: Reason::BadTag, authentic: None });
        own.count(&of("a"), &denied, &["a:b".into()], "req_1", NOW);
        assert!(own.is_empty());
    }
}

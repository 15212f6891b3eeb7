//! Telling once what there is to tell: whoever has waited longest first, then all in turn, a bounded number of requests.

use std::collections::VecDeque;

use wardkey::{TenantId, UnixMillis};
use wardkey_registry::UsageReport;

use super::{Counted, OwnUsage};

/// What is still to be told of what was counted when it began. What is counted since is the next one's: decisions that never pause
/// would be one more report for each of its round trips.
pub(crate) struct Pass {
    waiting: VecDeque<Counted>,
    /// How many reports of which tenant and audience.
    asked: Vec<((TenantId, u8), usize)>,
    /// Tenants whose usage did not answer.
    away: Vec<TenantId>,
    is_whole: bool,
}

impl Pass {
    pub(crate) fn begin(own: &mut OwnUsage) -> Self {
        let waiting = own.close().into();
        Self { waiting, asked: Vec::new(), away: Vec::new(), is_whole: true }
    }

    /// The next report, of whom it is and the request that it began with.
    pub(crate) fn next(
        &mut self,
        own: &mut OwnUsage,
        report_id: &str,
        now: UnixMillis,
    ) -> Option<(Counted, String, UsageReport)> {
        while let Some(of) = self.waiting.pop_front() {
            if self.away.contains(&of.0) || !own.has_next(&of) {
                continue;
            }
            if !self.may_ask((of.0, of.1)) {
                self.is_whole = false;
                continue;
            }
            let Some((request_id, report)) = own.next(&of, report_id, now) else { continue };
            self.waiting.push_back(of.clone());
            return Some((of, request_id, report));
        }
        None
    }

    fn may_ask(&mut self, audience: (TenantId, u8)) -> bool {
        let Some((_, asked)) = self.asked.iter_mut().find(|(of, _)| *of == audience) else {
            self.asked.push((audience, 1));
            return true;
        };
        *asked += 1;
        *asked <= REPORTS_AN_AUDIENCE
    }

    /// A tenant's usage did not answer: it is not asked again, and keeps no other waiting.
    pub(crate) fn failed(&mut self, tenant: TenantId) {
        self.away.push(tenant);
        self.is_whole = false;
    }

    /// Whether all was told.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole && self.waiting.is_empty()
    }
}

/// Reports of one audience at a time.
const REPORTS_AN_AUDIENCE: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::tests::{NOW, count, of, of_tenant};
    use super::*;

    /// Who was told, each report taken; `meanwhile` is what happens in a round trip.
    fn told(own: &mut OwnUsage, mut meanwhile: impl FnMut(&mut OwnUsage)) -> Vec<(Counted, usize)> {
        let mut pass = Pass::begin(own);
        let mut all = Vec::new();
        while let Some((of, _, report)) = pass.next(own, &format!("report-{}", all.len()), NOW) {
            meanwhile(own);
            own.taken(&of, &report.report_id);
            all.push((of, report.entries.len()));
            assert!(all.len() < 1_000, "it does not end");
        }
        all
    }

    #[test]
    fn decisions_that_never_pause_are_told_by_the_next_pass() {
        let mut own = OwnUsage::default();
        for index in 0..300 {
            count(&mut own, &of("busy"), index, &["a:b"], NOW);
        }
        count(&mut own, &of("quiet"), 1, &["a:b"], NOW);
        for _ in 0..2 {
            let all = told(&mut own, |own| {
                for index in 0..300 {
                    count(own, &of("busy"), index, &["a:b"], NOW);
                    count(own, &of("busy"), 9_999, &[&format!("made:up-{index}")], NOW);
                }
                count(own, &of("quiet"), 1, &["a:b"], NOW);
            });
            // In turn, and quiet does not wait until busy has told all.
            let quiet = all.iter().position(|(of, _)| of.2 == "quiet").unwrap();
            assert!(quiet <= 1 && all.len() <= 4, "{all:?}");
        }
    }

    #[test]
    fn an_audience_takes_a_bounded_number_of_requests_and_everybodys_turn_comes() {
        let mut own = OwnUsage::default();
        let names: Vec<String> = (0..100).map(|n| format!("svc:{n}")).collect();
        let mut seen = Vec::new();
        for _ in 0..7 {
            for name in &names {
                count(&mut own, &of(name), 1, &["a:b"], NOW);
            }
            count(&mut own, &of_tenant(2), 1, &["a:b"], NOW);
            let all = told(&mut own, |_| {});
            assert!(all.iter().any(|(of, _)| of.0 == TenantId(2)));
            assert_eq!(all.iter().filter(|(of, _)| of.0 == TenantId(1)).count(), 16);
            seen.extend(all.into_iter().map(|(of, _)| of));
        }
        assert!(names.iter().all(|name| seen.contains(&of(name))));
    }

    #[test]
    fn a_tenant_that_does_not_answer_is_asked_once_and_comes_last_the_next_time() {
        let mut own = OwnUsage::default();
        for tenant in 1..=3 {
            for audience in 1..=3 {
                let (_, _, name) = of_tenant(tenant);
                count(&mut own, &(TenantId(tenant), audience, name), 1, &["a:b"], NOW);
            }
        }
        let mut pass = Pass::begin(&mut own);
        let mut asked = Vec::new();
        while let Some((of, _, report)) = pass.next(&mut own, "report", NOW) {
            asked.push(of.0.0);
            if of.0 == TenantId(1) {
                pass.failed(of.0);
            } else {
                own.taken(&of, &report.report_id);
            }
        }
        assert_eq!(asked, [1, 2, 2, 2, 3, 3, 3]);
        assert!(!pass.is_whole());
        // What is unanswered was tried last.
        let next: Vec<u8> = told(&mut own, |_| {}).into_iter().map(|(of, _)| of.1).collect();
        assert_eq!(next, [2, 3, 1]);
        assert!(own.is_empty());
    }
}

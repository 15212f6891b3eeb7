//! Keeps the list fresh: ahead of time, beside a refresh that hangs, and with a state that whoever begins can begin with.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::requests::Ended;
use super::{FAILED_FOR_MS, Keeper, RefreshError, failed};
use crate::bindings::exports::wardkey::verify::types::{KeySetInfo, StateName};
use crate::bindings::exports::wardkey::verify::verifier::ListError;
use crate::clock::now_ms;
use crate::error::HostError;
use crate::instance::Instance;
use crate::knowledge::Mark;
use crate::log::say;

impl Keeper {
    pub(super) async fn lists(
        &self,
        mut asked: mpsc::Receiver<()>,
        done: watch::Sender<Ended>,
        outdated: mpsc::Sender<()>,
    ) {
        loop {
            tokio::select! {
                () = sleep(self.until_next()) => {}
                Some(()) = asked.recv() => {
                    // It was asked for while the last one was under way, which has brought it.
                    if self.is_half_fresh() && !self.knowledge.wants_state() {
                        done.send_modify(|ended| ended.count += 1);
                        continue;
                    }
                }
            }
            let refreshed = self.refresh_beside().await;
            let failed_at_ms = refreshed.as_ref().err().map(|_| now_ms());
            match &refreshed {
                Ok(()) if self.of_list.ended() => say("the list is refreshed again"),
                Ok(()) => {}
                Err(error) => failed(&self.of_list, "the list is not refreshed", error),
            }
            if self.is_key_set_outdated() {
                let _already_told = outdated.try_send(());
            }
            done.send_modify(|ended| *ended = Ended { count: ended.count + 1, failed_at_ms });
            if failed_at_ms.is_some() {
                sleep(Duration::from_millis(FAILED_FOR_MS)).await;
                while asked.try_recv().is_ok() {}
            }
        }
    }

    /// Refreshes; beside one that takes long another begins, so that a request that hangs holds up nobody.
    async fn refresh_beside(&self) -> Result<(), RefreshError> {
        let mut first = pin!(self.refresh());
        if let Ok(ended) = timeout(SUPERSEDED_AFTER, &mut first).await {
            return ended;
        }
        let mut second = pin!(self.refresh());
        tokio::select! {
            Ok(()) = &mut first => Ok(()),
            ended = &mut second => ended,
        }
    }

    /// Brings a head into force whose age is at most fresh-for.
    pub(super) async fn refresh(&self) -> Result<(), RefreshError> {
        let KeySetInfo { tenant, fresh_for_ms, .. } = self.judged(Instance::key_set)?;
        let head = self.registry.head(tenant).await?;
        let adopted = self.judged(|judge| judge.apply_list(&head, None, (self.clock)()));
        let needed = match adopted {
            Err(RefreshError::Host(HostError::List(ListError::StateNeeded(name)))) => Some(name),
            Err(error) => return Err(error),
            Ok(()) => None,
        };
        let mut state = None;
        if let Some(name) = needed {
            let bytes = self.registry.state(tenant, &name, self.max_state).await?;
            self.judged(|judge| judge.apply_list(&head, Some(&bytes), (self.clock)()))?;
            state = Some(bytes);
        }
        let list = self.judged(Instance::list)?.ok_or(RefreshError::NotFresh)?;
        let issued_at_ms = list.issued_at_ms;
        // Another refresh may have brought a newer one meanwhile.
        self.tell(&head, state, Mark::from(list))?;
        if self.wants_base(&head) {
            self.bring_base(tenant, head).await?;
        }
        if (self.clock)().saturating_sub(issued_at_ms) <= fresh_for_ms {
            Ok(())
        } else {
            Err(RefreshError::NotFresh)
        }
    }

    /// Tells all threads of a head that is in force here, unless that is an older list than they have heard of.
    pub(super) fn tell(
        &self,
        head: &[u8],
        state: Option<Vec<u8>>,
        mark: Mark,
    ) -> Result<(), RefreshError> {
        let has_state = state.is_some();
        let is_this = mark_of(head) == Some(mark);
        if !is_this || !self.knowledge.tell_list(head.to_vec(), state, mark) {
            return Err(RefreshError::Older);
        }
        if has_state {
            self.base_at.set(Some(Instant::now()));
        }
        Ok(())
    }

    /// Whether an instance has nothing to begin with that leads to this head, or may soon have nothing: heads say the last changes only.
    fn wants_base(&self, head: &[u8]) -> bool {
        let base = self.knowledge.newest().base;
        let is_same = base.is_some_and(|base| base.0.get(STATE_NAME) == head.get(STATE_NAME));
        let is_old = self.base_at.get().is_none_or(|at| at.elapsed() >= BASE_FOR);
        self.knowledge.wants_state() || (is_old && !is_same)
    }

    async fn bring_base(&self, tenant: u16, head: Vec<u8>) -> Result<(), RefreshError> {
        let Some(name) = state_name(&head) else { return Ok(()) };
        let brought = self.registry.state(tenant, &name, self.max_state).await;
        let brought = brought.map_err(RefreshError::from).and_then(|state| {
            // The judge has this head already and looks at no state for it.
            let key_set = self.key_set.borrow().clone().ok_or(RefreshError::NoKeySet)?;
            let mut fresh = self.component.instance(&key_set)?;
            fresh
                .apply_list(&head, Some(&state), (self.clock)())
                .map_err(|_| RefreshError::NoBase)?;
            Ok(state)
        });
        match brought {
            Ok(state) => {
                self.base_at.set(Some(Instant::now()));
                self.knowledge.tell_base(head, state);
                Ok(())
            }
            // Only where an instance waits for it is that a failure; otherwise the next refresh tries again.
            Err(error) if self.knowledge.wants_state() => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Half to four fifths of fresh-for after the head was made, drawn anew each time, so that many hosts do not ask at once.
    fn until_next(&self) -> Duration {
        let Some((issued_at_ms, fresh_for_ms)) = self.in_force() else { return RETRY };
        let due = issued_at_ms + (fresh_for_ms as f64 * (0.5 + 0.3 * fastrand::f64())) as u64;
        Duration::from_millis(
            due.saturating_sub((self.clock)()).clamp(LEAST_PAUSE_MS, MOST_PAUSE_MS),
        )
    }

    fn is_half_fresh(&self) -> bool {
        let in_force = self.in_force();
        in_force.is_some_and(|(issued_at_ms, fresh_for_ms)| {
            (self.clock)().saturating_sub(issued_at_ms) <= fresh_for_ms / 2
        })
    }

    /// When the head in force was made, and how long it is fresh.
    fn in_force(&self) -> Option<(u64, u64)> {
        let list = self.judged(Instance::list).ok()??;
        let key_set = self.judged(Instance::key_set).ok()?;
        Some((list.issued_at_ms, key_set.fresh_for_ms))
    }
}

/// Which list a head is of (FORMAT.md, section 4.2).
pub(super) fn mark_of(head: &[u8]) -> Option<Mark> {
    let number =
        |place: std::ops::Range<usize>| Some(u64::from_be_bytes(head.get(place)?.try_into().ok()?));
    Some(Mark { sequence: number(3..11)?, issued_at_ms: number(43..51)? })
}

/// Where a head says which state it names.
const STATE_NAME: std::ops::Range<usize> = 3..43;

/// Which state belongs to a head that the component has already judged (FORMAT.md, section 4.2).
fn state_name(head: &[u8]) -> Option<StateName> {
    let sequence = head.get(3..11)?.try_into().ok()?;
    let digest = head.get(11..43)?.to_vec();
    Some(StateName { sequence: u64::from_be_bytes(sequence), digest })
}

/// From then on another refresh may begin beside it.
const SUPERSEDED_AFTER: Duration = Duration::from_millis(1_500);
/// How old a base may be while the list changes.
pub(super) const BASE_FOR: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_secs(1);
/// Between two refreshes, whatever the clock does.
const LEAST_PAUSE_MS: u64 = 100;
const MOST_PAUSE_MS: u64 = 5_000;

//! Decides about calls on one thread: verifies, does what is owed, and verifies again.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use crate::answer::Answer;
use crate::bindings::exports::wardkey::verify::types::{Allow, Claims, Reason};
use crate::bindings::exports::wardkey::verify::verifier::Refresh;
use crate::clock::now_ms;
use crate::component::Component;
use crate::decision::{Question, RegistryWord, Required, Verdict};
use crate::error::HostError;
use crate::instance::Instance;
use crate::keeper::Requests;
use crate::knowledge::{Knowledge, Mark};
use crate::log::Seldom;
use crate::registry_answer::{Asked, refused, verdict};
use crate::registry_client::RegistryClient;

/// One thread's verifier. It stays on its thread: what the component holds for a call is its own instance's.
pub(crate) struct Guard {
    component: Component,
    knowledge: Arc<Knowledge>,
    requests: Requests,
    registry: RegistryClient,
    local: RefCell<Local>,
    clock: fn() -> u64,
    unjudged: Seldom,
    unasked: Seldom,
}

/// What one call comes to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It may go on.
    Allow(Allow),
    /// It may not.
    Refuse(Refusal),
}

/// A refusal: what the caller is told, and what the log is told more.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) answer: Answer,
    pub(crate) reason: String,
    /// Whose key it was, once its tag was found right.
    pub(crate) claims: Option<Claims>,
}

/// The thread's instance, and how much of what all threads are told is in it.
#[derive(Default)]
struct Local {
    instance: Option<Instance>,
    edition: u64,
    key_set: usize,
    base: usize,
    /// Whether its list is older than one that was in force before.
    is_behind: bool,
}

impl Guard {
    pub(crate) fn new(
        component: Component,
        knowledge: Arc<Knowledge>,
        requests: Requests,
        registry: RegistryClient,
    ) -> Self {
        Self {
            component,
            knowledge,
            requests,
            registry,
            local: RefCell::default(),
            clock: now_ms,
            unjudged: Seldom::default(),
            unasked: Seldom::default(),
        }
    }

    /// Decides. The text of the key stays here.
    pub(crate) async fn decide(
        &self,
        key: &str,
        required: &Required,
        caller: Option<IpAddr>,
    ) -> Outcome {
        let mut refresh = None;
        let mut is_key_set_tried = false;
        let mut word = RegistryWord::NotAsked;
        let mut is_asked = false;
        loop {
            let tried = if refresh == Some(false) { Refresh::Failed } else { Refresh::NotTried };
            match self.judge(key, required, caller, tried, word) {
                Err(HostError::NoKeySet) => {
                    return Outcome::Refuse(Refusal::of(Answer::no_key_set()));
                }
                // WHY not by the list that it has: what was revoked since would live again.
                Err(HostError::Behind) => {
                    if refresh.is_some() {
                        return Outcome::Refuse(Refusal::of(Answer::list_stale()));
                    }
                    refresh = Some(self.refresh().await);
                    word = RegistryWord::NotAsked;
                }
                Err(error) => {
                    self.unjudged.say(&format!("a call could not be judged: {error}"));
                    return Outcome::Refuse(Refusal::of(Answer::of_failure()));
                }
                Ok(Verdict::Allow(allow)) => return Outcome::Allow(allow),
                Ok(Verdict::Deny(denial)) => {
                    if denial.reason != Reason::NoKeySet || is_key_set_tried {
                        return Outcome::Refuse(Refusal {
                            answer: denial.answer.into(),
                            reason: denial.reason.word().to_owned(),
                            claims: denial.claims,
                        });
                    }
                    is_key_set_tried = true;
                    self.requests.key_set().await;
                    word = RegistryWord::NotAsked;
                }
                Ok(Verdict::AskRefresh) => {
                    // A list that was just brought and is not fresh any more counts as not brought.
                    let helped = refresh.is_none() && self.refresh().await;
                    refresh = Some(helped);
                    word = RegistryWord::NotAsked;
                }
                Ok(Verdict::AskRegistry(question)) => {
                    let asked = if is_asked {
                        Asked::Failed
                    } else {
                        self.ask(question, key, required, caller).await
                    };
                    is_asked = true;
                    word = match asked {
                        Asked::Confirmed(confirmation) => RegistryWord::Answered(confirmation),
                        Asked::Failed => RegistryWord::Failed,
                        Asked::Refused(answer, reason) => {
                            return Outcome::Refuse(Refusal { answer, reason, claims: None });
                        }
                    };
                }
            }
        }
    }

    fn judge(
        &self,
        key: &str,
        required: &Required,
        caller: Option<IpAddr>,
        refresh: Refresh,
        registry: RegistryWord,
    ) -> Result<Verdict, HostError> {
        let now = (self.clock)();
        self.with(|instance| instance.verify(key, required, now, caller, refresh, registry))
    }

    /// Waits for a refresh; answers whether the list is fresh then.
    async fn refresh(&self) -> bool {
        self.requests.list().await;
        let fresh = self.with(|instance| {
            let fresh_for_ms = instance.key_set()?.fresh_for_ms;
            let list = instance.list()?;
            let age = list.map(|list| (self.clock)().saturating_sub(list.issued_at_ms));
            Ok(age.is_some_and(|age| age <= fresh_for_ms))
        });
        fresh.unwrap_or(false)
    }

    async fn ask(
        &self,
        question: Question,
        key: &str,
        required: &Required,
        caller: Option<IpAddr>,
    ) -> Asked {
        let answer = match self.registry.verify(key, required, caller).await {
            Ok(answer) => answer,
            Err(error) => {
                self.unasked
                    .say(&format!("the registry's word on a key could not be had: {error}"));
                return Asked::Failed;
            }
        };
        let verdict = match verdict(&answer) {
            Some(verdict) => verdict,
            None => return refused(&answer),
        };
        let confirmed = self.with(|instance| instance.answered(question, &verdict));
        confirmed.map_or(Asked::Failed, Asked::Confirmed)
    }

    /// Calls the thread's instance, with everything new in it first. One that did not come back is replaced at the next call.
    fn with<T>(
        &self,
        call: impl FnOnce(&mut Instance) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let local = &mut *self.local.borrow_mut();
        let is_new = local.edition != self.knowledge.edition();
        if local.instance.is_none() || local.is_behind || is_new {
            self.catch_up(local)?;
        }
        let instance = local.instance.as_mut().ok_or(HostError::NoKeySet)?;
        let answer = call(instance);
        if instance.is_spent() {
            *local = Local::default();
        }
        answer
    }

    fn catch_up(&self, local: &mut Local) -> Result<(), HostError> {
        let known = self.knowledge.newest();
        let key_set = known.key_set.ok_or(HostError::NoKeySet)?;
        let of_key_set = Arc::as_ptr(&key_set).addr();
        let instance = match &mut local.instance {
            Some(instance) => {
                if local.key_set != of_key_set
                    && let Err(error) = instance.renew(&key_set)
                {
                    // WHY: one that did not come back would be asked at every call from now on.
                    if instance.is_spent() {
                        *local = Local::default();
                    }
                    return Err(error);
                }
                instance
            }
            none => {
                (local.edition, local.base) = (0, 0);
                none.insert(self.component.instance(&key_set)?)
            }
        };
        local.key_set = of_key_set;
        // INVARIANT: the component never steps back, so that a list which it refuses changes nothing.
        let now = (self.clock)();
        if let Some(base) = known.base {
            let of_base = Arc::as_ptr(&base).addr();
            if local.base != of_base || local.is_behind {
                let _refused = instance.apply_list(&base.0, Some(&base.1), now);
                local.base = of_base;
            }
        }
        if let Some(head) = known.head
            && let Err(HostError::List(error)) = instance.apply_list(&head, None, now)
            && error.is_state_needed()
        {
            self.knowledge.want_state();
            self.requests.list_soon();
        }
        let list = instance.list();
        local.edition = known.edition;
        if instance.is_spent() {
            *local = Local::default();
            return Err(HostError::Spent);
        }
        local.is_behind = list?.map(Mark::from) < known.newest_list;
        if local.is_behind { Err(HostError::Behind) } else { Ok(()) }
    }
}

impl Refusal {
    pub(crate) fn of(answer: Answer) -> Self {
        Self { reason: answer.code.clone(), answer, claims: None }
    }
}

#[cfg(test)]
mod tests;

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
mod tests {
    use serde_json::Value;
    use wardkey_vectors::artefact;
    use zeroize::Zeroizing;

    use super::*;
    use crate::keeper::requests;
    use crate::limits::Limits;

    /// A guard with the usual key set, and nobody who fetches anything.
    fn alone(usual: &Value) -> Guard {
        let bytes = artefact("wardkey.verifying.component.wasm", "component");
        let component = Component::compile(&bytes, Limits::DEFAULT).unwrap();
        let knowledge = Arc::new(Knowledge::default());
        let key_set = wardkey_vectors::bytes(&usual["key_set"]);
        knowledge.tell_key_set(Arc::new(Zeroizing::new(key_set)));
        let registry = RegistryClient::new("http://127.0.0.1:1", "wkadmin", None).unwrap();
        Guard::new(component, knowledge, requests().0, registry)
    }

    fn told(outcome: Outcome) -> (u16, String) {
        match outcome {
            Outcome::Refuse(refusal) => (refusal.answer.status, refusal.answer.code),
            Outcome::Allow(allow) => panic!("{allow:?}"),
        }
    }

    #[tokio::test]
    async fn a_call_that_does_not_come_back_is_a_503_and_the_next_one_has_a_fresh_instance() {
        let usual = wardkey_vectors::usual();
        let guard = alone(&usual);
        let required = Required {
            scopes: wardkey_vectors::texts_of(&usual["required"]["scopes"]),
            any: false,
            strict: false,
        };
        let key = wardkey_vectors::text_of(&usual["key"]);
        // Without a list: its real answer, which depends on when the test runs.
        let good = told(guard.decide(key, &required, None).await);
        assert!(good.0 == 503 || good.0 == 401, "{good:?}");
        assert_ne!(good.1, "verifier_failed");
        for _ in 0..3 {
            if let Some(instance) = &mut guard.local.borrow_mut().instance {
                instance.set_limits(Limits { call: 1_000, byte: 0, ..Limits::DEFAULT });
            }
            let cut = told(guard.decide(key, &required, None).await);
            assert_eq!(cut, (503, "verifier_failed".to_owned()));
            assert!(guard.local.borrow().instance.is_none());
            assert_eq!(told(guard.decide(key, &required, None).await), good);
            let malformed = told(guard.decide("nonsense", &required, None).await);
            assert_eq!(malformed, (401, "invalid_token".to_owned()));
        }
    }

    #[tokio::test]
    async fn an_instance_that_a_newer_key_set_spends_is_replaced() {
        let usual = wardkey_vectors::usual();
        let guard = alone(&usual);
        let scopes = wardkey_vectors::texts_of(&usual["required"]["scopes"]);
        let required = Required { scopes, any: false, strict: false };
        let key = wardkey_vectors::text_of(&usual["key"]);
        let good = told(guard.decide(key, &required, None).await);
        assert_ne!(good.1, "verifier_failed");
        let mut newer = wardkey_vectors::bytes(&usual["key_set"]);
        newer[KEY_SET_VERSION] += 1;
        if let Some(instance) = &mut guard.local.borrow_mut().instance {
            instance.set_limits(Limits { call: 1_000, byte: 0, ..Limits::DEFAULT });
        }
        guard.knowledge.tell_key_set(Arc::new(Zeroizing::new(newer)));
        let cut = told(guard.decide(key, &required, None).await);
        assert_eq!(cut, (503, "verifier_failed".to_owned()));
        assert_eq!(told(guard.decide(key, &required, None).await), good);
    }

    fn mark(head: &[u8]) -> Mark {
        let sequence = u64::from_be_bytes(head[3..11].try_into().unwrap());
        Mark { sequence, issued_at_ms: wardkey_vectors::issued_at(head) }
    }

    #[tokio::test]
    async fn a_new_instance_never_goes_by_an_older_list_than_the_one_before() {
        let all = wardkey_vectors::cases("adopt");
        let case = &all.iter().find(|each| each.name == "a newer head and its state").unwrap().case;
        let list =
            |stated: &Value| ["head", "state"].map(|name| wardkey_vectors::bytes(&stated[name]));
        let ([head, state], [head2, state2]) = (list(&case["in_force"]), list(&case["heads"][0]));
        let mut guard = alone(case);
        guard.clock = || 1_800_000_000_001;
        let required =
            Required { scopes: vec!["invoice:list".to_owned()], any: false, strict: false };
        let usual = wardkey_vectors::usual();
        let key = wardkey_vectors::text_of(&usual["key"]);
        let decide = async |guard: &Guard| match guard.decide(key, &required, None).await {
            Outcome::Allow(_) => "allow".to_owned(),
            Outcome::Refuse(refusal) => refusal.answer.code,
        };
        let spend = |guard: &Guard| {
            let _cut = guard.with(|instance| {
                instance.set_limits(Limits { call: 1_000, byte: 0, ..Limits::DEFAULT });
                instance.verify(key, &required, 0, None, Refresh::NotTried, RegistryWord::NotAsked)
            });
            assert!(guard.local.borrow().instance.is_none());
        };
        let in_force = |guard: &Guard| guard.with(Instance::list).unwrap().map(Mark::from);
        assert!(guard.knowledge.tell_list(head.clone(), None, mark(&head)));
        guard.knowledge.tell_base(head.clone(), state);
        let by_list = decide(&guard).await;
        assert_ne!(by_list, "list_stale");
        spend(&guard);
        assert_eq!(decide(&guard).await, by_list, "the same list serves the next instance");
        spend(&guard);
        // A newer list, which what a new instance begins with does not lead to.
        assert!(guard.knowledge.tell_list(head2.clone(), None, mark(&head2)));
        for _ in 0..2 {
            assert_eq!(decide(&guard).await, "list_stale");
            assert!(guard.knowledge.wants_state());
        }
        assert!(!guard.knowledge.tell_list(head.clone(), None, mark(&head)), "nobody steps back");
        guard.knowledge.tell_base(head2.clone(), state2);
        assert_ne!(decide(&guard).await, "list_stale");
        assert_eq!(in_force(&guard), Some(mark(&head2)));
        println!("{by_list} by its list");
    }

    #[tokio::test]
    async fn an_unknown_scope_of_a_rule_allows_nothing() {
        let usual = wardkey_vectors::usual();
        let guard = alone(&usual);
        let required =
            Required { scopes: vec!["invoice:burn".to_owned()], any: false, strict: false };
        let key = wardkey_vectors::text_of(&usual["key"]);
        let refusal = told(guard.decide(key, &required, None).await);
        assert_eq!(refusal, (503, "verifier_failed".to_owned()));
    }

    /// The last byte of it (FORMAT.md, section 3).
    const KEY_SET_VERSION: usize = 7;
}

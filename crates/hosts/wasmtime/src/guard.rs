//! Decides about calls on one thread: verifies, does what is owed, and verifies again.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::Value;

use crate::answer::Answer;
use crate::bindings::exports::wardkey::verify::types::{Allow, Claims, Reason};
use crate::bindings::exports::wardkey::verify::verifier::{Alive, Refresh, RegistryVerdict};
use crate::clock::now_ms;
use crate::component::Component;
use crate::decision::{Confirmation, Question, RegistryWord, Required, Verdict};
use crate::error::HostError;
use crate::instance::Instance;
use crate::keeper::Requests;
use crate::knowledge::Knowledge;
use crate::log::say;
use crate::registry_client::RegistryClient;

/// One thread's verifier. It stays on its thread: what the component holds for a call is its own instance's.
pub(crate) struct Guard {
    component: Component,
    knowledge: Arc<Knowledge>,
    requests: Requests,
    registry: RegistryClient,
    local: RefCell<Local>,
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
}

/// What the registry said about a question.
enum Asked {
    Confirmed(Confirmation),
    /// It did not answer, or not about this key.
    Failed,
    /// It refuses for a reason that the component has no word for.
    Refused(Answer, String),
}

impl Guard {
    pub(crate) fn new(
        component: Component,
        knowledge: Arc<Knowledge>,
        requests: Requests,
        registry: RegistryClient,
    ) -> Self {
        Self { component, knowledge, requests, registry, local: RefCell::default() }
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
                Err(error) => {
                    say(&format!("a call could not be judged: {error}"));
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
        self.with(|instance| instance.verify(key, required, now_ms(), caller, refresh, registry))
    }

    /// Waits for a refresh; answers whether the list is fresh then.
    async fn refresh(&self) -> bool {
        self.requests.list().await;
        let fresh = self.with(|instance| {
            let fresh_for_ms = instance.key_set()?.fresh_for_ms;
            let list = instance.list()?;
            Ok(list.is_some_and(|list| now_ms().saturating_sub(list.issued_at_ms) <= fresh_for_ms))
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
                say(&format!("the registry's word on a key could not be had: {error}"));
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
        if local.instance.is_none() || local.edition != self.knowledge.edition() {
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
                if local.key_set != of_key_set {
                    instance.renew(&key_set)?;
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
        if let Some(base) = known.base {
            let of_base = Arc::as_ptr(&base).addr();
            if local.base != of_base {
                let _refused = instance.apply_list(&base.0, Some(&base.1), now_ms());
                local.base = of_base;
            }
        }
        if let Some(head) = known.head
            && let Err(HostError::List(error)) = instance.apply_list(&head, None, now_ms())
            && error.is_state_needed()
        {
            self.knowledge.want_state();
            self.requests.list_soon();
        }
        local.edition = known.edition;
        if instance.is_spent() {
            *local = Local::default();
            return Err(HostError::Spent);
        }
        Ok(())
    }
}

impl Refusal {
    pub(crate) fn of(answer: Answer) -> Self {
        Self { reason: answer.code.clone(), answer, claims: None }
    }
}

/// The registry's answer as the component takes it.
fn verdict(answer: &Value) -> Option<RegistryVerdict> {
    match (answer["decision"].as_str()?, answer["reason"].as_str()) {
        ("allow", _) => alive(answer).map(RegistryVerdict::Alive),
        ("deny", Some("revoked")) => Some(RegistryVerdict::Revoked),
        ("deny", Some("suspended")) => Some(RegistryVerdict::Suspended),
        ("deny", Some("retired")) => Some(RegistryVerdict::Retired),
        ("deny", Some("expired")) => Some(RegistryVerdict::Expired),
        // A key that it never issued.
        ("deny", Some("invalid_token")) => Some(RegistryVerdict::NeverIssued),
        _ => None,
    }
}

/// A key that is alive, as the registry itself says: by its row, and every field from its answer.
fn alive(answer: &Value) -> Option<Alive> {
    let number = |name: &str| answer[name].as_u64();
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let list = &answer["list"];
    (answer["status"] == 200 && list["zone"] == "registry").then_some(())?;
    Some(Alive {
        tenant: number("tenant")?.try_into().ok()?,
        audience: number("audience")?.try_into().ok()?,
        key_id: text("key_id")?,
        status_index: number("status_index")?.try_into().ok()?,
        subject: text("subject")?,
        expires_at_s: number("expires_at")?.try_into().ok()?,
        narrowed: answer["narrowed"].as_bool()?,
        sequence: list["sequence"].as_u64()?,
    })
}

/// What else the registry refuses for is passed on; what is no refusal of the caller's is no answer.
fn refused(answer: &Value) -> Asked {
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    match (answer["decision"].as_str(), answer["reason"].as_str(), status) {
        (Some("deny"), Some(reason), Some(status @ 400..500)) => {
            Asked::Refused(Answer::of_registry(status, reason), reason.to_owned())
        }
        _ => Asked::Failed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
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
    async fn an_unknown_scope_of_a_rule_allows_nothing() {
        let usual = wardkey_vectors::usual();
        let guard = alone(&usual);
        let required =
            Required { scopes: vec!["invoice:burn".to_owned()], any: false, strict: false };
        let key = wardkey_vectors::text_of(&usual["key"]);
        let refusal = told(guard.decide(key, &required, None).await);
        assert_eq!(refusal, (503, "verifier_failed".to_owned()));
    }

    #[test]
    fn only_a_whole_allow_is_one() {
        let allow = json!({
            "decision": "allow", "status": 200, "tenant": 1, "audience": 2, "key_id": "key_0", "status_index": 3, "subject": "svc:billing",
            "expires_at": 4, "narrowed": false, "list": { "sequence": 9, "zone": "registry" },
        });
        assert!(matches!(verdict(&allow), Some(RegistryVerdict::Alive(_))));
        for field in allow.as_object().unwrap().keys() {
            let mut less = allow.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(verdict(&less).is_none(), "{field}");
            assert!(matches!(refused(&less), Asked::Failed), "{field}");
        }
        for (place, other) in [
            ("/tenant", json!(70_000)),
            ("/status", json!(401)),
            ("/status_index", json!(1_u64 << 32)),
            ("/narrowed", json!(0)),
            ("/list/zone", json!("fresh")),
            ("/list/sequence", Value::Null),
        ] {
            let mut odd = allow.clone();
            *odd.pointer_mut(place).unwrap() = other;
            assert!(verdict(&odd).is_none(), "{place}");
        }
    }

    #[test]
    fn a_refusal_of_the_callers_is_passed_on_and_nothing_else() {
        let denied = json!({ "decision": "deny", "reason": "scope_missing", "status": 403 });
        assert!(matches!(refused(&denied), Asked::Refused(answer, _) if answer.status == 403));
        for other in [
            json!({ "decision": "deny", "reason": "list_stale", "status": 503 }),
            json!({ "decision": "deny", "reason": "odd", "status": 200 }),
            json!({ "decision": "perhaps", "reason": "odd", "status": 403 }),
            json!([]),
        ] {
            assert!(matches!(refused(&other), Asked::Failed), "{other}");
        }
    }
}

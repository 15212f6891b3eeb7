//! What a thread's guard does about instances that do not come back, key sets that change and lists that step back.

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
    let list = |stated: &Value| ["head", "state"].map(|name| wardkey_vectors::bytes(&stated[name]));
    let ([head, state], [head2, state2]) = (list(&case["in_force"]), list(&case["heads"][0]));
    let mut guard = alone(case);
    guard.clock = || 1_800_000_000_001;
    let required = Required { scopes: vec!["invoice:list".to_owned()], any: false, strict: false };
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
    let required = Required { scopes: vec!["invoice:burn".to_owned()], any: false, strict: false };
    let key = wardkey_vectors::text_of(&usual["key"]);
    let refusal = told(guard.decide(key, &required, None).await);
    assert_eq!(refusal, (503, "verifier_failed".to_owned()));
}

/// The last byte of it (FORMAT.md, section 3).
const KEY_SET_VERSION: usize = 7;

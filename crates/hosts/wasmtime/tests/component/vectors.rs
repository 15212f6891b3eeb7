//! Every vector, through the component in wasmtime. What a host of one verifier an instance cannot ask is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};
use wardkey_vectors::{Case, bytes, cases, issued_at, text_of};
use wardkey_wasmtime::{
    Alive, Claims, Confirmation, Denial, HostError, Instance, KeySetError, ListError, Refresh,
    RegistryVerdict, RegistryWord, RequirementError, Verdict, Zone,
};

use crate::holding::said_of;
use crate::ready::{Usual, component, required};

#[test]
fn every_key_is_decided_as_its_vector_says() {
    let all = cases("verify");
    let http = http();
    let (mut asked, mut reasons) = (0, BTreeSet::new());
    for Case { name, expect, case } in all.iter().filter(|each| is_askable(each)) {
        asked += 1;
        let mut instance = component().instance(&bytes(&case["key_set"])).unwrap();
        let key = text_of(&case["key"]);
        let needed = required(&case["required"]);
        if let Value::String(_) = &expect["error"] {
            let error = verify(&mut instance, case, RegistryWord::NotAsked).unwrap_err();
            let wanted = if needed.scopes.is_empty() {
                RequirementError::Empty
            } else {
                RequirementError::UnknownScope
            };
            assert!(
                matches!(error, HostError::Requirement(error) if error == wanted),
                "{name}: {error}"
            );
            continue;
        }
        let word = match &case["registry"] {
            Value::Object(_) => RegistryWord::Answered(confirmation(
                &mut instance,
                &case["registry"],
                key,
                &case["required"],
            )),
            word if *word == "failed" => RegistryWord::Failed,
            _ => RegistryWord::NotAsked,
        };
        if case["list"].is_object() {
            let (head, state) = (bytes(&case["list"]["head"]), bytes(&case["list"]["state"]));
            instance.apply_list(&head, Some(&state), issued_at(&head)).unwrap();
        }
        let verdict = verify(&mut instance, case, word).unwrap();
        assert_eq!(told(&verdict), *expect, "{name}");
        if let Verdict::Deny(Denial { answer, reason, .. }) = verdict {
            let said = json!({ "status": answer.status, "code": answer.code, "retry_after": answer.retry_after_s.is_some() });
            assert_eq!(said, http[reason.word()], "{name}");
            reasons.insert(reason.word());
        }
    }
    println!(
        "{asked} of {} cases of verify.json, {} reasons of http.json",
        all.len(),
        reasons.len()
    );
    // The others: a list of another key set's (16), a requirement of another verifier's (27).
    assert_eq!((all.len(), all.len() - asked), (829, 43));
    // A requirement of another audience's cannot be asked.
    assert_eq!(http.len() - reasons.len(), 2, "{reasons:?}");
}

#[test]
fn every_head_is_judged_as_its_vector_says() {
    let all = cases("adopt");
    let mut judged = 0;
    for Case { name, expect, case } in &all {
        let in_force = &case["in_force"];
        if in_force["key_set"].is_string() {
            continue;
        }
        let mut instance = component().instance(&bytes(&case["key_set"])).unwrap();
        if in_force.is_object() {
            let (head, state) = (bytes(&in_force["head"]), bytes(&in_force["state"]));
            instance.apply_list(&head, Some(&state), issued_at(&head)).unwrap();
        }
        let heads = case["heads"].as_array().unwrap();
        for (each, stated) in heads.iter().zip(expect["outcomes"].as_array().unwrap()) {
            let state = each["state"].as_str().map(|_| bytes(&each["state"]));
            let now = each["now"].as_u64().unwrap();
            let applied = instance.apply_list(&bytes(&each["head"]), state.as_deref(), now);
            let found = list_word(&applied);
            let wanted = match text_of(stated) {
                "adopted" | "in_force" => "ok",
                "other_audience" | "head:tenant" | "head:audience" => "foreign",
                "head:tag" => "forged",
                word if word.starts_with("head:") => "malformed",
                word => word,
            };
            // A state that cannot be read is said to be such a one, and counts as none.
            assert!(
                found == wanted || (found == "malformed_state" && wanted == "state_needed"),
                "{name}: {found}, not {wanted}"
            );
        }
        let sequence = instance.list().unwrap().map(|list| list.sequence);
        assert_eq!(sequence, expect["sequence"].as_u64(), "{name}");
        judged += 1;
    }
    println!("{judged} of {} cases of adopt.json", all.len());
    // The others: a list in force of another key set's.
    assert_eq!((all.len(), all.len() - judged), (203, 7));
}

#[test]
fn every_head_is_read_as_its_vector_says() {
    let all = cases("head");
    for Case { name, expect, case } in &all {
        let mut instance = component().instance(&bytes(&case["key_set"])).unwrap();
        let head = bytes(&case["bytes"]);
        let now = expect["ok"]["issued_at"].as_u64().unwrap_or(1_800_000_000_000);
        let found = list_word(&instance.apply_list(&head, None, now));
        let wanted = match expect["error"].as_str() {
            None => "state_needed",
            Some("tenant" | "audience") => "foreign",
            Some("tag") => "forged",
            Some(_) => "malformed",
        };
        assert_eq!(found, wanted, "{name}");
    }
    println!("{0} of {0} cases of head.json", all.len());
    assert_eq!(all.len(), 291);
}

#[test]
fn every_key_set_is_read_as_its_vector_says() {
    let all = cases("key_set");
    for Case { name, expect, case } in &all {
        match component().instance(&bytes(&case["bytes"])) {
            Ok(mut instance) => {
                let info = instance.key_set().unwrap();
                let found = json!([info.tenant, info.audience, info.version, info.fresh_for_ms]);
                let ok = &expect["ok"];
                assert_eq!(
                    found,
                    json!([ok["tenant"], ok["audience"], ok["version"], ok["fresh_for"]]),
                    "{name}"
                );
            }
            Err(HostError::KeySet(KeySetError::Malformed | KeySetError::Administration)) => {
                assert_eq!(expect["error"], "malformed", "{name}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
    println!("{0} of {0} cases of key_set.json", all.len());
    assert_eq!(all.len(), 156);
}

#[test]
fn every_text_is_read_as_its_vector_says() {
    let usual = Usual::new();
    let mut instance = usual.instance();
    let all = cases("key");
    for Case { name, expect, case } in &all {
        let verdict = usual.verify(&mut instance, text_of(&case["key"]), usual.now).unwrap();
        let read = match &verdict {
            Verdict::Deny(denial)
                if matches!(denial.reason.word(), "malformed" | "bad_checksum") =>
            {
                Some(denial.reason.word())
            }
            _ => None,
        };
        assert_eq!(read, expect["deny"].as_str(), "{name}");
    }
    println!(
        "{0} of {0} cases of key.json; state.json and mint_narrow.json's mintings have no function here",
        all.len()
    );
    assert_eq!(all.len(), 604);
}

/// A host with one verifier an instance has lists and requirements of its own making only.
fn is_askable(Case { case, .. }: &Case) -> bool {
    let own = |required: &Value| {
        ["audience", "version", "of_key_set"].iter().all(|field| required[field].is_null())
    };
    own(&case["required"])
        && own(&case["registry"]["required"])
        && case["list"]["key_set"].is_null()
}

fn verify(instance: &mut Instance, case: &Value, word: RegistryWord) -> Result<Verdict, HostError> {
    let caller = case["caller"].as_str().and_then(|text| text.parse::<IpAddr>().ok());
    let refresh = if case["refresh"] == "failed" { Refresh::Failed } else { Refresh::NotTried };
    let now = case["now"].as_u64().unwrap();
    instance.verify(text_of(&case["key"]), &required(&case["required"]), now, caller, refresh, word)
}

/// Asks the registry about a key as a verification does, and takes the answer.
fn confirmation(
    instance: &mut Instance,
    registry: &Value,
    key: &str,
    needed: &Value,
) -> Confirmation {
    let about = registry["key"].as_str().unwrap_or(key);
    let needed = if registry["required"].is_object() { &registry["required"] } else { needed };
    let at = registry["asked_at"].as_u64().unwrap();
    let verdict = instance.verify(
        about,
        &required(needed),
        at,
        None,
        Refresh::NotTried,
        RegistryWord::NotAsked,
    );
    let Ok(Verdict::AskRegistry(question)) = verdict else { panic!("{verdict:?}") };
    let claims = instance.claims(&question).unwrap();
    let verdict = match text_of(&registry["verdict"]) {
        "alive" => RegistryVerdict::Alive(alive(claims, about, registry["sequence"].as_u64())),
        "revoked" => RegistryVerdict::Revoked,
        "suspended" => RegistryVerdict::Suspended,
        "retired" => RegistryVerdict::Retired,
        "expired" => RegistryVerdict::Expired,
        "never_issued" => RegistryVerdict::NeverIssued,
        "tenant_gone" => RegistryVerdict::TenantGone,
        other => panic!("{other}"),
    };
    instance.answered(question, &verdict).unwrap()
}

/// What the registry says of a key that is alive.
fn alive(claims: Claims, key: &str, sequence: Option<u64>) -> Alive {
    let (expires_at_s, narrowed) = said_of(key);
    Alive {
        tenant: claims.tenant,
        audience: claims.audience,
        key_id: claims.key_id,
        status_index: claims.status_index,
        subject: claims.subject,
        expires_at_s,
        narrowed,
        sequence: sequence.unwrap_or(0),
    }
}

/// A verdict in the vectors' words.
fn told(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::AskRefresh => json!({ "ask": "refresh" }),
        Verdict::AskRegistry(_) => json!({ "ask": "registry" }),
        Verdict::Deny(denial) => json!({ "deny": denial.reason.word() }),
        Verdict::Allow(allow) => json!({ "allow": {
            "subject": allow.subject, "key_id": allow.key_id, "status_index": allow.status_index,
            "signing_key": [allow.tenant, allow.audience, allow.epoch], "scopes": allow.scopes,
            "expires_at": allow.expires_at_s, "sequence": allow.sequence, "age_ms": allow.age_ms,
            "zone": match allow.zone {
                Zone::Fresh => "fresh",
                Zone::MustAsk => "must_ask",
                Zone::Stale => "stale",
                Zone::Registry => "registry",
            },
        } }),
    }
}

fn list_word(applied: &Result<(), HostError>) -> &'static str {
    match applied {
        Ok(()) => "ok",
        Err(HostError::List(error)) => match error {
            ListError::MalformedHead => "malformed",
            ListError::ForeignHead => "foreign",
            ListError::ForgedHead => "forged",
            ListError::ClockBehind => "clock_behind",
            ListError::Older => "older",
            ListError::StateNeeded(_) => "state_needed",
            ListError::MalformedState => "malformed_state",
            ListError::WrongState => "other_state",
            ListError::NoMemory => "no_memory",
        },
        Err(error) => panic!("{error}"),
    }
}

fn http() -> BTreeMap<String, Value> {
    let all = cases("http");
    all.into_iter()
        .map(|each| (text_of(&each.case["reason"]).to_owned(), each.expect["ok"].clone()))
        .collect()
}

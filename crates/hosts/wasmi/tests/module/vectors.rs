//! Every vector, through the module in wasmi, without SIMD and with it. What the ABI cannot be asked is counted.

use std::net::IpAddr;

use serde_json::{Value, json};
use wardkey_vectors::{Case, bytes, cases, issued_at, text_of, texts_of};
use wardkey_wasmi::{
    Adoption, HostError, Registry, RegistryVerdict, Requirement, Verdict, Verifier,
};

use crate::ready::{Usual, modules};

#[test]
fn every_key_is_decided_as_its_vector_says() {
    let all = cases("verify");
    for module in modules() {
        let mut asked = 0;
        for Case { name, expect, case } in all.iter().filter(|each| is_askable(each)) {
            asked += 1;
            let mut verifier = module.verifier(&bytes(&case["key_set"])).unwrap();
            let key = text_of(&case["key"]);
            if expect["error"].is_string() {
                let refused = require(&mut verifier, &case["required"]);
                assert!(matches!(refused, Err(HostError::Requirement(_))), "{name}: {refused:?}");
                continue;
            }
            let registry = match &case["registry"] {
                Value::Object(_) => Registry::Answered(answered(
                    &mut verifier,
                    &case["registry"],
                    key,
                    &case["required"],
                )),
                word if *word == "failed" => Registry::Failed,
                _ => Registry::NotAsked,
            };
            if case["list"].is_object() {
                let (head, state) = (bytes(&case["list"]["head"]), bytes(&case["list"]["state"]));
                let adopted = verifier.adopt(&head, Some(&state), issued_at(&head) as f64).unwrap();
                assert_eq!(adopted, Adoption::Adopted, "{name}");
            }
            let required = require(&mut verifier, &case["required"]).unwrap();
            let caller = case["caller"].as_str().and_then(|text| text.parse::<IpAddr>().ok());
            let now = case["now"].as_f64().unwrap();
            let verdict = verifier
                .verify(key, required, now, caller, case["refresh"] == "failed", registry)
                .unwrap();
            assert_eq!(told(&mut verifier, verdict), in_doubles(expect), "{name}");
        }
        println!("{asked} of {} cases of verify.json", all.len());
        // The others: a list of another key set's, a requirement of another verifier's, times that are no f64.
        assert_eq!((all.len(), all.len() - asked), (829, 53));
    }
}

#[test]
fn every_head_is_judged_as_its_vector_says() {
    let all = cases("adopt");
    for module in modules() {
        let (mut judged, mut unreadable) = (0, 0);
        for Case { name, expect, case } in &all {
            let in_force = &case["in_force"];
            let heads = case["heads"].as_array().unwrap();
            if in_force["key_set"].is_string() || !heads.iter().all(|head| is_exact(&head["now"])) {
                continue;
            }
            let mut verifier = module.verifier(&bytes(&case["key_set"])).unwrap();
            if in_force.is_object() {
                let (head, state) = (bytes(&in_force["head"]), bytes(&in_force["state"]));
                if !is_exact(&json!(issued_at(&head))) {
                    continue;
                }
                let adopted = verifier.adopt(&head, Some(&state), issued_at(&head) as f64).unwrap();
                assert_eq!(adopted, Adoption::Adopted, "{name}");
            }
            for (each, stated) in heads.iter().zip(expect["outcomes"].as_array().unwrap()) {
                let state = each["state"].as_str().map(|_| bytes(&each["state"]));
                let now = each["now"].as_f64().unwrap();
                let found = verifier.adopt(&bytes(&each["head"]), state.as_deref(), now).unwrap();
                let wanted = match text_of(stated) {
                    "adopted" => Adoption::Adopted,
                    "in_force" => Adoption::InForce,
                    "state_needed" => Adoption::StateNeeded,
                    "clock_behind" => Adoption::ClockBehind,
                    "older" => Adoption::Older,
                    "other_state" => Adoption::OtherState,
                    "other_audience" => Adoption::OtherAudience,
                    "head:tenant" | "head:audience" => Adoption::Foreign,
                    "head:tag" => Adoption::Forged,
                    _ => Adoption::Malformed,
                };
                // A state that cannot be read is said to be such a one, and counts as none.
                let is_unreadable =
                    (found, wanted) == (Adoption::UnreadableState, Adoption::StateNeeded);
                assert!(found == wanted || is_unreadable, "{name}: {found:?}, not {wanted:?}");
                unreadable += usize::from(is_unreadable);
            }
            assert_eq!(verifier.figure(4).unwrap(), expect["sequence"].as_f64(), "{name}");
            judged += 1;
        }
        println!(
            "{judged} of {} cases of adopt.json, {unreadable} states that cannot be read",
            all.len()
        );
        assert_eq!((all.len(), all.len() - judged), (203, 12));
    }
}

#[test]
fn every_text_key_set_and_head_is_read_as_its_vector_says() {
    let module = &modules()[0];
    let (usual, mut read) = (Usual::new(), 0);
    let mut ready = usual.verifier();
    for Case { name, expect, case } in cases("key") {
        let verdict = usual.verify(&mut ready, text_of(&case["key"]), usual.now).unwrap();
        let unread = match verdict {
            Verdict::Deny(reason @ ("malformed" | "bad_checksum")) => Some(reason),
            _ => None,
        };
        assert_eq!(unread, expect["deny"].as_str(), "{name}");
        read += 1;
    }
    for Case { name, expect, case } in cases("key_set") {
        match module.verifier(&bytes(&case["bytes"])) {
            Ok(mut verifier) => {
                let figures = [0, 1, 2, 3].map(|which| verifier.figure(which).unwrap());
                let stated = ["tenant", "audience", "version", "fresh_for"]
                    .map(|field| expect["ok"][field].as_f64());
                assert_eq!(figures, stated, "{name}");
            }
            Err(error) => {
                assert!(matches!(error, HostError::KeySet(_)), "{name}: {error}");
                assert_eq!(expect["error"], "malformed", "{name}");
            }
        }
        read += 1;
    }
    for Case { name, expect, case } in cases("head") {
        let mut verifier = module.verifier(&bytes(&case["key_set"])).unwrap();
        let now = expect["ok"]["issued_at"].as_f64().unwrap_or(1_800_000_000_000.0);
        let found = verifier.adopt(&bytes(&case["bytes"]), None, now).unwrap();
        let wanted = match expect["error"].as_str() {
            None => Adoption::StateNeeded,
            Some("tenant" | "audience") => Adoption::Foreign,
            Some("tag") => Adoption::Forged,
            Some(_) => Adoption::Malformed,
        };
        assert_eq!(found, wanted, "{name}");
        read += 1;
    }
    println!(
        "{read} cases of key.json, key_set.json and head.json; state, mint_narrow, scan and http have no function here"
    );
    assert_eq!(read, 604 + 156 + 291);
}

/// A verifier of this ABI has lists and requirements of its own making only, and times that are exact as f64.
fn is_askable(Case { case, .. }: &Case) -> bool {
    let own = |required: &Value| {
        ["audience", "version", "of_key_set"].iter().all(|field| required[field].is_null())
    };
    let head = case["list"]["head"].as_str().map(|_| issued_at(&bytes(&case["list"]["head"])));
    let (asked_at, sequence) = (&case["registry"]["asked_at"], &case["registry"]["sequence"]);
    own(&case["required"])
        && own(&case["registry"]["required"])
        && case["list"]["key_set"].is_null()
        && [&case["now"], asked_at, sequence, &json!(head)].into_iter().all(is_exact)
}

fn is_exact(number: &Value) -> bool {
    number.as_u64().is_none_or(|number| number <= 1 << 53)
}

/// Asks the registry about a key as a verification does, and takes the answer.
fn answered(verifier: &mut Verifier, registry: &Value, key: &str, needed: &Value) -> u32 {
    let about = registry["key"].as_str().unwrap_or(key);
    let needed = if registry["required"].is_object() { &registry["required"] } else { needed };
    let required = require(verifier, needed).unwrap();
    let at = registry["asked_at"].as_f64().unwrap();
    let verdict = verifier.verify(about, required, at, None, false, Registry::NotAsked).unwrap();
    let Verdict::AskRegistry(question) = verdict else { panic!("{verdict:?}") };
    let base = verifier.claims().unwrap().unwrap().base;
    let verdict = match text_of(&registry["verdict"]) {
        "alive" => RegistryVerdict::Alive(registry["sequence"].as_f64().unwrap_or(0.0)),
        "revoked" => RegistryVerdict::Revoked,
        "suspended" => RegistryVerdict::Suspended,
        "retired" => RegistryVerdict::Retired,
        "expired" => RegistryVerdict::Expired,
        "never_issued" => RegistryVerdict::NeverIssued,
        "tenant_gone" => RegistryVerdict::TenantGone,
        other => panic!("{other}"),
    };
    verifier.answer(question, &base, verdict).unwrap();
    question
}

/// A verdict in the vectors' words.
fn told(verifier: &mut Verifier, verdict: Verdict) -> Value {
    match verdict {
        Verdict::AskRefresh => json!({ "ask": "refresh" }),
        Verdict::AskRegistry(_) => json!({ "ask": "registry" }),
        Verdict::Deny(reason) => json!({ "deny": reason }),
        Verdict::Allow => {
            let claims = verifier.claims().unwrap().unwrap();
            let (tenant, audience, epoch) = claims.signing_key;
            json!({ "allow": {
                "subject": claims.subject, "key_id": claims.key_id, "status_index": claims.status_index,
                "signing_key": [tenant, audience, epoch], "scopes": claims.scopes,
                "expires_at": claims.expires_at_s, "sequence": claims.sequence, "age_ms": claims.age_ms,
                "zone": claims.zone,
            } })
        }
    }
}

/// What is expected, with its figures as the ABI has them.
fn in_doubles(expect: &Value) -> Value {
    let mut expect = expect.clone();
    if expect["allow"].is_object() {
        for figure in ["sequence", "age_ms"] {
            expect["allow"][figure] = json!(expect["allow"][figure].as_f64());
        }
    }
    expect
}

/// A requirement as a vector states it.
fn require(verifier: &mut Verifier, stated: &Value) -> Result<Requirement, HostError> {
    verifier.require(
        &texts_of(&stated["scopes"]),
        stated["mode"] == "any_of",
        stated["strict"] == true,
    )
}

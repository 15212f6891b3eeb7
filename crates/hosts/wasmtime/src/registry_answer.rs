//! What the registry says of a key that it is asked about, as the component takes it.

use serde_json::Value;

use crate::answer::Answer;
use crate::bindings::exports::wardkey::verify::verifier::{Alive, RegistryVerdict};
use crate::decision::Confirmation;

/// What the registry said about a question.
pub(crate) enum Asked {
    Confirmed(Confirmation),
    /// It did not answer, or not about this key.
    Failed,
    /// It refuses for a reason that the component has no word for.
    Refused(Answer, String),
}

/// The registry's answer as the component takes it.
pub(crate) fn verdict(answer: &Value) -> Option<RegistryVerdict> {
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
pub(crate) fn refused(answer: &Value) -> Asked {
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    match (answer["decision"].as_str(), answer["reason"].as_str(), status) {
        (Some("deny"), Some(reason), Some(status @ 400..500)) => {
            // INVARIANT: an answer says no more than a byte; to ask sooner than one was told to is to be refused again.
            let retry_after_s = answer["retry_after_s"].as_u64();
            let retry_after_s = retry_after_s.map(|it| u8::try_from(it).unwrap_or(u8::MAX));
            Asked::Refused(Answer::of_registry(status, reason, retry_after_s), reason.to_owned())
        }
        _ => Asked::Failed,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let many = json!({ "decision": "deny", "reason": "too_many_strict_calls", "status": 429, "retry_after_s": 60 });
        assert!(
            matches!(refused(&many), Asked::Refused(answer, _) if answer.retry_after_s == Some(60))
        );
        let long = json!({ "decision": "deny", "reason": "too_many_strict_calls", "status": 429, "retry_after_s": 3_600 });
        assert!(
            matches!(refused(&long), Asked::Refused(answer, _) if answer.retry_after_s == Some(255))
        );
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

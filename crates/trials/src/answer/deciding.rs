//! The decision.

use std::net::IpAddr;

use serde_json::{Value, json};
use wardkey::{
    Allow, Ask, Confirmation, Decision, Echo, KeySet, Query, Refresh, Registry, RegistryVerdict,
    Requirement,
};

use super::value::{self, Fault};

pub(super) fn verify(case: &Value) -> Result<Value, Fault> {
    let key_set_bytes = value::bytes(case, "key_set")?;
    let (key_set, _) = value::key_set(&key_set_bytes)?;
    let list =
        value::optional(case, "list").map(|list| value::list(list, &key_set_bytes)).transpose()?;
    let required = value::requirement(value::member(case, "required")?, &key_set_bytes)?;
    let caller =
        value::optional(case, "caller").map(|_| value::text(case, "caller")).transpose()?;
    let caller: Option<IpAddr> = caller.and_then(|caller| caller.parse().ok());
    let refresh = match value::optional(case, "refresh").map(Value::as_str) {
        None | Some(Some("not_tried")) => Refresh::NotTried,
        Some(Some("failed")) => Refresh::Failed,
        Some(_) => return Err(Fault::NoCase("refresh".into())),
    };
    let answer;
    let registry = match value::optional(case, "registry") {
        None => Registry::NotAsked,
        Some(Value::String(word)) => match word.as_str() {
            "not_asked" => Registry::NotAsked,
            "failed" => Registry::Failed,
            _ => return Err(Fault::NoCase("registry".into())),
        },
        Some(told) => {
            let required = match value::optional(told, "required") {
                Some(required) => value::requirement(required, &key_set_bytes)?,
                None => required,
            };
            let key = value::optional(told, "key").and(Some(told)).unwrap_or(case);
            let key = value::text(key, "key")?;
            answer = confirmation(told, &key_set, key, &required, caller)?;
            Registry::Answered(&answer)
        }
    };
    let query =
        Query { required: &required, now: value::millis(case, "now")?, caller, refresh, registry };
    let decision = wardkey::verify(&key_set, list.as_ref(), value::text(case, "key")?, query);
    Ok(match decision {
        Decision::Allow(allow) => json!({ "allow": told(&allow) }),
        Decision::Deny(denial) => json!({ "deny": denial.reason.as_str() }),
        Decision::Ask(Ask::Refresh) => json!({ "ask": "refresh" }),
        Decision::Ask(Ask::Registry(_)) => json!({ "ask": "registry" }),
    })
}

/// The answer to a question that a verification has raised before, as every question is.
fn confirmation(
    answer: &Value,
    key_set: &KeySet,
    key: &str,
    required: &Requirement,
    caller: Option<IpAddr>,
) -> Result<Confirmation, Fault> {
    let now = value::millis(answer, "asked_at")?;
    let (refresh, registry) = (Refresh::NotTried, Registry::NotAsked);
    let query = Query { required, now, caller, refresh, registry };
    let Decision::Ask(Ask::Registry(question)) =
        wardkey::verify::<Vec<u8>>(key_set, None, key, query)
    else {
        return Err(Fault::NoCase("no verification asks the registry this".into()));
    };
    let verdict = match value::text(answer, "verdict")? {
        "alive" => {
            let sequence = value::optional(answer, "sequence").map(value::number).transpose()?;
            RegistryVerdict::Alive { sequence: sequence.unwrap_or(0) }
        }
        "revoked" => RegistryVerdict::Revoked,
        "suspended" => RegistryVerdict::Suspended,
        "retired" => RegistryVerdict::Retired,
        "expired" => RegistryVerdict::Expired,
        "never_issued" => RegistryVerdict::NeverIssued,
        "tenant_gone" => RegistryVerdict::TenantGone,
        _ => return Err(Fault::NoCase("verdict".into())),
    };
    let echo = Echo(*question.base());
    question.answered(&echo, verdict).map_err(|error| Fault::NoCase(error.to_string()))
}

fn told(allow: &Allow) -> Value {
    let signing_key = allow.signing_key;
    json!({
        "subject": allow.subject.as_str(),
        "key_id": allow.key_id.to_string(),
        "status_index": allow.status_index.0,
        "signing_key": [signing_key.tenant.0, signing_key.audience.0, signing_key.epoch.number()],
        "scopes": allow.scopes.iter().collect::<Value>(),
        "expires_at": allow.expires_at.0,
        "sequence": allow.list.sequence,
        "age_ms": allow.list.age_ms,
        "zone": allow.list.zone.as_str(),
    })
}

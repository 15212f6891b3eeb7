//! What a key, a key set, a state and a head say.

use serde_json::{Map, Value, json};
use wardkey::{Base, KeySet, Narrowing, State, UnverifiedHead};

use super::value::{self, Fault};
use crate::spelling::hex;

pub(super) fn key(case: &Value) -> Result<Value, Fault> {
    let key = match wardkey::inspect(value::text(case, "key")?) {
        Ok(key) => key,
        Err(reason) => return Ok(json!({ "deny": reason.as_str() })),
    };
    let Base {
        signing_key,
        key_id,
        status_index,
        issued_at,
        expires_at,
        subject,
        scopes,
        constraints,
    } = *key.base();
    let mut bytes = [0; wardkey::MAX_BASE_LEN];
    let len = key.base().encode(&mut bytes).map_err(Fault::refused)?;
    let mut ok = Map::from_iter([
        ("prefix".into(), json!(key.prefix().as_str())),
        ("tenant".into(), json!(signing_key.tenant.0)),
        ("audience".into(), json!(signing_key.audience.0)),
        ("epoch".into(), json!(signing_key.epoch.number())),
        ("key_id".into(), json!(key_id.to_string())),
        ("status_index".into(), json!(status_index.0)),
        ("issued_at".into(), json!(issued_at.0)),
        ("expires_at".into(), json!(expires_at.0)),
        ("subject".into(), json!(subject.as_str())),
        ("scopes".into(), scopes.iter().collect()),
        ("blocks".into(), key.narrowings().map(|block| Value::Object(fields(block))).collect()),
        ("base".into(), json!(hex(bytes.get(..len).unwrap_or_default()))),
    ]);
    let (not_before, networks) = (constraints.not_before, constraints.networks);
    ok.extend(fields(&Narrowing { not_before, networks, ..Narrowing::default() }));
    Ok(json!({ "ok": ok }))
}

/// Only the fields that are there.
fn fields(said: &Narrowing) -> Map<String, Value> {
    let mut shown = Map::new();
    if let Some(scopes) = &said.scopes {
        shown.insert("scopes".into(), scopes.iter().collect());
    }
    for (name, second) in [("expires_at", said.expires_at), ("not_before", said.not_before)] {
        if let Some(second) = second {
            shown.insert(name.into(), json!(second.0));
        }
    }
    if let Some(networks) = &said.networks {
        shown.insert("networks".into(), networks.iter().map(|one| one.to_string()).collect());
    }
    shown
}

pub(super) fn key_set(case: &Value) -> Result<Value, Fault> {
    let bytes = value::bytes(case, "bytes")?;
    let (key_set, catalog) = KeySet::parse(&bytes).map_err(malformed)?;
    let [fresh_for, high, standard, low, max_skew] = key_set.bounds().figures();
    let scopes = catalog.entries().map(|scope| {
        json!({
            "number": scope.number,
            "level": scope.risk.as_str(),
            "name": scope.name.as_str(),
        })
    });
    Ok(json!({ "ok": {
        "tenant": key_set.tenant().0,
        "audience": key_set.audience().0,
        "version": key_set.version(),
        "fresh_for": fresh_for,
        "high": high,
        "standard": standard,
        "low": low,
        "max_skew": max_skew,
        "scopes": scopes.collect::<Value>(),
    } }))
}

/// The digest is over everything else that a state says.
pub(super) fn state(case: &Value) -> Result<Value, Fault> {
    let state = State::parse(&value::bytes(case, "bytes")?).map_err(malformed)?;
    Ok(json!({ "ok": { "digest": hex(&state.digest()) } }))
}

pub(super) fn head(case: &Value) -> Result<Value, Fault> {
    let key_set_bytes = value::bytes(case, "key_set")?;
    let (key_set, _) = value::key_set(&key_set_bytes)?;
    let bytes = value::bytes(case, "bytes")?;
    let head = UnverifiedHead::parse(&bytes).and_then(|head| head.authenticate(&key_set));
    let head =
        head.map_err(|error| Fault::Refused { word: error.as_str(), why: error.to_string() })?;
    let head = head.head();
    Ok(json!({ "ok": {
        "sequence": head.sequence(),
        "digest": hex(&head.state_digest()),
        "issued_at": head.issued_at().0,
        "not_after": head.not_after().0,
        "current": head.current_key_set(),
        "least": head.least_key_set(),
    } }))
}

fn malformed(error: impl ToString) -> Fault {
    Fault::Refused { word: "malformed", why: error.to_string() }
}

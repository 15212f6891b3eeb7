//! Answers JSON cases by asking the core: the cases of `tests/python/README.md`, which that
//! implementation answers on its own.
//!
//! An answer leaves out what the core tells nobody: the secrets of a key set, and what a head says
//! to other audiences. `why` is for people; it is compared with nothing.

mod deciding;
mod lists;
mod reading;
mod scanning;
mod telling;
mod value;
mod writing;

use serde_json::{Value, json};

use self::value::Fault;

/// The answer to a case; `{"error": "case: ..."}` where the case itself is not well-formed.
pub fn answer(case: &Value) -> Value {
    let answered = match case.get("do").and_then(Value::as_str) {
        Some("verify") => deciding::verify(case),
        Some("read_key") => reading::key(case),
        Some("read_key_set") => reading::key_set(case),
        Some("read_state") => reading::state(case),
        Some("read_head") => reading::head(case),
        Some("adopt") => lists::adopt(case),
        Some("mint") => writing::mint(case),
        Some("http") => telling::http(case),
        Some("scan") => scanning::scan(case),
        Some("narrow") => writing::narrow(case),
        _ => Err(Fault::NoCase("do".into())),
    };
    answered.unwrap_or_else(|fault| match fault {
        Fault::NoCase(why) => json!({ "error": format!("case: {why}") }),
        Fault::Refused { word, why } => json!({ "error": word, "why": why }),
    })
}

/// A value with what its `"@name"`s stand for. A text that names nothing shared is itself.
pub fn resolved(value: &Value, shared: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('@').and_then(|name| shared.get(name)) {
            Some(value) => resolved(value, shared),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(|item| resolved(item, shared)).collect(),
        Value::Object(members) => {
            let resolved = |(name, value): (&String, _)| (name.clone(), resolved(value, shared));
            Value::Object(members.iter().map(resolved).collect())
        }
        _ => value.clone(),
    }
}

/// Whether what was told is what was expected. Of what was read, each member that is told must be
/// as expected; everything else must be equal.
pub fn agrees(expected: &Value, told: &Value) -> bool {
    if let (Some(expected), Some(told)) = (object(expected, "ok"), object(told, "ok")) {
        return !told.is_empty()
            && told.iter().all(|(name, value)| expected.get(name) == Some(value));
    }
    let mut told = told.clone();
    if let Some(members) = told.as_object_mut() {
        members.remove("why");
    }
    *expected == told
}

fn object<'v>(value: &'v Value, name: &str) -> Option<&'v serde_json::Map<String, Value>> {
    value.get(name).and_then(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_case_is_told_from_what_is_refused() {
        for case in [
            json!({}),
            json!({ "do": "x" }),
            json!({ "do": "read_key" }),
            json!({ "do": "read_state", "bytes": "0" }),
            json!({ "do": "read_head", "bytes": "00", "key_set": "00" }),
            json!({ "do": "narrow", "key": "x", "fields": { "expires_at": "x" } }),
        ] {
            let told = answer(&case);
            let error = told.get("error").and_then(Value::as_str).unwrap_or_default();
            assert!(error.starts_with("case: "), "{case}: {told}");
        }
        let told = answer(&json!({ "do": "read_state", "bytes": "00" }));
        assert!(agrees(&json!({ "error": "malformed" }), &told), "{told}");
    }

    #[test]
    fn members_that_are_told_must_be_as_expected() {
        let agree = |expected, told| agrees(&expected, &told);
        let ok = |value| json!({ "ok": value });
        assert!(agree(ok(json!({ "a": 1, "b": 2 })), ok(json!({ "a": 1 }))));
        assert!(!agree(ok(json!({ "a": 1, "b": 2 })), ok(json!({ "a": 2 }))));
        assert!(!agree(ok(json!({ "b": 2 })), ok(json!({ "a": 1 }))));
        assert!(!agree(ok(json!({ "b": 2 })), ok(json!({}))));
        assert!(!agree(ok(json!("text")), ok(json!("test"))));
        assert!(!agree(json!({ "deny": "expired" }), json!({ "deny": "inactive" })));
        assert!(!agree(json!({ "allow": { "a": 1, "b": 2 } }), json!({ "allow": { "a": 1 } })));
        assert!(agree(json!({ "error": "x" }), json!({ "error": "x", "why": "y" })));
    }

    #[test]
    fn what_is_shared_stands_where_it_is_named() {
        let shared = json!({ "a": "1", "b": ["@a", "@c"] });
        let value = json!({ "x": "@b", "y": ["@", "a"] });
        assert_eq!(resolved(&value, &shared), json!({ "x": ["1", "@c"], "y": ["@", "a"] }));
    }
}

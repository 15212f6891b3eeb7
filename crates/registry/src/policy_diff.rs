//! What is different between two policies, for people to read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use wardkey_provision::Policy;

use crate::error::RegistryError;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PolicyChange {
    /// Where, with names for places: `audiences[api].scopes[reports:read].risk`.
    pub path: String,
    /// What stands there now; none if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What would stand there; none if nothing would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// The differences from one policy to another. The order of what has names is none.
pub(crate) fn changes(before: &Policy, after: &Policy) -> Result<Vec<PolicyChange>, RegistryError> {
    let value = |policy| {
        serde_json::to_value(policy)
            .map_err(|error| RegistryError::internal(format!("the policy: {error}")))
    };
    let mut changes = Vec::new();
    compare("", Some(&value(before)?), Some(&value(after)?), &mut changes);
    Ok(changes)
}

fn compare(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<PolicyChange>,
) {
    if before == after {
        return;
    }
    if let (Some(before), Some(after)) = (before, after)
        && let Some((before, after)) = members(path, before).zip(members(path, after))
    {
        let all: BTreeMap<&String, ()> =
            before.keys().chain(after.keys()).map(|path| (path, ())).collect();
        for path in all.into_keys() {
            compare(path, before.get(path).copied(), after.get(path).copied(), changes);
        }
        return;
    }
    changes.push(PolicyChange {
        path: path.into(),
        before: before.cloned(),
        after: after.cloned(),
    });
}

/// The members of an object, or of a list of things with names, by their paths.
fn members<'v>(path: &str, value: &'v Value) -> Option<BTreeMap<String, &'v Value>> {
    match value {
        Value::Object(object) => {
            let dot = if path.is_empty() { "" } else { "." };
            let members = object.iter();
            Some(members.map(|(name, value)| (format!("{path}{dot}{name}"), value)).collect())
        }
        Value::Array(list) => list
            .iter()
            .map(|element| {
                let name = element.get("name")?.as_str()?;
                Some((format!("{path}[{name}]"), element))
            })
            .collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: &str) -> Policy {
        serde_json::from_str(json).expect("a policy")
    }

    #[test]
    fn a_change_is_named_by_names_with_what_was_and_what_will_be() {
        let before = policy(
            r#"{"audiences":[{"number":1,"name":"a","scopes":[{"number":0,"name":"x:y"},{"number":1,"name":"x:z"}]}],
               "levels":{"high":{"require":["name"]}}}"#,
        );
        let after = policy(
            r#"{"audiences":[{"number":1,"name":"a","scopes":[{"number":1,"name":"x:z","risk":"high"},{"number":0,"name":"x:y"}]},
                {"number":2,"name":"b","scopes":[{"number":0,"name":"x:y"}]}],
               "levels":{"high":{"require":["name","owner"]}},"rotation":{"overlap_s":5}}"#,
        );
        let changes = changes(&before, &after).expect("changes");
        let told: Vec<_> = changes
            .iter()
            .map(|PolicyChange { path, before, after }| {
                (path.as_str(), before.clone(), after.clone())
            })
            .collect();
        let some = |text: &str| Some(serde_json::from_str::<Value>(text).expect("JSON"));
        let b = r#"{"max_lifetime_s":7776000,"name":"b","number":2,"scopes":[{"name":"x:y","number":0,"risk":"standard"}]}"#;
        assert_eq!(
            told,
            [
                ("audiences[a].scopes[x:z].risk", some(r#""standard""#), some(r#""high""#)),
                ("audiences[b]", None, some(b)),
                ("levels.high.require", some(r#"["name"]"#), some(r#"["name","owner"]"#)),
                ("rotation", None, some(r#"{"overlap_s":5}"#)),
            ]
        );
    }
}

//! What a policy must be beyond the shape of its JSON.

use std::collections::BTreeSet;

use thiserror::Error;
use wardkey::{Network, RiskLevel, ScopeName};

use super::{AudiencePolicy, Policy};
use crate::administration::{ADMIN_AUDIENCE_NAME, ADMIN_BRAND, AdminScope};
use crate::level::{Demand, LevelPolicy};
use crate::pattern::Pattern;
use crate::rule::RulePolicy;

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("policy.{field}: {problem}")]
pub struct PolicyError {
    /// The path of the field.
    pub field: String,
    /// What it must be.
    pub problem: &'static str,
}

impl Policy {
    /// Checks everything that the shape of the JSON does not.
    ///
    /// # Errors
    /// [`PolicyError`] for the first thing that is wrong.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.environment().is_none() {
            return Err(wrong("environment", "must be live or test"));
        }
        if self.brand == ADMIN_BRAND || self.key_prefix().is_none() {
            let problem =
                "must be 2 to 12 characters of a-z 0-9, starting with a letter, and not wkadmin";
            return Err(wrong("brand", problem));
        }
        counted("audiences", self.audiences.len(), 1..=64, "must be 1 to 64")?;
        for (at, audience) in self.audiences.iter().enumerate() {
            let here = format!("audiences[{at}]");
            let earlier = self.audiences.get(..at).unwrap_or_default();
            if audience.number == 0 || earlier.iter().any(|other| other.number == audience.number) {
                return Err(wrong(format!("{here}.number"), "must be 1 to 255 and stand once"));
            }
            let taken = earlier.iter().any(|other| other.name == audience.name);
            if !name_ok(&audience.name) || audience.name == ADMIN_AUDIENCE_NAME || taken {
                return Err(wrong(format!("{here}.name"), AUDIENCE_NAME));
            }
            lifetime(&here, Some(audience.max_lifetime_s))?;
            audience.check_scopes(&here)?;
            audience.check_roles(&here)?;
        }
        for (name, level) in &self.levels {
            if !RiskLevel::ALL.into_iter().any(|known| known.as_str() == name) {
                // Its name is the writer's and may be anything: it is not repeated.
                return Err(wrong("levels", "must be low, standard, high or strict"));
            }
            level.check(&format!("levels.{name}"))?;
        }
        let rules = self.rules.as_deref().unwrap_or_default();
        counted("rules", rules.len(), 0..=256, "must be at most 256")?;
        for (at, rule) in rules.iter().enumerate() {
            let here = format!("rules[{at}]");
            let taken = rules.iter().take(at).any(|other| other.name == rule.name);
            if !name_ok(&rule.name) || taken {
                return Err(wrong(format!("{here}.name"), NAME));
            }
            rule.check(self, &here)?;
        }
        if self.rotation.is_some_and(|rotation| rotation.overlap_s > Self::MAX_OVERLAP_S) {
            return Err(wrong("rotation.overlap_s", "must be at most 2592000, 30 days"));
        }
        Ok(())
    }

    /// Longest overlap of a rotation, in seconds: 30 days.
    pub const MAX_OVERLAP_S: u32 = 30 * 24 * 3600;
}

impl AudiencePolicy {
    fn check_scopes(&self, here: &str) -> Result<(), PolicyError> {
        let scopes = format!("{here}.scopes");
        counted(&scopes, self.scopes.len(), 1..=256, "must name at least one scope")?;
        for (nth, scope) in self.scopes.iter().enumerate() {
            let here = |field| format!("{scopes}[{nth}].{field}");
            let earlier = self.scopes.get(..nth).unwrap_or_default();
            if ScopeName::new(&scope.name).is_none()
                || earlier.iter().any(|other| other.name == scope.name)
            {
                return Err(wrong(here("name"), SCOPE_NAME));
            }
            if earlier.iter().any(|other| other.number == scope.number) {
                return Err(wrong(here("number"), "must stand once"));
            }
            if scope.risk().is_none() {
                return Err(wrong(here("risk"), "must be low, standard, high or strict"));
            }
        }
        Ok(())
    }

    fn check_roles(&self, here: &str) -> Result<(), PolicyError> {
        let roles = format!("{here}.roles");
        counted(&roles, self.roles.len(), 0..=64, "must be at most 64")?;
        for (nth, role) in self.roles.iter().enumerate() {
            let here = format!("{roles}[{nth}]");
            let taken = self.roles.iter().take(nth).any(|other| other.name == role.name);
            if !name_ok(&role.name) || taken {
                return Err(wrong(format!("{here}.name"), NAME));
            }
            let scopes = format!("{here}.scopes");
            counted(&scopes, role.scopes.len(), 1..=256, "must name at least one scope")?;
            once(&scopes, &role.scopes)?;
            for (at, scope) in role.scopes.iter().enumerate() {
                if self.scope(scope).is_none() {
                    let problem = "must be a scope of the audience's catalog, without wildcards";
                    return Err(wrong(format!("{scopes}[{at}]"), problem));
                }
            }
        }
        Ok(())
    }
}

impl LevelPolicy {
    fn check(&self, here: &str) -> Result<(), PolicyError> {
        lifetime(here, self.max_lifetime_s)?;
        let require = format!("{here}.require");
        counted(&require, self.require.len(), 0..=32, "must be at most 32")?;
        once(&require, &self.require)?;
        for (at, demand) in self.require.iter().enumerate() {
            if Demand::read(demand).is_none() {
                let problem =
                    "must be name, owner, tags, meta.<name of a note> or constraints.networks";
                return Err(wrong(format!("{require}[{at}]"), problem));
            }
        }
        Ok(())
    }
}

impl RulePolicy {
    fn check(&self, policy: &Policy, here: &str) -> Result<(), PolicyError> {
        for (field, patterns) in [("actors", &self.actors), ("subjects", &self.subjects)] {
            let path = format!("{here}.{field}");
            counted(&path, patterns.len(), 1..=64, "must be 1 to 64")?;
            once(&path, patterns)?;
            for (at, text) in patterns.iter().enumerate() {
                if !Pattern::read(text).is_some_and(Pattern::is_of_subjects) {
                    return Err(wrong(format!("{path}[{at}]"), PATTERN));
                }
            }
        }
        let path = format!("{here}.audiences");
        counted(&path, self.audiences.len(), 1..=65, "must be 1 to 65")?;
        once(&path, &self.audiences)?;
        for (at, name) in self.audiences.iter().enumerate() {
            if name != ADMIN_AUDIENCE_NAME && policy.audience(name).is_none() {
                let problem = "must be wardkey or an audience of the policy";
                return Err(wrong(format!("{path}[{at}]"), problem));
            }
        }
        let path = format!("{here}.scopes");
        counted(&path, self.scopes.len(), 1..=256, "must be 1 to 256")?;
        once(&path, &self.scopes)?;
        let catalogs = self.catalogs(policy);
        for (at, text) in self.scopes.iter().enumerate() {
            // A pattern that is about no scope is a slip of the pen, as an unknown scope is.
            let about = Pattern::read(text).is_some_and(|pattern| {
                pattern == Pattern::Any || catalogs.iter().any(|scope| pattern.covers(scope))
            });
            if !about {
                let problem =
                    "must be a scope of the rule's audiences, or a pattern that is about one";
                return Err(wrong(format!("{path}[{at}]"), problem));
            }
        }
        lifetime(here, self.max_lifetime_s)?;
        if let Some(networks) = &self.require_networks_within {
            let path = format!("{here}.require_networks_within");
            counted(&path, networks.len(), 1..=64, "must be 1 to 64")?;
            once(&path, networks)?;
            for (at, network) in networks.iter().enumerate() {
                if network.parse::<Network>().is_err() {
                    let problem = "must be a network, such as 192.0.2.0/24";
                    return Err(wrong(format!("{path}[{at}]"), problem));
                }
            }
            if self.audiences.iter().any(|name| name == ADMIN_AUDIENCE_NAME) {
                let problem = "is not for audience wardkey, whose keys have no networks";
                return Err(wrong(path, problem));
            }
        }
        Ok(())
    }

    /// The scopes of its audiences.
    fn catalogs<'p>(&self, policy: &'p Policy) -> Vec<&'p str> {
        let named = |name: &str| self.audiences.iter().any(|audience| audience == name);
        let audiences = policy.audiences.iter().filter(|audience| named(&audience.name));
        let scopes = audiences.flat_map(|audience| &audience.scopes);
        let mut scopes: Vec<&str> = scopes.map(|scope| scope.name.as_str()).collect();
        if named(ADMIN_AUDIENCE_NAME) {
            scopes.extend(AdminScope::ALL.map(AdminScope::as_str));
        }
        scopes
    }
}

pub(super) fn wrong(field: impl Into<String>, problem: &'static str) -> PolicyError {
    PolicyError { field: field.into(), problem }
}

fn counted(
    path: &str,
    count: usize,
    allowed: std::ops::RangeInclusive<usize>,
    problem: &'static str,
) -> Result<(), PolicyError> {
    if allowed.contains(&count) { Ok(()) } else { Err(wrong(path, problem)) }
}

fn once(path: &str, texts: &[String]) -> Result<(), PolicyError> {
    let mut seen = BTreeSet::new();
    match texts.iter().position(|text| !seen.insert(text)) {
        Some(at) => Err(wrong(format!("{path}[{at}]"), "must stand once")),
        None => Ok(()),
    }
}

fn lifetime(here: &str, seconds: Option<u32>) -> Result<(), PolicyError> {
    if seconds.is_some_and(|seconds| seconds < wardkey::MIN_LIFETIME_SECONDS) {
        return Err(wrong(format!("{here}.max_lifetime_s"), "must be at least 60"));
    }
    Ok(())
}

/// Whether it may be the name of an audience, a role or a rule.
fn name_ok(name: &str) -> bool {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let first_ok =
        name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    first_ok && name.len() <= 63 && name.bytes().all(allowed)
}

const AUDIENCE_NAME: &str = "must be 1 to 63 characters of a-z 0-9 . _ -, start with a letter or digit, not be wardkey and stand once";
const NAME: &str =
    "must be 1 to 63 characters of a-z 0-9 . _ -, start with a letter or digit and stand once";
const SCOPE_NAME: &str = "must be resource:action of a-z 0-9 . _ -, at most 64 characters, without wildcards, and stand once";
const PATTERN: &str =
    "must be a subject, the beginning of one with a * behind : . / - or _, or * alone";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(json: &str) -> Policy {
        serde_json::from_str(json).expect("the shape")
    }

    /// Two audiences, a role and a rule, and this beside them.
    fn with(audience: &str, beside: &str) -> String {
        format!(
            r#"{{"audiences":[{{"number":1,"name":"a","scopes":[{{"number":0,"name":"a:b"}}]{audience}}},
            {{"number":2,"name":"c","scopes":[{{"number":0,"name":"c:d"}}]}}]{beside}}}"#
        )
    }

    #[test]
    fn what_is_wrong_with_a_role_level_or_rule_is_named_by_its_path() {
        let rule = |changes: serde_json::Value| {
            let mut rule = json!({
                "name": "r", "actors": ["*"], "audiences": ["a"], "scopes": ["*"], "subjects": ["*"],
            });
            for (member, value) in changes.as_object().expect("members") {
                rule[member] = value.clone();
            }
            with("", &format!(r#","rules":[{rule}]"#))
        };
        assert_eq!(policy(&rule(json!({}))).check(), Ok(()));
        let role = |role: &str| with(&format!(r#","roles":[{role}]"#), "");
        let level = |levels: &str| with("", &format!(r#","levels":{levels}"#));
        let cases = [
            (role(r#"{"name":"R","scopes":["a:b"]}"#), "audiences[0].roles[0].name"),
            (role(r#"{"name":"r","scopes":[]}"#), "audiences[0].roles[0].scopes"),
            (role(r#"{"name":"r","scopes":["c:d"]}"#), "audiences[0].roles[0].scopes[0]"),
            (role(r#"{"name":"r","scopes":["a:*"]}"#), "audiences[0].roles[0].scopes[0]"),
            (role(r#"{"name":"r","scopes":["a:b","a:b"]}"#), "audiences[0].roles[0].scopes[1]"),
            (
                role(r#"{"name":"r","scopes":["a:b"]},{"name":"r","scopes":["a:b"]}"#),
                "audiences[0].roles[1].name",
            ),
            (level(r#"{"extreme":{}}"#), "levels"),
            (level(r#"{"high":{"max_lifetime_s":59}}"#), "levels.high.max_lifetime_s"),
            (level(r#"{"high":{"require":["colour"]}}"#), "levels.high.require[0]"),
            (level(r#"{"high":{"require":["name","name"]}}"#), "levels.high.require[1]"),
            (rule(json!({"name": "R"})), "rules[0].name"),
            (rule(json!({"actors": []})), "rules[0].actors"),
            (rule(json!({"actors": ["svc*"]})), "rules[0].actors[0]"),
            (rule(json!({"subjects": ["svc:*a"]})), "rules[0].subjects[0]"),
            (rule(json!({"audiences": ["b"]})), "rules[0].audiences[0]"),
            (rule(json!({"scopes": ["c:d"]})), "rules[0].scopes[0]"),
            (rule(json!({"scopes": ["c:*"]})), "rules[0].scopes[0]"),
            (rule(json!({"scopes": ["verifier:key-set"]})), "rules[0].scopes[0]"),
            (rule(json!({"max_lifetime_s": 1})), "rules[0].max_lifetime_s"),
            (rule(json!({"require_networks_within": []})), "rules[0].require_networks_within"),
            (
                rule(json!({"require_networks_within": ["10.0.0.1/8"]})),
                "rules[0].require_networks_within[0]",
            ),
            (
                rule(json!({"audiences": ["wardkey"], "require_networks_within": ["10.0.0.0/8"]})),
                "rules[0].require_networks_within",
            ),
            (with("", r#","rotation":{"overlap_s":2592001}"#), "rotation.overlap_s"),
        ];
        for (json, field) in cases {
            assert_eq!(policy(&json).check().expect_err(&json).field, field, "{json}");
        }
        let mut twice = policy(&rule(json!({})));
        let rules = twice.rules.as_mut().expect("rules");
        rules.push(rules[0].clone());
        assert_eq!(twice.check().expect_err("twice").field, "rules[1].name");
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_named_by_its_path() {
        let cases = [
            (r#"{"audiences":[]}"#, "audiences"),
            (r#"{"environment":"prod","audiences":[]}"#, "environment"),
            (r#"{"brand":"wkadmin","audiences":[]}"#, "brand"),
            (r#"{"audiences":[{"number":0,"name":"a","scopes":[]}]}"#, "audiences[0].number"),
            (r#"{"audiences":[{"number":1,"name":"wardkey","scopes":[]}]}"#, "audiences[0].name"),
            (r#"{"audiences":[{"number":1,"name":"a","scopes":[]}]}"#, "audiences[0].scopes"),
            (
                r#"{"audiences":[{"number":1,"name":"a","scopes":[{"number":0,"name":"a:*"}]}]}"#,
                "audiences[0].scopes[0].name",
            ),
            (
                r#"{"audiences":[{"number":1,"name":"a","scopes":[{"number":0,"name":"a:b"},{"number":0,"name":"a:c"}]}]}"#,
                "audiences[0].scopes[1].number",
            ),
            (
                r#"{"audiences":[{"number":1,"name":"a","scopes":[{"number":0,"name":"a:b","risk":"none"}]}]}"#,
                "audiences[0].scopes[0].risk",
            ),
        ];
        for (json, field) in cases {
            assert_eq!(policy(json).check().expect_err(json).field, field);
        }
        let good = policy(
            r#"{"audiences":[{"number":1,"name":"a","scopes":[{"number":0,"name":"a:b"}]}]}"#,
        );
        assert_eq!(good.check(), Ok(()));
        assert_eq!(good.key_prefix().expect("prefix").as_str(), "wk_live_");
        assert!(serde_json::from_str::<Policy>(r#"{"audiences":[],"extra":1}"#).is_err());
    }
}

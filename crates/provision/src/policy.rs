//! The tenant's policy in its first form: audiences, their catalogs and longest lifetimes.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wardkey::{AudienceId, Environment, Prefix, RiskLevel, ScopeName};

use crate::administration::{ADMIN_AUDIENCE_NAME, ADMIN_BRAND};

/// What keys a tenant has, as its owner wrote it down.
///
/// # Guarantees
/// Only after [`Policy::check`]: names and numbers are unique and within their grammars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// `live` or `test`: the second part of every prefix. Default `live`.
    #[serde(default = "live")]
    pub environment: String,
    /// The first part of every prefix but the administration's. Default `wk`.
    #[serde(default = "brand")]
    pub brand: String,
    /// 1 to 64 audiences.
    pub audiences: Vec<AudiencePolicy>,
}

/// One audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudiencePolicy {
    /// 1 to 255, never reused.
    pub number: u8,
    /// `[a-z0-9][a-z0-9._-]*`, at most 63 bytes, not `wardkey`.
    pub name: String,
    /// Its catalog: 1 to 256 scopes.
    pub scopes: Vec<ScopePolicy>,
    /// Longest lifetime of a key, in seconds. Default 90 days.
    #[serde(default = "max_lifetime_s")]
    pub max_lifetime_s: u32,
}

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopePolicy {
    /// 0 to 255, given once.
    pub number: u8,
    /// `resource:action`.
    pub name: String,
    /// `low`, `standard`, `high` or `strict`. Default `standard`.
    #[serde(default = "standard")]
    pub risk: String,
}

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
        if self.audiences.is_empty() || self.audiences.len() > 64 {
            return Err(wrong("audiences", "must be 1 to 64"));
        }
        for (at, audience) in self.audiences.iter().enumerate() {
            let here =
                |field: &str, problem| Err(wrong(format!("audiences[{at}].{field}"), problem));
            let earlier = self.audiences.iter().take(at);
            if audience.number == 0 || earlier.clone().any(|other| other.number == audience.number)
            {
                return here("number", "must be 1 to 255 and stand once");
            }
            if !audience_name_ok(&audience.name)
                || earlier.clone().any(|other| other.name == audience.name)
            {
                return here(
                    "name",
                    "must be 1 to 63 characters of a-z 0-9 . _ -, start with a letter or digit, not be wardkey and stand once",
                );
            }
            if audience.max_lifetime_s < wardkey::MIN_LIFETIME_SECONDS {
                return here("max_lifetime_s", "must be at least 60");
            }
            audience.check_scopes(at)?;
        }
        Ok(())
    }

    /// `live` or `test`.
    pub fn environment(&self) -> Option<Environment> {
        [Environment::Live, Environment::Test]
            .into_iter()
            .find(|word| word.as_str() == self.environment)
    }

    /// The prefix of the tenant's keys.
    pub fn key_prefix(&self) -> Option<Prefix> {
        Prefix::new(&self.brand, self.environment()?).ok()
    }

    /// The prefix of the tenant's administration keys.
    pub fn admin_prefix(&self) -> Option<Prefix> {
        Prefix::new(ADMIN_BRAND, self.environment()?).ok()
    }

    /// The audience of this name.
    pub fn audience(&self, name: &str) -> Option<&AudiencePolicy> {
        self.audiences.iter().find(|audience| audience.name == name)
    }

    /// The audience of this number.
    pub fn audience_numbered(&self, number: AudienceId) -> Option<&AudiencePolicy> {
        self.audiences.iter().find(|audience| audience.id() == number)
    }
}

impl AudiencePolicy {
    /// The audience's number.
    pub const fn id(&self) -> AudienceId {
        AudienceId(self.number)
    }

    /// The scope of this name.
    pub fn scope(&self, name: &str) -> Option<&ScopePolicy> {
        self.scopes.iter().find(|scope| scope.name == name)
    }

    /// The scope of this number.
    pub fn scope_numbered(&self, number: u8) -> Option<&ScopePolicy> {
        self.scopes.iter().find(|scope| scope.number == number)
    }

    fn check_scopes(&self, at: usize) -> Result<(), PolicyError> {
        if self.scopes.is_empty() {
            return Err(wrong(format!("audiences[{at}].scopes"), "must name at least one scope"));
        }
        for (nth, scope) in self.scopes.iter().enumerate() {
            let here = |field: &str, problem| {
                Err(wrong(format!("audiences[{at}].scopes[{nth}].{field}"), problem))
            };
            let earlier = self.scopes.iter().take(nth);
            if ScopeName::new(&scope.name).is_none()
                || earlier.clone().any(|other| other.name == scope.name)
            {
                return here(
                    "name",
                    "must be resource:action of a-z 0-9 . _ -, at most 64 characters, without wildcards, and stand once",
                );
            }
            if earlier.clone().any(|other| other.number == scope.number) {
                return here("number", "must stand once");
            }
            if scope.risk().is_none() {
                return here("risk", "must be low, standard, high or strict");
            }
        }
        Ok(())
    }
}

impl ScopePolicy {
    /// How fresh a verifier's knowledge must be.
    pub fn risk(&self) -> Option<RiskLevel> {
        RiskLevel::ALL.into_iter().find(|level| level.as_str() == self.risk)
    }
}

fn wrong(field: impl Into<String>, problem: &'static str) -> PolicyError {
    PolicyError { field: field.into(), problem }
}

fn audience_name_ok(name: &str) -> bool {
    let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    let first_ok =
        name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    first_ok && name.len() <= 63 && name.bytes().all(allowed) && name != ADMIN_AUDIENCE_NAME
}

fn live() -> String {
    "live".into()
}

fn brand() -> String {
    "wk".into()
}

fn standard() -> String {
    "standard".into()
}

const fn max_lifetime_s() -> u32 {
    90 * 24 * 3600
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: &str) -> Policy {
        serde_json::from_str(json).expect("the shape")
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

//! The tenant's policy: audiences with their catalogs and roles, what keys of a level must have, and who may grant
//! what to whom.

mod check;
mod schema;
mod succession;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use wardkey::{AudienceId, Environment, Prefix, RiskLevel};

use crate::administration::ADMIN_BRAND;
use crate::level::LevelPolicy;
use crate::rule::RulePolicy;

pub use check::PolicyError;
pub use schema::POLICY_SCHEMA;
pub use succession::GivenNumbers;

/// What keys a tenant has and who may have them made, as its owner wrote it down.
///
/// # Guarantees
/// Only after [`Policy::check`]: names and numbers are unique and within their grammars, and what is named is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// `live` or `test`: the second part of every prefix. Default `live`.
    #[serde(default = "live")]
    #[cfg_attr(any(test, feature = "schema"), schemars(extend("enum" = ["live", "test"])))]
    pub environment: String,
    /// The first part of every prefix but the administration's. Default `wk`.
    #[serde(default = "brand")]
    #[cfg_attr(any(test, feature = "schema"), schemars(regex(pattern = "^[a-z][a-z0-9]{1,11}$"), length(max = 12), extend("not" = {"const": "wkadmin"})))]
    pub brand: String,
    /// 1 to 64 audiences.
    #[cfg_attr(any(test, feature = "schema"), schemars(length(min = 1, max = 64)))]
    pub audiences: Vec<AudiencePolicy>,
    /// By level, `low`, `standard`, `high` or `strict`: what every key with a scope of that level must keep to. A key
    /// keeps to all levels of its scopes. Administration keys are of level `strict`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(extend("propertyNames" = {"enum": ["low", "standard", "high", "strict"]}))
    )]
    pub levels: BTreeMap<String, LevelPolicy>,
    /// Who may grant what to whom: a request must be allowed, as a whole, by at least one of them. Without this
    /// member, whoever holds `keys:create` or `keys:rotate` for an audience may grant all of its scopes.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(with = "Vec<RulePolicy>", length(max = 256))
    )]
    pub rules: Option<Vec<RulePolicy>>,
    /// How keys are rotated.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(any(test, feature = "schema"), schemars(with = "RotationPolicy"))]
    pub rotation: Option<RotationPolicy>,
}

/// One audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AudiencePolicy {
    /// 1 to 255, never reused.
    #[cfg_attr(any(test, feature = "schema"), schemars(range(min = 1)))]
    pub number: u8,
    /// `[a-z0-9][a-z0-9._-]*`, at most 63 bytes, not `wardkey`.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(regex(pattern = "^[a-z0-9][a-z0-9._-]{0,62}$"), length(max = 63), extend("not" = {"const": "wardkey"}))
    )]
    pub name: String,
    /// Its catalog: 1 to 256 scopes.
    #[cfg_attr(any(test, feature = "schema"), schemars(length(min = 1, max = 256)))]
    pub scopes: Vec<ScopePolicy>,
    /// Names for several scopes at once. A request may name them; the key holds the scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(any(test, feature = "schema"), schemars(length(max = 64)))]
    pub roles: Vec<RolePolicy>,
    /// Longest lifetime of a key, in seconds. Default 90 days.
    #[serde(default = "max_lifetime_s")]
    #[cfg_attr(any(test, feature = "schema"), schemars(range(min = 60, max = u32::MAX)))]
    pub max_lifetime_s: u32,
}

/// One scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScopePolicy {
    /// 0 to 255, given once.
    pub number: u8,
    /// `resource:action`.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(regex(pattern = "^[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*$"), length(max = 64))
    )]
    pub name: String,
    /// `low`, `standard`, `high` or `strict`. Default `standard`.
    #[serde(default = "standard")]
    #[cfg_attr(any(test, feature = "schema"), schemars(extend("enum" = ["low", "standard", "high", "strict"])))]
    pub risk: String,
}

/// One role: a name for several scopes of its audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RolePolicy {
    /// `[a-z0-9][a-z0-9._-]*`, at most 63 bytes.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(regex(pattern = "^[a-z0-9][a-z0-9._-]{0,62}$"), length(max = 63))
    )]
    pub name: String,
    /// Names of scopes of the audience, none twice; no patterns, since keys hold none.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(
            length(min = 1, max = 256),
            inner(
                regex(pattern = "^[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*$"),
                length(max = 64)
            )
        )
    )]
    pub scopes: Vec<String>,
}

/// How keys are rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotationPolicy {
    /// For how long a generation lives once its successor has been seen, in seconds, where a rotation does not say:
    /// at most 30 days.
    #[cfg_attr(any(test, feature = "schema"), schemars(range(max = 2_592_000)))]
    pub overlap_s: u32,
}

impl Policy {
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

    /// The overlap of a rotation that names none, in seconds: one day unless the policy says otherwise.
    pub fn overlap_s(&self) -> u32 {
        self.rotation.map_or(24 * 3600, |rotation| rotation.overlap_s)
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

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&RolePolicy> {
        self.roles.iter().find(|role| role.name == name)
    }
}

impl ScopePolicy {
    /// How fresh a verifier's knowledge must be.
    pub fn risk(&self) -> Option<RiskLevel> {
        RiskLevel::ALL.into_iter().find(|level| level.as_str() == self.risk)
    }
}

/// A policy of no audience yet: what a literal of a policy leaves out.
impl Default for Policy {
    fn default() -> Self {
        Self {
            environment: live(),
            brand: brand(),
            audiences: Vec::new(),
            levels: BTreeMap::new(),
            rules: None,
            rotation: None,
        }
    }
}

/// An audience without number, name and scopes: what a literal of an audience leaves out.
impl Default for AudiencePolicy {
    fn default() -> Self {
        Self {
            number: 0,
            name: String::new(),
            scopes: Vec::new(),
            roles: Vec::new(),
            max_lifetime_s: max_lifetime_s(),
        }
    }
}

/// What is there is no null: nobody shall write one where a list was meant to restrict something.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
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

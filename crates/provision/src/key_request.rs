//! What somebody asks for who wants a key.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// Who the key shall act as.
    pub subject: String,
    /// The audience's name, or `wardkey` for an administration key.
    pub audience: String,
    /// Names of scopes of that audience's catalog.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Names of roles of that audience: the key holds their scopes, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Lifetime in seconds.
    pub expires_in: u32,
    /// For an administration key: the names of the audiences that its scopes are for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_audiences: Vec<String>,
    /// When and from where it may be used.
    #[serde(default, skip_serializing_if = "KeyConstraints::is_empty")]
    pub constraints: KeyConstraints,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who answers for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What people find it by: at most 16, each 1 to 64 bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What its owner notes down of it: at most 16 names of 1 to 64 bytes, each with 1 to 256 bytes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
}

/// When and from where a key may be used, as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyConstraints {
    /// The first Unix second in which it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u32>,
    /// The networks that it may be used from, such as `192.0.2.0/24`; from everywhere if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
}

impl KeyConstraints {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.not_before.is_none() && self.networks.is_empty()
    }
}

//! What somebody asks for who wants a key.

use serde::{Deserialize, Serialize};

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// Who the key shall act as.
    pub subject: String,
    /// The audience's name, or `wardkey` for an administration key.
    pub audience: String,
    /// Names of scopes of that audience's catalog.
    pub scopes: Vec<String>,
    /// Lifetime in seconds.
    pub expires_in: u32,
    /// For an administration key: the names of the audiences that its scopes are for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_audiences: Vec<String>,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who answers for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

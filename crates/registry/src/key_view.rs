//! A key as its readers see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wardkey::UnixMillis;

use crate::bound::RevocationBound;
use crate::generation::GenerationView;

/// A key as its readers see it. It holds nothing of the key's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyView {
    /// `key_…`
    pub key_id: String,
    /// Who it acts as.
    pub subject: String,
    /// The audience's name.
    pub audience: String,
    /// Names of its scopes.
    pub scopes: Vec<String>,
    /// For an administration key, the audiences that its scopes are for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_audiences: Vec<String>,
    /// A name for people.
    pub name: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// What it is found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whatever else its owner wrote.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// Whether it is suspended: no generation verifies until it is resumed.
    #[serde(default)]
    pub suspended: bool,
    /// The key that made it; none for a bootstrap.
    pub issuer: Option<String>,
    /// Unix milliseconds.
    pub created_at_ms: u64,
    /// Its generations, oldest first.
    pub generations: Vec<GenerationView>,
}

impl KeyView {
    /// The view at a later time: what has ended by itself since is shown as ended.
    pub fn at(mut self, now: UnixMillis) -> Self {
        self.generations.iter_mut().for_each(|generation| generation.at(now));
        self
    }
}

/// A key, and from when on verifiers know what an act on it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReply {
    /// The key.
    #[serde(flatten)]
    pub view: KeyView,
    /// The list's sequence from which on verifiers know it; none for an act that ends nothing, and from objects of
    /// before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_sequence: Option<u64>,
    /// How soon they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<RevocationBound>,
}

impl From<KeyView> for KeyReply {
    fn from(view: KeyView) -> Self {
        Self { view, list_sequence: None, bound: None }
    }
}

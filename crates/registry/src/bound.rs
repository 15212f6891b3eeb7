//! How soon verifiers deny what was revoked.

use serde::{Deserialize, Serialize};
use wardkey::Bounds;

/// The published bound, in milliseconds from this answer; clocks may add `max_skew_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevocationBound {
    /// While the registry can be reached.
    pub typical_ms: u32,
    /// Scopes of level high, while it cannot.
    pub high_ms: u32,
    /// Scopes of level standard, while it cannot.
    pub standard_ms: u32,
    /// Scopes of level low, while it cannot.
    pub low_ms: u32,
    /// Scopes of level strict: the next call.
    pub strict_ms: u32,
    /// How far a clock may be off.
    pub max_skew_ms: u32,
}

impl RevocationBound {
    /// The bound of every audience.
    pub(crate) fn published() -> Self {
        let [typical_ms, high_ms, standard_ms, low_ms, max_skew_ms] = Bounds::DEFAULT.figures();
        Self { typical_ms, high_ms, standard_ms, low_ms, strict_ms: 0, max_skew_ms }
    }
}

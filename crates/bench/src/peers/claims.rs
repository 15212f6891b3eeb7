//! The claims of one peer's key.

use crate::claims::{SCOPES, subject};

/// When good keys expire.
pub(super) const EXPIRES: (u64, &str) = (4_102_444_800, "2100-01-01T00:00:00Z");
/// When expired ones did.
pub(super) const EXPIRED: (u64, &str) = (1_577_836_800, "2020-01-01T00:00:00Z");

/// What one key says.
#[derive(Clone, Debug)]
pub(super) struct Claims {
    pub(super) subject: String,
    pub(super) key_id: String,
    pub(super) scopes: Vec<&'static str>,
    /// In Unix seconds and in RFC 3339.
    pub(super) expires: (u64, &'static str),
}

impl Claims {
    pub(super) fn numbered(number: usize) -> Self {
        Self {
            subject: subject(number),
            key_id: format!("key_{number:016x}"),
            scopes: SCOPES.to_vec(),
            expires: EXPIRES,
        }
    }
}

//! Audience 0, `wardkey`: what may be done to keys themselves.

use wardkey::RiskLevel;

/// The name of audience 0 in every tenant.
pub const ADMIN_AUDIENCE_NAME: &str = "wardkey";

/// The brand of administration keys, so that people and scanners tell them apart.
pub const ADMIN_BRAND: &str = "wkadmin";

/// One right of administration. A key's row binds each to the audiences it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminScope {
    /// Make keys.
    KeysCreate,
    /// Read what is known of a key.
    KeysRead,
    /// Revoke keys.
    KeysRevoke,
    /// Read the audit log.
    AuditRead,
    /// Have keys verified.
    VerifierVerify,
}

impl AdminScope {
    /// Every right.
    pub const ALL: [Self; 5] =
        [Self::KeysCreate, Self::KeysRead, Self::KeysRevoke, Self::AuditRead, Self::VerifierVerify];

    /// The risk level of all of them: the registry is always asked.
    pub const RISK: RiskLevel = RiskLevel::Strict;

    /// The number that stands in keys, given once.
    pub const fn number(self) -> u8 {
        match self {
            Self::KeysCreate => 0,
            Self::KeysRead => 1,
            Self::KeysRevoke => 2,
            Self::AuditRead => 3,
            Self::VerifierVerify => 4,
        }
    }

    /// The scope's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeysCreate => "keys:create",
            Self::KeysRead => "keys:read",
            Self::KeysRevoke => "keys:revoke",
            Self::AuditRead => "audit:read",
            Self::VerifierVerify => "verifier:verify",
        }
    }

    /// The right of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// The right of this number.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.number() == number)
    }
}

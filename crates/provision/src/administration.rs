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
    /// Change what does not stand inside a key: its name, owner, tags and notes.
    KeysUpdate,
    /// Make a key's next generation, and retire the one before.
    KeysRotate,
    /// Suspend and resume keys.
    KeysSuspend,
    /// Hold a key set: whoever does can mint any key that verifiers of that audience accept.
    VerifierKeySet,
    /// Read the policy.
    PolicyRead,
    /// Replace the policy.
    PolicyWrite,
    /// Rotate the signing keys of an audience.
    SigningKeysRotate,
    /// Wrap the tenant's secret with another root, and destroy it.
    TenantManage,
}

/// The audiences that a right can be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Each, the administration included.
    Any,
    /// Each but the administration: no verifier is ever given keys of that.
    AudienceOfThePolicy,
    /// The tenant as a whole, written as audience `wardkey`.
    Tenant,
}

impl AdminScope {
    /// Every right.
    pub const ALL: [Self; 13] = [
        Self::KeysCreate,
        Self::KeysRead,
        Self::KeysRevoke,
        Self::AuditRead,
        Self::VerifierVerify,
        Self::KeysUpdate,
        Self::KeysRotate,
        Self::KeysSuspend,
        Self::VerifierKeySet,
        Self::PolicyRead,
        Self::PolicyWrite,
        Self::SigningKeysRotate,
        Self::TenantManage,
    ];

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
            Self::KeysUpdate => 5,
            Self::KeysRotate => 6,
            Self::KeysSuspend => 7,
            Self::VerifierKeySet => 8,
            Self::PolicyRead => 9,
            Self::PolicyWrite => 10,
            Self::SigningKeysRotate => 11,
            Self::TenantManage => 12,
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
            Self::KeysUpdate => "keys:update",
            Self::KeysRotate => "keys:rotate",
            Self::KeysSuspend => "keys:suspend",
            Self::VerifierKeySet => "verifier:key-set",
            Self::PolicyRead => "policy:read",
            Self::PolicyWrite => "policy:write",
            Self::SigningKeysRotate => "signing-keys:rotate",
            Self::TenantManage => "tenant:manage",
        }
    }

    /// Whose keys the right can be for.
    pub const fn reach(self) -> Reach {
        match self {
            Self::KeysCreate
            | Self::KeysRead
            | Self::KeysRevoke
            | Self::KeysUpdate
            | Self::KeysRotate
            | Self::KeysSuspend
            | Self::AuditRead
            | Self::SigningKeysRotate => Reach::Any,
            Self::VerifierVerify | Self::VerifierKeySet => Reach::AudienceOfThePolicy,
            Self::PolicyRead | Self::PolicyWrite | Self::TenantManage => Reach::Tenant,
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

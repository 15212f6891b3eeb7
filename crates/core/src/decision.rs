//! What a verification comes to.

use crate::base::Base;
use crate::freshness::Zone;
use crate::identifier::{KeyId, SigningKeyId, StatusIndex};
use crate::scope::ScopeSet;
use crate::subject::Subject;
use crate::time::UnixSeconds;
use crate::verify::RegistryQuestion;

/// Allow, deny, or something that the host owes before there is an answer.
#[derive(Debug)]
pub enum Decision {
    /// The key is authentic, alive and allowed. Never given while an [`Ask`] is owed.
    Allow(Allow),
    /// It is not, or that cannot be known now.
    Deny(Denial),
    /// The host must ask, then verify again.
    Ask(Ask),
}

/// Who calls, and on what knowledge that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allow {
    /// Who the key acts as.
    pub subject: Subject,
    /// The key's stable name.
    pub key_id: KeyId,
    /// The generation's number.
    pub status_index: StatusIndex,
    /// Tenant, audience and epoch.
    pub signing_key: SigningKeyId,
    /// All scopes of the key.
    pub scopes: ScopeSet,
    /// The first second in which it is dead.
    pub expires_at: UnixSeconds,
    /// The knowledge that the answer rests on.
    pub list: ListSeen,
}

/// The list that an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListSeen {
    /// The list's sequence.
    pub sequence: u64,
    /// Its age, in milliseconds.
    pub age_ms: u64,
    /// Where that age lies for the scopes asked.
    pub zone: Zone,
}

/// A refusal. It is a value: a bad key is no error of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why, for logs; [`Reason::answer`] says what a caller may be told.
    pub reason: Reason,
    /// Whose key it was, once its tag has been found right.
    pub authentic: Option<Base>,
}

/// What the host owes.
#[derive(Debug)]
pub enum Ask {
    /// One refresh of the list, then verify again with the outcome in
    /// [`Refresh`](crate::Refresh).
    Refresh,
    /// The registry's answer about this key, then verify again with it.
    Registry(RegistryQuestion),
}

/// Why a key is denied. The words of [`Reason::as_str`] are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Not the text of a key.
    Malformed,
    /// The checksum does not fit: a typo.
    BadChecksum,
    /// The key set does not hold its signing key: another tenant, audience or epoch.
    UnknownSigningKey,
    /// The prefix is not that of its signing key.
    PrefixMismatch,
    /// The tag does not fit: forged.
    BadTag,
    /// Issued or expiring outside its signing key's window.
    OutsideWindow,
    /// The requirement was built for another audience.
    WrongAudience,
    /// The requirement was built from the catalog of another version of the key set: the host builds
    /// it anew.
    RequirementOutdated,
    /// The registry has no such generation.
    NeverIssued,
    /// The registry has no such tenant.
    TenantGone,
    /// Past its expiry.
    Expired,
    /// Dead by the list: index, cut-off or signing key.
    Inactive,
    /// The registry says: revoked.
    Revoked,
    /// The registry says: suspended.
    Suspended,
    /// The registry says: retired by a rotation.
    Retired,
    /// A required scope is not in the key.
    ScopeMissing,
    /// No list, or too old a one for the scopes asked.
    ListStale,
    /// The local clock is behind what the key or the list says.
    ClockBehind,
    /// The verifier's key set is older than the list accepts.
    NoKeySet,
    /// The registry had to be asked and could not be.
    RegistryUnavailable,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 20] = [
        Self::Malformed,
        Self::BadChecksum,
        Self::UnknownSigningKey,
        Self::PrefixMismatch,
        Self::BadTag,
        Self::OutsideWindow,
        Self::WrongAudience,
        Self::RequirementOutdated,
        Self::NeverIssued,
        Self::TenantGone,
        Self::Expired,
        Self::Inactive,
        Self::Revoked,
        Self::Suspended,
        Self::Retired,
        Self::ScopeMissing,
        Self::ListStale,
        Self::ClockBehind,
        Self::NoKeySet,
        Self::RegistryUnavailable,
    ];

    /// The word for logs. It may tell more than a caller may know: see [`Reason::answer`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadChecksum => "bad_checksum",
            Self::UnknownSigningKey => "unknown_signing_key",
            Self::PrefixMismatch => "prefix_mismatch",
            Self::BadTag => "bad_tag",
            Self::OutsideWindow => "outside_window",
            Self::WrongAudience => "wrong_audience",
            Self::RequirementOutdated => "requirement_outdated",
            Self::NeverIssued => "never_issued",
            Self::TenantGone => "tenant_gone",
            Self::Expired => "expired",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
            Self::ScopeMissing => "scope_missing",
            Self::ListStale => "list_stale",
            Self::ClockBehind => "clock_behind",
            Self::NoKeySet => "no_key_set",
            Self::RegistryUnavailable => "registry_unavailable",
        }
    }

    /// The reason of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

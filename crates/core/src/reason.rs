//! Why a key is denied, in stable words.

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
    /// Past its expiry, by its issuer or by a narrowing.
    Expired,
    /// Before its not-before, by its issuer or by a narrowing.
    NotYetValid,
    /// Dead by the list: index, cut-off or signing key.
    Inactive,
    /// The registry says: revoked.
    Revoked,
    /// The registry says: suspended.
    Suspended,
    /// The registry says: retired by a rotation.
    Retired,
    /// A required scope was never in the key.
    ScopeMissing,
    /// A required scope was in the key and was taken away by a narrowing.
    Narrowed,
    /// The caller's address is not known, or is in none of the networks of the issuer or of a narrowing.
    AddressNotAllowed,
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
    pub const ALL: [Self; 23] = [
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
        Self::NotYetValid,
        Self::Inactive,
        Self::Revoked,
        Self::Suspended,
        Self::Retired,
        Self::ScopeMissing,
        Self::Narrowed,
        Self::AddressNotAllowed,
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
            Self::NotYetValid => "not_yet_valid",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
            Self::ScopeMissing => "scope_missing",
            Self::Narrowed => "narrowed",
            Self::AddressNotAllowed => "address_not_allowed",
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

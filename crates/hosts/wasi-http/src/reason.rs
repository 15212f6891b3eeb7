//! Reasons in the words that FORMAT.md and every log have for them.

use crate::bindings::wardkey::verify::types::Reason;

pub(crate) const fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => "malformed",
        Reason::BadChecksum => "bad_checksum",
        Reason::UnknownSigningKey => "unknown_signing_key",
        Reason::PrefixMismatch => "prefix_mismatch",
        Reason::BadTag => "bad_tag",
        Reason::OutsideWindow => "outside_window",
        Reason::WrongAudience => "wrong_audience",
        Reason::RequirementOutdated => "requirement_outdated",
        Reason::NeverIssued => "never_issued",
        Reason::TenantGone => "tenant_gone",
        Reason::Expired => "expired",
        Reason::NotYetValid => "not_yet_valid",
        Reason::Inactive => "inactive",
        Reason::Revoked => "revoked",
        Reason::Suspended => "suspended",
        Reason::Retired => "retired",
        Reason::ScopeMissing => "scope_missing",
        Reason::Narrowed => "narrowed",
        Reason::AddressNotAllowed => "address_not_allowed",
        Reason::ListStale => "list_stale",
        Reason::ClockBehind => "clock_behind",
        Reason::NoKeySet => "no_key_set",
        Reason::RegistryUnavailable => "registry_unavailable",
    }
}

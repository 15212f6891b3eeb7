//! What each denial becomes over HTTP: the one mapping for every route and every SDK.

use crate::reason::Reason;

/// Status, error and code of a denial (RFC 6750 section 3.1, RFC 9457).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The `error` of a `WWW-Authenticate: Bearer` challenge; none for a 503.
    pub error: Option<&'static str>,
    /// The stable `code` that a caller may see.
    pub code: &'static str,
    /// Seconds for a `Retry-After` header.
    pub retry_after_s: Option<u8>,
}

impl Reason {
    /// What a caller may be told. Everything that is wrong with a key before authenticity is one and
    /// the same answer, so that nobody learns which part of a forgery was right.
    pub const fn answer(self) -> HttpAnswer {
        match self {
            Self::Malformed
            | Self::BadChecksum
            | Self::UnknownSigningKey
            | Self::PrefixMismatch
            | Self::BadTag
            | Self::OutsideWindow
            | Self::NeverIssued
            | Self::TenantGone => invalid("invalid_token"),
            // INVARIANT: only the registry's own answers make the last three; a client discards a
            // key on them, never on `inactive` alone.
            Self::Expired
            | Self::NotYetValid
            | Self::Inactive
            | Self::Revoked
            | Self::Suspended
            | Self::Retired => invalid(self.as_str()),
            Self::ScopeMissing | Self::Narrowed | Self::AddressNotAllowed => HttpAnswer {
                status: 403,
                error: Some("insufficient_scope"),
                code: self.as_str(),
                retry_after_s: None,
            },
            // No client throws a good key away on a 503.
            Self::WrongAudience
            | Self::RequirementOutdated
            | Self::ListStale
            | Self::ClockBehind
            | Self::NoKeySet
            | Self::RegistryUnavailable => {
                HttpAnswer { status: 503, error: None, code: self.as_str(), retry_after_s: Some(1) }
            }
        }
    }
}

const fn invalid(code: &'static str) -> HttpAnswer {
    HttpAnswer { status: 401, error: Some("invalid_token"), code, retry_after_s: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_refusals_before_authenticity_are_one_and_the_same() {
        let before = [
            Reason::BadChecksum,
            Reason::UnknownSigningKey,
            Reason::PrefixMismatch,
            Reason::BadTag,
            Reason::OutsideWindow,
            Reason::NeverIssued,
            Reason::TenantGone,
        ];
        for reason in before {
            assert_eq!(reason.answer(), Reason::Malformed.answer(), "{reason:?}");
        }
    }

    #[test]
    fn what_cannot_be_known_now_is_never_a_4xx() {
        for reason in [
            Reason::WrongAudience,
            Reason::RequirementOutdated,
            Reason::ListStale,
            Reason::ClockBehind,
            Reason::NoKeySet,
            Reason::RegistryUnavailable,
        ] {
            let answer = reason.answer();
            assert_eq!((answer.status, answer.retry_after_s), (503, Some(1)), "{reason:?}");
        }
    }
}

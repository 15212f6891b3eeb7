//! The core's decisions, in the words of `wit/`.

use alloc::string::{String, ToString as _};

use crate::bindings::exports::wardkey::verify::keys;
use crate::registry::Question;

impl From<wardkey::Decision> for keys::Decision {
    fn from(decision: wardkey::Decision) -> Self {
        match decision {
            wardkey::Decision::Allow(allow) => Self::Allow(allow.into()),
            wardkey::Decision::Deny(denial) => Self::Deny(denial.into()),
            wardkey::Decision::Ask(wardkey::Ask::Refresh) => Self::Ask(keys::Ask::Refresh),
            wardkey::Decision::Ask(wardkey::Ask::Registry(question)) => {
                Self::Ask(keys::Ask::Registry(Question::handle(question)))
            }
        }
    }
}

impl From<wardkey::Allow> for keys::Allow {
    fn from(allow: wardkey::Allow) -> Self {
        let wardkey::SigningKeyId { tenant, audience, epoch } = allow.signing_key;
        Self {
            tenant: tenant.0,
            audience: audience.0,
            epoch: epoch.number(),
            key_id: allow.key_id.to_string(),
            status_index: allow.status_index.0,
            expires_at_s: allow.expires_at.0,
            subject: String::from(allow.subject.as_str()),
            scopes: allow.scopes.iter().collect(),
            narrowed: allow.narrowed,
            sequence: allow.list.sequence,
            age_ms: allow.list.age_ms,
            zone: allow.list.zone.into(),
        }
    }
}

impl From<wardkey::Denial> for keys::Denial {
    fn from(denial: wardkey::Denial) -> Self {
        let answer = denial.reason.answer();
        Self {
            reason: denial.reason.into(),
            answer: keys::HttpAnswer {
                status: answer.status,
                error: answer.error.map(String::from),
                code: String::from(answer.code),
                retry_after_s: answer.retry_after_s,
            },
            claims: denial.authentic.as_ref().map(keys::Claims::from),
        }
    }
}

impl From<wardkey::Zone> for keys::Zone {
    fn from(zone: wardkey::Zone) -> Self {
        match zone {
            wardkey::Zone::Fresh => Self::Fresh,
            wardkey::Zone::MustAsk => Self::MustAsk,
            wardkey::Zone::Stale => Self::Stale,
            wardkey::Zone::Registry => Self::Registry,
        }
    }
}

impl From<wardkey::Reason> for keys::Reason {
    fn from(reason: wardkey::Reason) -> Self {
        use wardkey::Reason as Core;
        match reason {
            Core::Malformed => Self::Malformed,
            Core::BadChecksum => Self::BadChecksum,
            Core::UnknownSigningKey => Self::UnknownSigningKey,
            Core::PrefixMismatch => Self::PrefixMismatch,
            Core::BadTag => Self::BadTag,
            Core::OutsideWindow => Self::OutsideWindow,
            Core::WrongAudience => Self::WrongAudience,
            Core::RequirementOutdated => Self::RequirementOutdated,
            Core::NeverIssued => Self::NeverIssued,
            Core::TenantGone => Self::TenantGone,
            Core::Expired => Self::Expired,
            Core::NotYetValid => Self::NotYetValid,
            Core::Inactive => Self::Inactive,
            Core::Revoked => Self::Revoked,
            Core::Suspended => Self::Suspended,
            Core::Retired => Self::Retired,
            Core::ScopeMissing => Self::ScopeMissing,
            Core::Narrowed => Self::Narrowed,
            Core::AddressNotAllowed => Self::AddressNotAllowed,
            Core::ListStale => Self::ListStale,
            Core::ClockBehind => Self::ClockBehind,
            Core::NoKeySet => Self::NoKeySet,
            Core::RegistryUnavailable => Self::RegistryUnavailable,
        }
    }
}

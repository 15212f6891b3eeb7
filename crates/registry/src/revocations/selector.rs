//! Which keys a revocation reaches.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, KeyId, Subject, UnixSeconds};

use crate::error::RegistryError;
use crate::tenant::Tenant;

/// Which keys, of those that are there when the revocation begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Selector {
    /// Those that act as a subject.
    Subject {
        /// The subject.
        subject: String,
        /// Only of this audience; of all by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
    /// Those that a key has made, and those that these have made, and so on. Not the key itself.
    Issuer {
        /// The issuing key's id.
        key_id: String,
        /// Whether those are meant, too, that it has made by others.
        #[serde(default = "yes")]
        descendants: bool,
    },
    /// All of an audience.
    Audience {
        /// The audience's name.
        audience: String,
    },
    /// All that were issued up to a second, that one included.
    IssuedUntil {
        /// Unix seconds, not in the future.
        second: u32,
        /// Only of this audience; of all, the administration included, by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audience: Option<String>,
    },
    /// All, the administration's included.
    Everything {},
}

/// A selector whose names are the tenant's.
#[derive(Clone, Debug)]
pub(super) enum Reached {
    Subject { subject: Subject, audience: Option<AudienceId> },
    Issuer { key: KeyId, descendants: bool },
    Cutoff { audience: Option<AudienceId>, until: UnixSeconds },
}

impl Selector {
    /// Reads the names.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] for what can be no such name; what `absent` makes of the field that names an audience
    /// which the tenant does not have.
    pub(super) fn reach(
        &self,
        tenant: &Tenant,
        now: UnixSeconds,
        absent: impl Fn(String) -> RegistryError,
    ) -> Result<Reached, RegistryError> {
        let wrong =
            |field: &str, problem: &str| RegistryError::invalid(format!("select.{field}"), problem);
        let numbered = |field: &str, name: &str| {
            tenant.audience_named(name).ok_or_else(|| absent(format!("select.{field}")))
        };
        let optional = |field: &str, name: &Option<String>| {
            name.as_deref().map(|name| numbered(field, name)).transpose()
        };
        Ok(match self {
            Self::Subject { subject, audience } => Reached::Subject {
                subject: Subject::new(subject)
                    .map_err(|error| wrong("subject.subject", &error.to_string()))?,
                audience: optional("subject.audience", audience)?,
            },
            Self::Issuer { key_id, descendants } => Reached::Issuer {
                key: key_id.parse().map_err(|_| wrong("issuer.key_id", "must be a key's id"))?,
                descendants: *descendants,
            },
            Self::Audience { audience } => Reached::Cutoff {
                audience: Some(numbered("audience.audience", audience)?),
                until: now,
            },
            Self::IssuedUntil { second, audience } => {
                if *second > now.0 {
                    return Err(wrong("issued_until.second", "must not be in the future"));
                }
                let audience = optional("issued_until.audience", audience)?;
                Reached::Cutoff { audience, until: UnixSeconds(*second) }
            }
            Self::Everything {} => Reached::Cutoff { audience: None, until: now },
        })
    }
}

impl Reached {
    /// The one audience that it stays within, if it does.
    pub(super) const fn only_audience(&self) -> Option<AudienceId> {
        match self {
            Self::Subject { audience, .. } | Self::Cutoff { audience, .. } => *audience,
            Self::Issuer { .. } => None,
        }
    }

    /// The audience under which the audit log has it.
    pub(super) const fn audience(&self) -> AudienceId {
        match self.only_audience() {
            Some(audience) => audience,
            None => AudienceId::ADMINISTRATION,
        }
    }
}

/// The refusal of what the actor may not revoke. WHY one for an audience that is not there as well: whoever may not
/// revoke everything learns by asking of no audience but its own.
pub(super) fn out_of_reach() -> RegistryError {
    RegistryError::Forbidden {
        rule: "every_audience".into(),
        detail: "the credential does not hold keys:revoke for every audience that this reaches: name one of its own"
            .into(),
    }
}

const fn yes() -> bool {
    true
}

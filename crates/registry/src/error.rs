//! Why the registry refuses a call.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wardkey::Reason;
use wardkey_provision::{GrantRefused, PolicyError};

/// Why a call was refused. Nothing of a refused mutation is kept but its audit entry.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum RegistryError {
    /// The credential itself: [`Reason`]'s stable word.
    #[error("the credential is denied: {reason}")]
    Denied {
        /// The word.
        reason: String,
    },
    /// The credential is good and was narrowed: such a key can be verified and cannot act.
    #[error("a narrowed key cannot act here")]
    NarrowedKey,
    /// The credential is good and does not hold the right that the call needs.
    #[error("the credential does not hold {scope}")]
    MissingScope {
        /// The right's name.
        scope: String,
    },
    /// A field of the request.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field's path.
        field: String,
        /// What it must be.
        problem: String,
    },
    /// A rule of the policy or of the actor's rights.
    #[error("rule {rule}: {detail}")]
    Forbidden {
        /// The rule's name.
        rule: String,
        /// What it says.
        detail: String,
    },
    /// Nothing of that name that the actor may see.
    #[error("not found")]
    NotFound,
    /// The tenant was never made.
    #[error("there is no such tenant")]
    NoTenant,
    /// A policy for a tenant that lives: recovery takes none.
    #[error("the tenant exists already")]
    TenantExists,
    /// A bootstrap token works once.
    #[error("the bootstrap token was used before")]
    BootstrapUsed,
    /// The same Idempotency-Key with another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// Ours. The text is for the operator's log.
    #[error("{message}")]
    Internal {
        /// What failed, without secrets.
        message: String,
    },
}

impl RegistryError {
    pub(crate) fn denied(reason: Reason) -> Self {
        Self::Denied { reason: reason.as_str().into() }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Internal { message: message.into() }
    }

    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// The reason of a denied credential.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Denied { reason } => Reason::named(reason),
            _ => None,
        }
    }
}

impl From<GrantRefused> for RegistryError {
    fn from(refused: GrantRefused) -> Self {
        match refused {
            GrantRefused::Field { field, problem } => Self::invalid(field, problem),
            GrantRefused::Rule { rule, detail } => Self::Forbidden { rule: rule.into(), detail },
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<PolicyError> for RegistryError {
    fn from(error: PolicyError) -> Self {
        Self::invalid(format!("policy.{}", error.field), error.problem)
    }
}

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
        /// Whether the tag is right all the same: the signing key is one of the tenant's that has gone.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        genuine: bool,
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
    /// What is asked does not fit the state that things are in.
    #[error("{conflict}: {detail}")]
    Conflict {
        /// Which conflict.
        conflict: Conflict,
        /// What to do about it.
        detail: String,
    },
    /// The policy is another by now than the one that the actor has seen.
    #[error("the policy's version is {version}")]
    PolicyChanged {
        /// The version that it has.
        version: u32,
    },
    /// Nothing of that name that the actor may see.
    #[error("not found")]
    NotFound,
    /// The tenant was never made.
    #[error("there is no such tenant")]
    NoTenant,
    /// The tenant's secret was destroyed: there is nothing left to judge or publish anything by.
    #[error("the tenant is gone")]
    TenantGone,
    /// A policy for a tenant that lives: recovery takes none.
    #[error("the tenant exists already")]
    TenantExists,
    /// A bootstrap token works once.
    #[error("the bootstrap token was used before")]
    BootstrapUsed,
    /// The same Idempotency-Key with another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The object runs a version that does not know the call, or a field of it. Nothing was done.
    #[error("the registry does not know this call")]
    UnknownCall,
    /// Too many calls wait before this one, and it can wait longer than they can. Nothing was done.
    #[error("the registry is busy")]
    Busy,
    /// Ours. The text is for the operator's log.
    #[error("{message}")]
    Internal {
        /// What failed, without secrets.
        message: String,
    },
}

/// What a mutation conflicts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// Two generations live already.
    RotationInProgress,
    /// The key is suspended.
    KeySuspended,
    /// The key has no generation that lives.
    KeyEnded,
    /// The field stands inside the key.
    NeedsRotation,
    /// Nobody could administer the tenant any more.
    LastAdmin,
    /// The next signing key of the audience does not mint yet.
    EpochPending,
    /// As many signing keys of the audience live as a key set can hold.
    TooManyEpochs,
    /// The audience has had every signing key that it can have.
    EpochsUsedUp,
    /// A key of the audience lives.
    AudienceInUse,
}

impl Conflict {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RotationInProgress => "rotation_in_progress",
            Self::KeySuspended => "key_suspended",
            Self::KeyEnded => "key_ended",
            Self::NeedsRotation => "needs_rotation",
            Self::LastAdmin => "last_admin",
            Self::EpochPending => "epoch_pending",
            Self::TooManyEpochs => "too_many_epochs",
            Self::EpochsUsedUp => "epochs_used_up",
            Self::AudienceInUse => "audience_in_use",
        }
    }
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl RegistryError {
    pub(crate) fn conflict(conflict: Conflict, detail: impl Into<String>) -> Self {
        Self::Conflict { conflict, detail: detail.into() }
    }

    pub(crate) fn denied(reason: Reason) -> Self {
        Self::Denied { reason: reason.as_str().into(), genuine: false }
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
            Self::Denied { reason, .. } => Reason::named(reason),
            _ => None,
        }
    }

    /// Whether what was shown as a credential is one that this tenant has never issued. One that it has is no forgery, whatever
    /// became of it; what an object of the version before says does not tell a signing key that has gone from none.
    ///
    /// INVARIANT: for the Worker alone. No answer to a caller may differ by it.
    pub fn is_forgery(&self) -> bool {
        match self {
            Self::NoTenant => true,
            Self::Denied { genuine, .. } => {
                let is_unknown = matches!(
                    self.reason(),
                    Some(
                        Reason::UnknownSigningKey
                            | Reason::PrefixMismatch
                            | Reason::BadTag
                            | Reason::NeverIssued
                    )
                );
                is_unknown && !genuine
            }
            _ => false,
        }
    }
}

impl From<GrantRefused> for RegistryError {
    fn from(refused: GrantRefused) -> Self {
        match refused {
            GrantRefused::Field { field, problem } => Self::invalid(field, problem),
            GrantRefused::Rule { rule, detail } => Self::Forbidden { rule, detail },
            other => Self::internal(other.to_string()),
        }
    }
}

impl From<PolicyError> for RegistryError {
    fn from(error: PolicyError) -> Self {
        Self::invalid(format!("policy.{}", error.field), error.problem)
    }
}

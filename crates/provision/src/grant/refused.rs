//! Why a key may not be made.

use thiserror::Error;

/// Why a key may not be made. Each names the rule that refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrantRefused {
    /// A field that no policy would accept.
    #[error("{field}: {problem}")]
    Field {
        /// The request's field.
        field: &'static str,
        /// What it must be.
        problem: String,
    },
    /// A rule of the policy or of the actor's rights.
    #[error("{detail}")]
    Rule {
        /// The rule's name: one that is built in, or `level.` and what the policy demands.
        rule: String,
        /// What it says.
        detail: String,
    },
}

impl GrantRefused {
    pub(crate) fn rule(rule: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Rule { rule: rule.into(), detail: detail.into() }
    }

    pub(crate) fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }
}

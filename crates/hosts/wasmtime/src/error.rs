//! What goes wrong in a host. A key that is denied is no error.

use thiserror::Error;

use crate::bindings::exports::wardkey::verify::verifier::{
    KeySetError, ListError, RequirementError,
};

/// Why a call came to no answer. Nothing of a key or a key set is in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The bytes are no component of `wardkey:verify`.
    #[error("the component cannot be used: {0:#}")]
    Component(wasmtime::Error),
    /// A call did not come back: its instance is spent.
    #[error("the component failed: {0}")]
    Trapped(&'static str),
    /// There is no key set yet.
    #[error("there is no key set yet")]
    NoKeySet,
    /// The instance was spent by an earlier call.
    #[error("the instance is spent: an earlier call did not come back")]
    Spent,
    /// The key set was refused.
    #[error("the key set is refused: {}", key_set_words(*.0))]
    KeySet(KeySetError),
    /// The head or the state was refused; the list in force stays.
    #[error("the list is refused: {}", list_words(.0))]
    List(ListError),
    /// The list in force is older than one that was in force in another instance: nothing may rest on it.
    #[error("the list in force is older than one that was in force before")]
    Behind,
    /// The scopes make no requirement.
    #[error("{}", requirement_words(*.0))]
    Requirement(RequirementError),
    /// The question is another instance's.
    #[error("the question is another instance's")]
    ForeignQuestion,
    /// The registry's answer is about another key.
    #[error("the registry's answer is about another key")]
    AnotherKey,
}

const fn key_set_words(error: KeySetError) -> &'static str {
    match error {
        KeySetError::Malformed => "its bytes are none",
        KeySetError::Administration => "it is the administration's",
        KeySetError::OtherKeySet => "it is another audience's, or older",
    }
}

pub(crate) const fn list_words(error: &ListError) -> &'static str {
    match error {
        ListError::MalformedHead => "the head is malformed",
        ListError::ForeignHead => "the head is another tenant's, or does not name the audience",
        ListError::ForgedHead => "the head is forged",
        ListError::ClockBehind => "the head is ahead of this machine's clock",
        ListError::Older => "the head is older than the one in force",
        ListError::StateNeeded(_) => "the head's state is needed",
        ListError::MalformedState => "the state is malformed",
        ListError::WrongState => "the state is another than the head names",
        ListError::NoMemory => "there is no memory for the state",
    }
}

impl ListError {
    pub(crate) const fn is_state_needed(&self) -> bool {
        matches!(self, Self::StateNeeded(_))
    }
}

const fn requirement_words(error: RequirementError) -> &'static str {
    match error {
        RequirementError::Empty => "a requirement names at least one scope",
        RequirementError::UnknownScope => "a scope is not in the audience's catalog",
    }
}

//! What goes wrong in a host. A key that is denied is no error.

use thiserror::Error;

/// Why a call came to no answer. Nothing of a key or a key set is in it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// The bytes are no module of this ABI.
    #[error("the module cannot be used: {0}")]
    Module(String),
    /// A call did not come back: its instance is spent.
    #[error("the module failed: {0}")]
    Trapped(&'static str),
    /// The instance was spent by an earlier call.
    #[error("the instance is spent: an earlier call did not come back")]
    Spent,
    /// What is handed in is longer than the module's input.
    #[error("what is handed in is longer than anything of its kind")]
    TooLong,
    /// The key set was refused.
    #[error("the key set is refused: {0}")]
    KeySet(&'static str),
    /// The scopes make no requirement.
    #[error("{0}")]
    Requirement(&'static str),
    /// The registry's answer is to no question that is under way, or about another key.
    #[error("the registry's answer is to no question that is under way")]
    NoQuestion,
    /// The module calls it misuse.
    #[error("the module was asked about nothing that is there")]
    Misuse,
}

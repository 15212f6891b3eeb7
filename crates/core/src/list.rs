//! The revocation list: a small head that changes and an immutable state.

mod head;
mod state;

use core::fmt;

pub use head::{
    AdoptableHead, Cutoff, Head, HeadError, HeadRefused, MAX_HEAD_LEN, NOT_AFTER_MS, UnverifiedHead,
};
pub use state::{CHUNK_LEN, DIGEST_LEN, State, StateError, chunk_digest, state_digest};

use crate::base::Base;
use crate::identifier::StatusIndex;

/// A head together with the very state that it names.
///
/// # Guarantees
/// The head is authentic for one audience and newer than the one it replaced; the state has the
/// digest that the head names. How old it is, is judged anew at every verification.
#[derive(Debug)]
pub struct List<B> {
    head: Head,
    state: State<B>,
}

/// A state that is not the one its head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListError;

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the state's digest is not the one that the head names")
    }
}

impl core::error::Error for ListError {}

impl<B: AsRef<[u8]>> List<B> {
    /// Puts a head and its state together.
    ///
    /// # Errors
    /// [`ListError`] when the head names another state; the list in use stays in force.
    pub fn new(head: AdoptableHead, state: State<B>) -> Result<Self, ListError> {
        let head = head.into_head();
        if state.digest() != head.state_digest() {
            return Err(ListError);
        }
        Ok(Self { head, state })
    }

    /// Replaces the head by a newer one that names the same state. Answers whether it does; if not,
    /// nothing has changed and the state must be fetched.
    pub fn renew(&mut self, head: &AdoptableHead) -> bool {
        let same = head.head().state_digest() == self.head.state_digest();
        if same {
            self.head = head.head();
        }
        same
    }

    /// The head in force.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// Whether what the list says makes a key with this base dead.
    pub(crate) fn is_dead(&self, base: &Base) -> bool {
        let StatusIndex(index) = base.status_index;
        self.head.kills(base) || self.state.is_dead(index)
    }
}

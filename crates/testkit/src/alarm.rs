//! The alarm of a tenant's object, with a KV that takes everything.

use wardkey::UnixMillis;
use wardkey_registry::{RegistryError, StateCopy, Store};

use crate::book::Book;

/// What an alarm did in KV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KvAct {
    /// A key's sealed record was written: so many bytes.
    Record(usize),
    /// A state was written.
    State {
        /// Of the heads that name it.
        sequence: u64,
        /// The state.
        bytes: Vec<u8>,
    },
    /// A state was deleted.
    StateDeleted {
        /// Of the heads that named it.
        sequence: u64,
    },
}

impl KvAct {
    /// Bytes that were sent to KV.
    pub fn len(&self) -> usize {
        match self {
            Self::Record(len) => *len,
            Self::State { bytes, .. } => bytes.len(),
            Self::StateDeleted { .. } => 0,
        }
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<S: Store> Book<S> {
    /// When the alarm would ring, if it is armed.
    ///
    /// # Errors
    /// What the registry says.
    pub fn next_due(&self) -> Result<Option<UnixMillis>, RegistryError> {
        self.registry().next_due(self.now())
    }

    /// Does all that is due by now, as the object's alarm does; answers what it did in KV.
    ///
    /// # Errors
    /// What the registry says.
    pub fn alarm(&self) -> Result<Vec<KvAct>, RegistryError> {
        let registry = self.registry();
        let mut acts = Vec::new();
        while registry.next_due(self.now())?.is_some_and(|due| due <= self.now()) {
            while registry.is_revoking()? {
                registry.expand_revocations(self.now())?;
            }
            if !registry.is_gone()? {
                registry.apply_deadlines(self.now())?;
                for record in self.due_records()? {
                    acts.push(KvAct::Record(record.sealed.len()));
                    registry.published(record.name)?;
                }
            }
            for copy in registry.due_state_copies(self.now())? {
                registry.state_copied(&copy)?;
                let sequence = copy.name().sequence;
                acts.push(match copy {
                    StateCopy::Write { bytes, .. } => KvAct::State { sequence, bytes },
                    StateCopy::Delete { .. } => KvAct::StateDeleted { sequence },
                });
            }
        }
        Ok(acts)
    }
}

//! `Wardkey-Rotate-By`: by when the holder of a credential needs the next one, told to who was just shown to hold it.

use std::cell::Cell;
use std::rc::Rc;

use wardkey::UnixMillis;
use worker::Headers;

use crate::clock;

/// When a credential is retired, if the registry has said so: its successor was seen, and it lives on for a while.
#[derive(Clone, Default)]
pub(crate) struct RotateBy(Rc<Cell<Option<UnixMillis>>>);

impl RotateBy {
    /// The registry has said it.
    pub(crate) fn set(&self, at: UnixMillis) {
        self.0.set(Some(at));
    }

    /// When, in Unix seconds.
    pub(crate) fn seconds(&self) -> Option<u32> {
        self.0.get().and_then(|at| u32::try_from(at.0 / 1_000).ok())
    }

    /// Writes the header, if it is known.
    pub(crate) fn say(&self, headers: &mut Headers) -> worker::Result<()> {
        match self.0.get() {
            Some(at) => headers.set(HEADER, &clock::http_date_of(at)),
            None => Ok(()),
        }
    }
}

/// What says it, as an HTTP date.
const HEADER: &str = "Wardkey-Rotate-By";

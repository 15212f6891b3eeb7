//! What to write in a credential's place.

use core::fmt::{self, Write};

use wardkey::Finding;

/// Bytes of the longest: a prefix of 18, and `[redacted key_0123456789abcdef base64]`.
pub(crate) const MAX_LABEL_LEN: usize = 56;

/// A label in memory of its own.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    text: [u8; MAX_LABEL_LEN],
    len: usize,
}

impl Label {
    pub(crate) fn of(finding: &Finding) -> Self {
        let mut label = Self { text: [0; MAX_LABEL_LEN], len: 0 };
        // What does not fit is left out.
        let _: fmt::Result = write!(label, "{finding}");
        label
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    /// The whole room that it stands at the front of.
    pub(crate) const fn room(&self) -> &[u8; MAX_LABEL_LEN] {
        &self.text
    }
}

impl Write for Label {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.text.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

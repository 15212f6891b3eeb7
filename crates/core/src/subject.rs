//! The identity that a key acts as.

use core::fmt;

use crate::byte_set::ByteSet;

/// Longest subject, in bytes.
pub const MAX_SUBJECT_LEN: usize = 63;

/// The auditable identity that a key acts as, such as `svc:billing` (RFC 7519 `sub`).
///
/// # Constraints
/// 1 to 63 bytes of `[a-z0-9][a-z0-9:._/-]*`; no `@`, so no e-mail address: it stands in the key
/// in clear.
///
/// # Example
/// ```
/// use wardkey::Subject;
/// assert_eq!(Subject::new("svc:billing")?.as_str(), "svc:billing");
/// assert!(Subject::new("ada@example.org").is_err());
/// # Ok::<(), wardkey::SubjectError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject {
    bytes: [u8; MAX_SUBJECT_LEN],
    len: u8,
}

/// A text that is no subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectError;

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a subject is 1 to 63 characters of a-z 0-9 : . _ / - and starts with a letter or digit",
        )
    }
}

impl core::error::Error for SubjectError {}

impl Subject {
    /// Takes a subject from text.
    ///
    /// # Errors
    /// [`SubjectError`] for a wrong length or character.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        SubjectView::from_bytes(text.as_bytes()).map(SubjectView::to_subject)
    }

    /// The subject's text.
    pub fn as_str(&self) -> &str {
        // The alphabet is ASCII, so that the empty fallback is never taken.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The same as ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// A subject where it stands in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SubjectView<'b>(&'b [u8]);

impl<'b> SubjectView<'b> {
    pub(crate) fn from_bytes(text: &'b [u8]) -> Result<Self, SubjectError> {
        let first = *text.first().ok_or(SubjectError)?;
        // WHY not the first wrong one: without a way out of the loop it is a few instructions.
        let all = text.iter().fold(true, |all, byte| all & ALLOWED.contains(*byte));
        let starts = first.is_ascii_lowercase() || first.is_ascii_digit();
        (all && starts && text.len() <= MAX_SUBJECT_LEN).then_some(Self(text)).ok_or(SubjectError)
    }

    pub(crate) const fn as_bytes(self) -> &'b [u8] {
        self.0
    }

    /// The same in memory of its own.
    pub(crate) fn to_subject(self) -> Subject {
        let mut subject = Subject { bytes: [0; MAX_SUBJECT_LEN], len: 0 };
        if let (Some(room), Ok(len)) =
            (subject.bytes.get_mut(..self.0.len()), self.0.len().try_into())
        {
            room.copy_from_slice(self.0);
            subject.len = len;
        }
        subject
    }
}

/// What stands in a subject.
const ALLOWED: ByteSet = ByteSet::of(b"abcdefghijklmnopqrstuvwxyz0123456789:._/-");

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_1_to_63_bytes_of_its_alphabet() {
        for good in ["a", "0", "svc:billing", "a/b.c_d-e:f", &"x".repeat(63)] {
            assert_eq!(Subject::new(good).expect("good").as_str(), good);
        }
        for bad in ["", ":a", "-a", "A", "a b", "a@b", "ä", "a\n", "a\0", &"x".repeat(64)] {
            assert_eq!(Subject::new(bad), Err(SubjectError), "{bad:?}");
        }
    }
}

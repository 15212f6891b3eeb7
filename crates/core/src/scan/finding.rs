//! What a scan finds, without a byte of its secret.

use core::fmt;
use core::ops::Range;

use crate::identifier::KeyId;
use crate::prefix::Prefix;

/// Where a credential stands in a text, and what it is.
///
/// # Guarantees
/// Nothing is proven: a checksum that fits shows a text that was written as a key, not that we wrote it.
///
/// # Leaks
/// It holds no byte of the secret part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub(super) range: Range<usize>,
    pub(super) kind: FindingKind,
    pub(super) prefix: Option<Prefix>,
    pub(super) base64: bool,
}

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// A key whose checksum fits, with the id that it shows: public, and unproven.
    Key(KeyId),
    /// What was a key before it was cut short or mistyped, or one of version 2.
    DamagedKey,
    /// A bootstrap token, whole or damaged: it has no checksum.
    BootstrapToken,
}

impl Finding {
    /// The bytes of the text that it takes up; with [`Self::is_base64`], those that it is wrapped in.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// What it is.
    pub const fn kind(&self) -> FindingKind {
        self.kind
    }

    /// The key's prefix, as far as it is certain: the checksum fits, or the brand is a known one.
    pub const fn prefix(&self) -> Option<&Prefix> {
        self.prefix.as_ref()
    }

    /// Whether it stands in the text as base64.
    pub const fn is_base64(&self) -> bool {
        self.base64
    }
}

/// What stands in its place when a text is redacted: prefix and key id stay, so that people can trace it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.prefix, self.kind) {
            (_, FindingKind::BootstrapToken) => f.write_str("wkboot_")?,
            (Some(prefix), _) => f.write_str(prefix.as_str())?,
            (None, _) => {}
        }
        f.write_str("[redacted")?;
        if let FindingKind::Key(id) = self.kind {
            write!(f, " {id}")?;
        }
        f.write_str(if self.base64 { " base64]" } else { "]" })
    }
}

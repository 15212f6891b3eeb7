//! The readable front of a key's text, which scanners and people know it by.

use core::fmt;

/// Longest prefix, in bytes: a brand of 12, two underscores and an environment of 4.
pub(crate) const MAX_PREFIX_LEN: usize = 18;
/// Shortest one: a brand of 2.
pub(crate) const MIN_PREFIX_LEN: usize = 8;

/// Whether keys may touch real things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Production.
    Live,
    /// Everything else.
    Test,
}

impl Environment {
    /// The word that stands in a prefix and in policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// `brand_env_`, such as `wk_live_`.
///
/// # Constraints
/// brand `[a-z][a-z0-9]{1,11}`, env `live` or `test`: 8 to 18 bytes.
///
/// # Example
/// ```
/// use wardkey::{Environment, Prefix};
/// assert_eq!(Prefix::new("wk", Environment::Test)?.as_str(), "wk_test_");
/// # Ok::<(), wardkey::PrefixError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    bytes: [u8; MAX_PREFIX_LEN],
    len: u8,
}

/// A text that is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixError;

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a brand is 2 to 12 characters of a-z 0-9 and starts with a letter")
    }
}

impl core::error::Error for PrefixError {}

impl Prefix {
    /// None: no key's text begins with it.
    pub(crate) const NOTHING: Self = Self { bytes: [0; MAX_PREFIX_LEN], len: 0 };

    /// Builds a prefix from its brand and environment.
    ///
    /// # Errors
    /// [`PrefixError`] for a brand outside the grammar.
    pub fn new(brand: &str, environment: Environment) -> Result<Self, PrefixError> {
        let mut bytes = [0; MAX_PREFIX_LEN];
        let mut len = 0;
        for part in [brand, "_", environment.as_str(), "_"] {
            let end = len + part.len();
            bytes.get_mut(len..end).ok_or(PrefixError)?.copy_from_slice(part.as_bytes());
            len = end;
        }
        Self::from_bytes(bytes.get(..len).ok_or(PrefixError)?)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, PrefixError> {
        if Self::len_in(bytes) != Some(bytes.len()) {
            return Err(PrefixError);
        }
        let mut prefix = Self { bytes: [0; MAX_PREFIX_LEN], len: 0 };
        prefix.bytes.get_mut(..bytes.len()).ok_or(PrefixError)?.copy_from_slice(bytes);
        prefix.len = u8::try_from(bytes.len()).map_err(|_| PrefixError)?;
        Ok(prefix)
    }

    /// How long the prefix at the front of a key's text is, in bytes.
    pub(crate) fn len_in(text: &[u8]) -> Option<usize> {
        let brand_len = text.iter().take(13).position(|byte| *byte == b'_')?;
        let (brand, rest) = text.split_at_checked(brand_len)?;
        let first_ok = brand.first()?.is_ascii_lowercase();
        let rest_ok = brand.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if brand.len() < 2 || !first_ok || !rest_ok {
            return None;
        }
        let middle = rest.first_chunk()?;
        if middle != b"_live_" && middle != b"_test_" {
            return None;
        }
        Some(brand_len + middle.len())
    }

    /// The prefix's text.
    pub fn as_str(&self) -> &str {
        // The grammar is ASCII, so that the empty fallback is never taken.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_brand_and_environment() {
        for good in ["wk_live_", "wk_test_", "a1_live_", "abcdefghijkl_test_"] {
            assert_eq!(Prefix::from_bytes(good.as_bytes()).expect("good").as_str(), good);
        }
        for bad in [
            "",
            "_",
            "w_live_",
            "1k_live_",
            "wk_prod_",
            "wk_live",
            "wk_live_x",
            "Wk_live_",
            "abcdefghijklm_test_",
        ] {
            assert_eq!(Prefix::from_bytes(bad.as_bytes()), Err(PrefixError), "{bad}");
        }
        assert_eq!(Prefix::new("", Environment::Live), Err(PrefixError));
        assert_eq!(Prefix::new("a_b", Environment::Live), Err(PrefixError));
        assert_eq!(Prefix::new("abcdefghijklm", Environment::Live), Err(PrefixError));
    }
}

//! The bootstrap token: how a deployment makes its first administrator.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use wardkey::{TenantId, UnixMillis, UnixSeconds};

/// SHA-256 of a whole token: all that a deployment holds of it.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// A token whose hash is the one that the deployment expects, and whose time has not passed.
///
/// # Constraints
/// `wkboot_<tenant>_<expiry>_<random>`: tenant decimal, expiry in decimal Unix seconds, 32 random bytes in
/// unpadded base64url.
///
/// # Guarantees
/// The deployment's owner made it. **Not** that it was not used before: that is the registry's to say.
#[derive(Clone, Copy, Debug)]
pub struct BootstrapToken {
    tenant: TenantId,
    hash: TokenHash,
}

/// A text that opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BootstrapError {
    /// Not a bootstrap token, or not the one that the deployment expects: one and the same.
    #[error("the bootstrap token is not the one that the deployment expects")]
    Refused,
    /// The right one, too late.
    #[error("the bootstrap token has expired: make a new one")]
    Expired,
}

impl TokenHash {
    /// Reads 64 lower-case hex digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            if !pair.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                return None;
            }
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }

    /// The hash's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash([redacted])")
    }
}

impl BootstrapToken {
    /// Checks a token against the hash that the deployment holds, in constant time, before anything of
    /// it is believed.
    ///
    /// # Errors
    /// [`BootstrapError`].
    pub fn check(
        text: &str,
        expected: &TokenHash,
        now: UnixMillis,
    ) -> Result<Self, BootstrapError> {
        let hash = TokenHash(Sha256::digest(text).into());
        if !bool::from(hash.0.ct_eq(&expected.0)) {
            return Err(BootstrapError::Refused);
        }
        let (tenant, expiry) = Self::parts(text).ok_or(BootstrapError::Refused)?;
        if now >= expiry.as_millis() {
            return Err(BootstrapError::Expired);
        }
        Ok(Self { tenant, hash })
    }

    fn parts(text: &str) -> Option<(TenantId, UnixSeconds)> {
        let mut parts = text.strip_prefix("wkboot_")?.splitn(3, '_');
        let tenant = parts.next()?.parse().ok()?;
        let expiry = parts.next()?.parse().ok()?;
        let random = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        (random.len() == 32).then_some((TenantId(tenant), UnixSeconds(expiry)))
    }

    /// The tenant that it makes or recovers.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Its hash, which the registry keeps for ever.
    pub const fn hash(&self) -> TokenHash {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(text: &str) -> TokenHash {
        TokenHash(Sha256::digest(text).into())
    }

    #[test]
    fn only_the_expected_token_opens_and_only_in_time() {
        let token = format!("wkboot_7_1000_{}", URL_SAFE_NO_PAD.encode([1; 32]));
        let expected = hash_of(&token);
        let check = |text: &str, now| BootstrapToken::check(text, &expected, UnixMillis(now));
        assert_eq!(check(&token, 999_999).expect("in time").tenant(), TenantId(7));
        assert_eq!(check(&token, 1_000_000).err(), Some(BootstrapError::Expired));
        assert_eq!(check(&token.replace("_7_", "_8_"), 1).err(), Some(BootstrapError::Refused));
        // A deployment that holds the hash of something else opens for nothing at all.
        for odd in ["", "wkboot_", "wkboot_7_1000_short", "wkboot_70000_1000_x"] {
            let refused = BootstrapToken::check(odd, &hash_of(odd), UnixMillis(1)).err();
            assert_eq!(refused, Some(BootstrapError::Refused), "{odd}");
        }
    }

    #[test]
    fn a_hash_is_64_lower_case_hex_digits() {
        assert!(TokenHash::from_hex(&"0f".repeat(32)).is_some());
        for bad in
            [String::new(), "0f".repeat(31), "0F".repeat(32), "+f".repeat(32), "é".repeat(32)]
        {
            assert!(TokenHash::from_hex(&bad).is_none(), "{bad}");
        }
    }
}

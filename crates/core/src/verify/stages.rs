//! The stages up to the list, each a type that only the stage before can make.

use crate::base::Base;
use crate::key::UnverifiedKey;
use crate::key_set::SigningKeyEntry;
use crate::reason::Reason;
use crate::signing::Tag;
use crate::time::UnixMillis;

/// A key that names a known signing key and bears its prefix. Nothing is proven yet.
#[derive(Debug)]
pub struct SignedKey<'k> {
    key: &'k UnverifiedKey,
    entry: &'k SigningKeyEntry,
}

/// A key whose tag is right: its issuer said what stands in it.
///
/// # Guarantees
/// Authentic. **Not** that it is in its window, in time, alive or allowed.
#[derive(Debug)]
pub struct AuthenticKey<'k> {
    base: &'k Base,
    tag: &'k Tag,
    entry: &'k SigningKeyEntry,
}

/// An authentic key that its signing key was allowed to sign.
#[derive(Debug)]
pub struct WindowedKey<'k> {
    base: &'k Base,
    tag: &'k Tag,
}

/// An authentic key, within its signing key's window and its own time.
///
/// # Guarantees
/// **Not** that it is alive or allowed: that is the list's and the requirement's to say.
#[derive(Debug)]
pub struct TimelyKey<'k> {
    pub(super) base: &'k Base,
    pub(super) tag: &'k Tag,
}

impl UnverifiedKey {
    /// Sets the key beside the signing key that it names.
    ///
    /// # Errors
    /// [`Reason::UnknownSigningKey`] if it names another, [`Reason::PrefixMismatch`].
    pub fn signed_by<'k>(&'k self, entry: &'k SigningKeyEntry) -> Result<SignedKey<'k>, Reason> {
        if self.base.signing_key != entry.id {
            return Err(Reason::UnknownSigningKey);
        }
        if self.prefix != entry.prefix {
            return Err(Reason::PrefixMismatch);
        }
        Ok(SignedKey { key: self, entry })
    }
}

impl<'k> SignedKey<'k> {
    /// Checks the tag, in constant time.
    ///
    /// # Errors
    /// [`Reason::BadTag`].
    pub fn authenticate(self) -> Result<AuthenticKey<'k>, Reason> {
        let Self { key, entry } = self;
        if entry.key.accepts(key.base_bytes(), &key.tag) {
            Ok(AuthenticKey { base: &key.base, tag: &key.tag, entry })
        } else {
            Err(Reason::BadTag)
        }
    }
}

impl<'k> AuthenticKey<'k> {
    /// What the issuer said.
    pub const fn base(&self) -> &'k Base {
        self.base
    }

    /// Checks that the signing key was allowed to sign this key.
    ///
    /// # Errors
    /// [`Reason::OutsideWindow`].
    pub fn in_window(self) -> Result<WindowedKey<'k>, Reason> {
        let Self { base, tag, entry } = self;
        let minted_in = entry.mint_from <= base.issued_at && base.issued_at <= entry.mint_until;
        if minted_in && base.expires_at <= entry.verify_until {
            Ok(WindowedKey { base, tag })
        } else {
            Err(Reason::OutsideWindow)
        }
    }
}

impl<'k> WindowedKey<'k> {
    /// Checks the key's own times against `now`, which the caller has already moved forward to the
    /// newest time that it has proof of.
    ///
    /// # Errors
    /// [`Reason::ClockBehind`] for a key from further ahead than the skew (milliseconds),
    /// [`Reason::Expired`].
    pub fn at(self, now: UnixMillis, max_skew_ms: u64) -> Result<TimelyKey<'k>, Reason> {
        let Self { base, tag } = self;
        if base.issued_at.as_millis() > now.plus(max_skew_ms) {
            return Err(Reason::ClockBehind);
        }
        if now >= base.expires_at.as_millis() {
            return Err(Reason::Expired);
        }
        Ok(TimelyKey { base, tag })
    }
}

impl<'k> TimelyKey<'k> {
    /// What the issuer said.
    pub const fn base(&self) -> &'k Base {
        self.base
    }
}

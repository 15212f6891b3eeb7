//! The stages up to the list, each a type that only the stage before can make.

use core::net::IpAddr;

use crate::base::Base;
use crate::base_view::BaseView;
use crate::identifier::{KeyId, SigningKeyId, StatusIndex};
use crate::key::UnverifiedKey;
use crate::key_set::SigningKeyEntry;
use crate::reason::Reason;
use crate::scope::ScopeSet;
use crate::signing::TAG_LEN;
use crate::time::{UnixMillis, UnixSeconds};

/// A key that names a known signing key and bears its prefix. Nothing is proven yet.
#[derive(Debug)]
pub struct SignedKey<'k> {
    key: &'k UnverifiedKey<'k>,
    entry: &'k SigningKeyEntry,
}

/// A key whose tag is right: its issuer said what stands in its base, and each of its blocks was
/// added by a holder.
///
/// # Guarantees
/// Authentic. **Not** that it is in its window, in time, alive or allowed.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticKey<'k> {
    key: &'k UnverifiedKey<'k>,
    entry: &'k SigningKeyEntry,
}

/// An authentic key that its signing key was allowed to sign.
#[derive(Debug)]
pub struct WindowedKey<'k> {
    key: &'k UnverifiedKey<'k>,
}

/// An authentic key, within its signing key's window and its own time.
///
/// # Guarantees
/// **Not** that it is alive or allowed: that is the list's and the requirement's to say.
#[derive(Debug)]
pub struct TimelyKey<'k> {
    key: &'k UnverifiedKey<'k>,
}

impl UnverifiedKey<'_> {
    /// Sets the key beside the signing key that it names.
    ///
    /// # Errors
    /// [`Reason::UnknownSigningKey`] if it names another, [`Reason::PrefixMismatch`].
    pub fn signed_by<'k>(&'k self, entry: &'k SigningKeyEntry) -> Result<SignedKey<'k>, Reason> {
        if self.base.signing_key != entry.id {
            return Err(Reason::UnknownSigningKey);
        }
        if self.prefix() != entry.prefix.as_bytes() {
            return Err(Reason::PrefixMismatch);
        }
        Ok(SignedKey { key: self, entry })
    }
}

impl<'k> SignedKey<'k> {
    /// Checks the last tag of the chain, in constant time.
    ///
    /// # Errors
    /// [`Reason::BadTag`].
    pub fn authenticate(self) -> Result<AuthenticKey<'k>, Reason> {
        let Self { key, entry } = self;
        let first = entry.key.tag(key.base.bytes);
        let last = key.blocks().fold(first, |tag, block| tag.after(block.bytes));
        if last.matches(key.secret_tag()) {
            Ok(AuthenticKey { key, entry })
        } else {
            Err(Reason::BadTag)
        }
    }
}

impl<'k> AuthenticKey<'k> {
    /// What the issuer said.
    pub fn base(&self) -> Base {
        self.key.base.to_base()
    }

    /// Checks that the signing key was allowed to sign this key.
    ///
    /// # Errors
    /// [`Reason::OutsideWindow`].
    pub fn in_window(self) -> Result<WindowedKey<'k>, Reason> {
        let Self { key, entry } = self;
        let (issued_at, expires_at) = (key.base.issued_at, key.base.expires_at);
        let minted_in = entry.mint_from <= issued_at && issued_at <= entry.mint_until;
        if minted_in && expires_at <= entry.verify_until {
            Ok(WindowedKey { key })
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
    /// [`Reason::Expired`], [`Reason::NotYetValid`].
    pub fn at(self, now: UnixMillis, max_skew_ms: u64) -> Result<TimelyKey<'k>, Reason> {
        let Self { key } = self;
        if key.base.issued_at.as_millis() > now.plus(max_skew_ms) {
            return Err(Reason::ClockBehind);
        }
        if now >= key.left.expires_at.as_millis() {
            return Err(Reason::Expired);
        }
        if now < key.left.not_before.as_millis() {
            return Err(Reason::NotYetValid);
        }
        Ok(TimelyKey { key })
    }
}

impl<'k> TimelyKey<'k> {
    /// What the issuer said.
    pub fn base(&self) -> Base {
        self.key.base.to_base()
    }

    /// The signing key that it was made with.
    pub const fn signing_key(&self) -> SigningKeyId {
        self.key.base.signing_key
    }

    /// Its stable name.
    pub const fn key_id(&self) -> KeyId {
        self.key.base.key_id
    }

    /// Its generation's number in the revocation list.
    pub const fn status_index(&self) -> StatusIndex {
        self.key.base.status_index
    }

    /// Whom it acts as: 1 to 63 bytes of ASCII, where they stand. [`TimelyKey::base`] has it as a [`Subject`](crate::Subject), copied.
    pub const fn subject_bytes(&self) -> &'k [u8] {
        self.key.base.subject.as_bytes()
    }

    pub(super) const fn view(&self) -> &'k BaseView<'k> {
        &self.key.base
    }

    /// Whether a holder has narrowed it.
    pub const fn is_narrowed(&self) -> bool {
        self.key.left.narrowed
    }

    /// The scopes that its narrowings left.
    pub fn scopes_left(&self) -> ScopeSet {
        self.key.scopes_left()
    }

    /// The first second in which it is dead, by its issuer or by a narrowing.
    pub const fn expires_at(&self) -> UnixSeconds {
        self.key.left.expires_at
    }

    /// The last tag of its chain.
    pub(super) fn secret_tag(&self) -> &'k [u8; TAG_LEN] {
        self.key.secret_tag()
    }

    /// Checks where it is used from: a caller must be in the networks of the issuer and of every
    /// narrowing that names some.
    ///
    /// # Errors
    /// [`Reason::AddressNotAllowed`], also for a caller whose address is not known.
    pub fn from_caller(&self, caller: Option<IpAddr>) -> Result<(), Reason> {
        if self.key.networks().all(|networks| networks.allow(caller)) {
            Ok(())
        } else {
            Err(Reason::AddressNotAllowed)
        }
    }
}

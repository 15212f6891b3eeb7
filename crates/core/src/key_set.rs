//! What a verifier of one audience holds.

use core::fmt;

use crate::bytes::{Reader, TooShort};
use crate::catalog::{Catalog, CatalogError};
use crate::checksum::FastChecksum;
use crate::freshness::{Bounds, BoundsError};
use crate::identifier::{AudienceId, Epoch, SigningKeyId, TenantId};
use crate::prefix::{Prefix, PrefixError};
use crate::signing::{ListKey, SigningKey};
use crate::time::UnixSeconds;
use crate::wipe::wipe;

/// Most epochs of an audience that live at once.
pub const MAX_LIVE_EPOCHS: usize = 8;

/// One signing key with the windows that it is good for.
#[derive(Debug)]
pub struct SigningKeyEntry {
    /// Its name.
    pub id: SigningKeyId,
    /// The only prefix of its keys.
    pub prefix: Prefix,
    /// First second in which it may have signed.
    pub mint_from: UnixSeconds,
    /// Last second in which it may have signed.
    pub mint_until: UnixSeconds,
    /// Latest expiry of its keys.
    pub verify_until: UnixSeconds,
    /// The key itself.
    pub key: SigningKey,
}

impl SigningKeyEntry {
    /// What stands where there is none: of the administration, which has no key set, and good for no time.
    const NOTHING: Self = Self {
        id: SigningKeyId {
            tenant: TenantId(0),
            audience: AudienceId::ADMINISTRATION,
            epoch: Epoch::FIRST,
        },
        prefix: Prefix::NOTHING,
        mint_from: UnixSeconds(0),
        mint_until: UnixSeconds(0),
        verify_until: UnixSeconds(0),
        key: SigningKey::NOTHING,
    };
}

/// What a verifier of one audience holds: signing keys with their windows, prefixes, bounds and the
/// list key. **A secret**: whoever holds it can mint any key that verifiers of that audience accept.
///
/// # Guarantees
/// One audience, never the administration; 1 to 8 signing keys, ascending; sound bounds.
#[derive(Debug)]
pub struct KeySet {
    tenant: TenantId,
    audience: AudienceId,
    version: u32,
    bounds: Bounds,
    list_key: ListKey,
    checksum: FastChecksum,
    /// WHY not options: what is none of them would be bytes that happened to be there, secrets of others among them.
    entries: [SigningKeyEntry; MAX_LIVE_EPOCHS],
    count: usize,
}

/// Bytes that are no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// The bytes end inside a field.
    TooShort,
    /// Another format version than 1.
    Version,
    /// A key set of audience 0: the administration is always asked of the registry.
    Administration,
    /// No epoch, more than 8, epoch 0, or epochs that do not ascend.
    Epochs,
    /// A prefix outside its grammar.
    Prefix,
    /// Bounds that do not ascend or are looser than the defaults.
    Bounds,
    /// The catalog at the end.
    Catalog(CatalogError),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("the key set ends inside a field"),
            Self::Version => f.write_str("the key set's format version is not 1"),
            Self::Administration => f.write_str("there is no key set of the administration"),
            Self::Epochs => f.write_str("a key set holds 1 to 8 epochs, ascending from 1"),
            Self::Prefix => f.write_str("a prefix is outside its grammar"),
            Self::Bounds => fmt::Display::fmt(&BoundsError, f),
            Self::Catalog(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for KeySetError {}

impl From<TooShort> for KeySetError {
    fn from(_: TooShort) -> Self {
        Self::TooShort
    }
}

impl From<PrefixError> for KeySetError {
    fn from(_: PrefixError) -> Self {
        Self::Prefix
    }
}

impl KeySet {
    /// Reads a key set and the catalog that it ends with. The caller wipes its bytes when it no
    /// longer needs the catalog.
    ///
    /// # Errors
    /// [`KeySetError`] for bytes that are no key set in its one spelling.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Catalog<'_>), KeySetError> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(KeySetError::Version);
        }
        let tenant = TenantId(reader.u16()?);
        let audience = AudienceId(reader.u8()?);
        if audience == AudienceId::ADMINISTRATION {
            return Err(KeySetError::Administration);
        }
        let version = reader.u32()?;
        let (fresh_for, high, standard) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let (low, max_skew) = (reader.u32()?, reader.u32()?);
        let bounds = Bounds::new(fresh_for, high, standard, low, max_skew)
            .map_err(|BoundsError| KeySetError::Bounds)?;
        let list_key = with_secret(&mut reader, ListKey::new)?;
        let count = usize::from(reader.u8()?);
        if count == 0 {
            return Err(KeySetError::Epochs);
        }
        let mut entries = [const { SigningKeyEntry::NOTHING }; MAX_LIVE_EPOCHS];
        let mut last = None;
        for slot in entries.get_mut(..count).ok_or(KeySetError::Epochs)? {
            let entry = read_entry(&mut reader, tenant, audience)?;
            if last.is_some_and(|last| entry.id.epoch <= last) {
                return Err(KeySetError::Epochs);
            }
            last = Some(entry.id.epoch);
            *slot = entry;
        }
        let catalog = Catalog::parse(tenant, audience, version, reader.rest())
            .map_err(KeySetError::Catalog)?;
        let checksum = FastChecksum::new();
        Ok((
            Self { tenant, audience, version, bounds, list_key, checksum, entries, count },
            catalog,
        ))
    }

    /// The tenant whose keys it verifies.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The audience whose keys it verifies.
    pub const fn audience(&self) -> AudienceId {
        self.audience
    }

    /// Which edition of the audience's key set this is; heads say which is the least acceptable.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// How old the list may be.
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) const fn list_key(&self) -> &ListKey {
        &self.list_key
    }

    pub(crate) const fn checksum(&self) -> &FastChecksum {
        &self.checksum
    }

    pub(crate) fn entry(&self, id: SigningKeyId) -> Option<&SigningKeyEntry> {
        let entries = self.entries.get(..self.count).unwrap_or_default();
        entries.iter().find(|entry| entry.id == id)
    }
}

fn read_entry(
    reader: &mut Reader<'_>,
    tenant: TenantId,
    audience: AudienceId,
) -> Result<SigningKeyEntry, KeySetError> {
    let epoch = Epoch::new(reader.u8()?).ok_or(KeySetError::Epochs)?;
    let key = with_secret(reader, SigningKey::new)?;
    let prefix_len = usize::from(reader.u8()?);
    let prefix = Prefix::from_bytes(reader.take(prefix_len)?)?;
    Ok(SigningKeyEntry {
        id: SigningKeyId { tenant, audience, epoch },
        prefix,
        mint_from: UnixSeconds(reader.u32()?),
        mint_until: UnixSeconds(reader.u32()?),
        verify_until: UnixSeconds(reader.u32()?),
        key,
    })
}

fn with_secret<T>(reader: &mut Reader<'_>, build: impl Fn(&[u8; 32]) -> T) -> Result<T, TooShort> {
    let mut secret = reader.array::<32>()?;
    let built = build(&secret);
    wipe(&mut secret);
    Ok(built)
}

const FORMAT_VERSION: u8 = 1;

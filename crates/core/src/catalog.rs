//! An audience's scopes: names, numbers and risk levels.

use core::fmt;

use crate::byte_set::ByteSet;
use crate::bytes::{Reader, TooShort};
use crate::identifier::{AudienceId, TenantId};

/// Longest scope name, in bytes.
pub const MAX_SCOPE_NAME_LEN: usize = 64;

/// How stale a verifier's knowledge of the revocation list may be, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RiskLevel {
    /// Up to 1 h, when the registry cannot be reached.
    Low,
    /// Up to 5 min, when the registry cannot be reached.
    Standard,
    /// Up to 30 s, when the registry cannot be reached.
    High,
    /// The registry is asked every time.
    Strict,
}

impl RiskLevel {
    /// Every level, loosest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Standard, Self::High, Self::Strict];

    /// The word that stands in policies and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Standard => "standard",
            Self::High => "high",
            Self::Strict => "strict",
        }
    }

    /// The number that stands in key sets, 0 to 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::Low => 0,
            Self::Standard => 1,
            Self::High => 2,
            Self::Strict => 3,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }
}

/// A scope's name, `resource:action`.
///
/// # Constraints
/// 3 to 64 bytes; both parts `[a-z0-9][a-z0-9._-]*`; exactly one colon, no wildcard.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeName<'a>(&'a [u8]);

impl<'a> ScopeName<'a> {
    /// Takes a scope's name from text; `None` outside the grammar.
    pub fn new(text: &'a str) -> Option<Self> {
        Self::from_bytes(text.as_bytes())
    }

    fn from_bytes(text: &'a [u8]) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b':');
        let (resource, action) = (parts.next()?, parts.next()?);
        let part_ok = |part: &[u8]| {
            let first_ok = part.first().is_some_and(|b| !b"._-".contains(b));
            first_ok && part.iter().all(|b| ALLOWED.contains(*b))
        };
        let all_ok = part_ok(resource) && part_ok(action) && parts.next().is_none();
        (all_ok && text.len() <= MAX_SCOPE_NAME_LEN).then_some(Self(text))
    }

    /// The name's text.
    pub const fn as_str(self) -> &'a str {
        match core::str::from_utf8(self.0) {
            Ok(text) => text,
            // The grammar is ASCII, so that this is never taken.
            Err(_) => "",
        }
    }

    /// The name's bytes.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for ScopeName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// One scope of a catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogEntry<'a> {
    /// Its number, given once.
    pub number: u8,
    /// How fresh a verifier's knowledge must be.
    pub risk: RiskLevel,
    /// Its name.
    pub name: ScopeName<'a>,
}

/// Bytes that are no catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogError {
    /// The bytes end inside an entry, or go on after the last.
    Length,
    /// No scope, or more than 256.
    Count,
    /// The numbers do not ascend.
    Order,
    /// A name outside the grammar, or the same name twice.
    Name,
    /// An unknown risk level.
    Risk,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the catalog's bytes do not end with its last entry",
            Self::Count => "a catalog holds 1 to 256 scopes",
            Self::Order => "the catalog's scope numbers do not ascend",
            Self::Name => "a scope's name is outside the grammar or stands twice",
            Self::Risk => "a scope's risk level is unknown",
        })
    }
}

impl core::error::Error for CatalogError {}

impl From<TooShort> for CatalogError {
    fn from(_: TooShort) -> Self {
        Self::Length
    }
}

/// An audience's scopes in one version of its key set, read from the bytes that a key set ends with:
/// count u16, 1 to 256 · per scope number u8 · risk u8 · name length u8 · name, numbers ascending.
#[derive(Clone, Copy, Debug)]
pub struct Catalog<'a> {
    tenant: TenantId,
    audience: AudienceId,
    key_set_version: u32,
    bytes: &'a [u8],
}

impl<'a> Catalog<'a> {
    /// Reads a catalog and checks every entry.
    ///
    /// # Errors
    /// [`CatalogError`] for bytes that are no catalog in its one spelling.
    pub fn parse(
        tenant: TenantId,
        audience: AudienceId,
        key_set_version: u32,
        bytes: &'a [u8],
    ) -> Result<Self, CatalogError> {
        let of = |bytes| Self { tenant, audience, key_set_version, bytes };
        let mut reader = Reader::new(bytes);
        let count = reader.u16()?;
        if !(1..=MAX_SCOPES).contains(&count) {
            return Err(CatalogError::Count);
        }
        let mut last = None;
        for _ in 0..count {
            let before = bytes.len() - reader.rest().len();
            let entry = read_entry(&mut reader)?;
            if last.is_some_and(|last| entry.number <= last) {
                return Err(CatalogError::Order);
            }
            last = Some(entry.number);
            let earlier = of(bytes.get(..before).unwrap_or_default());
            if earlier.scope(entry.name.as_bytes()).is_some() {
                return Err(CatalogError::Name);
            }
        }
        if !reader.rest().is_empty() {
            return Err(CatalogError::Length);
        }
        Ok(of(bytes))
    }

    /// The tenant and the audience whose scopes these are.
    pub const fn audience(&self) -> (TenantId, AudienceId) {
        (self.tenant, self.audience)
    }

    /// Which edition of the audience's key set it belongs to.
    pub const fn key_set_version(&self) -> u32 {
        self.key_set_version
    }

    /// The bytes that it was read from, which are no secret: a host that wipes its key set's bytes
    /// keeps these.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The entries, by ascending number.
    pub fn entries(&self) -> impl Iterator<Item = CatalogEntry<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes.get(COUNT_LEN..).unwrap_or_default());
        core::iter::from_fn(move || read_entry(&mut reader).ok())
    }

    /// The scope of this name.
    pub fn scope(&self, name: impl AsRef<[u8]>) -> Option<CatalogEntry<'a>> {
        self.entries().find(|entry| entry.name.as_bytes() == name.as_ref())
    }
}

fn read_entry<'a>(reader: &mut Reader<'a>) -> Result<CatalogEntry<'a>, CatalogError> {
    let number = reader.u8()?;
    let risk = RiskLevel::from_number(reader.u8()?).ok_or(CatalogError::Risk)?;
    let len = reader.u8()?;
    let name = reader.take(usize::from(len))?;
    let name = ScopeName::from_bytes(name).ok_or(CatalogError::Name)?;
    Ok(CatalogEntry { number, risk, name })
}

/// What stands in a name's two parts.
const ALLOWED: ByteSet = ByteSet::of(b"abcdefghijklmnopqrstuvwxyz0123456789._-");
/// One for each number.
const MAX_SCOPES: u16 = 256;
/// Bytes of the count.
const COUNT_LEN: usize = 2;

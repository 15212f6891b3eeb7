//! The list's head: small, changing, authenticated for each audience under its own list key.

use core::fmt;

use crate::base_view::BaseView;
use crate::byte_set::ByteSet;
use crate::bytes::{Reader, TooShort};
use crate::identifier::{AudienceId, TenantId};
use crate::key_set::KeySet;
use crate::list::changes::Changes;
use crate::list::state::DIGEST_LEN;
use crate::signing::{TAG_LEN, Tag};
use crate::time::{UnixMillis, UnixSeconds};

/// Longest head, in bytes.
pub const MAX_HEAD_LEN: usize = 4096;

/// How long a head may be used at all, in milliseconds: 1 h.
pub const NOT_AFTER_MS: u64 = 3_600_000;

/// Kills what was issued at or before this second; 0 kills nothing that was ever issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cutoff(pub UnixSeconds);

impl Cutoff {
    /// Whether a generation issued in this second is dead.
    pub const fn kills(self, issued_at: UnixSeconds) -> bool {
        issued_at.0 <= self.0.0
    }
}

/// A head whose bytes are well-formed: format version u8 = 1 · tenant u16 · sequence u64 · state
/// digest 32 · issued-at u64 · not-after u64 · cut-off u32 · audience count u8 · per audience,
/// ascending: number u8, current and least key-set version u32, cut-off u32 · dead signing-key count
/// u16 · per key, ascending: audience u8, epoch u8 · change count u16 · the changes · then per audience
/// a tag of 16 bytes over all bytes before the tags.
///
/// # Guarantees
/// Its shape and nothing more: **anyone can write such bytes**.
///
/// Source: FORMAT.md sections 4.2 to 4.4
#[derive(Clone, Copy, Debug)]
pub struct UnverifiedHead<'a> {
    tenant: TenantId,
    sequence: u64,
    state_digest: [u8; DIGEST_LEN],
    issued_at: UnixMillis,
    not_after: UnixMillis,
    cutoff: Cutoff,
    audiences: &'a [u8],
    dead: &'a [u8],
    changes: Changes<'a>,
    body: &'a [u8],
    tags: &'a [u8],
}

/// Bytes that are no head of this key set's audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// The bytes end inside a field, go on after the last tag, or are more than 4096.
    Length,
    /// Another format version than 1.
    Version,
    /// Audiences or dead signing keys do not ascend, or name audience or epoch 0.
    Order,
    /// not-after is not after issued-at, or is more than 1 h after it.
    NotAfter,
    /// A change has a number that cannot be, or in another spelling than the one.
    Changes,
    /// Another tenant's head.
    Tenant,
    /// The head does not name the key set's audience.
    Audience,
    /// The tag does not fit.
    Tag,
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the head does not end with its last tag, or is longer than 4096 bytes",
            Self::Version => "the head's format version is not 1",
            Self::Order => "the head's audiences or dead signing keys do not ascend from 1",
            Self::NotAfter => "the head's not-after is not within 1 h after its issued-at",
            Self::Changes => {
                "the head's changes hold a number that cannot be or is not in its one spelling"
            }
            Self::Tenant => "the head is another tenant's",
            Self::Audience => "the head does not name the audience",
            Self::Tag => "the head's tag does not fit",
        })
    }
}

impl core::error::Error for HeadError {}

impl HeadError {
    /// Every error.
    pub const ALL: [Self; 8] = [
        Self::Length,
        Self::Version,
        Self::Order,
        Self::NotAfter,
        Self::Changes,
        Self::Tenant,
        Self::Audience,
        Self::Tag,
    ];

    /// The stable word.
    ///
    /// Source: FORMAT.md section 4.4
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Version => "version",
            Self::Order => "order",
            Self::NotAfter => "not_after",
            Self::Changes => "changes",
            Self::Tenant => "tenant",
            Self::Audience => "audience",
            Self::Tag => "tag",
        }
    }
}

impl From<TooShort> for HeadError {
    fn from(_: TooShort) -> Self {
        Self::Length
    }
}

impl<'a> UnverifiedHead<'a> {
    /// Reads a head and checks its whole shape.
    ///
    /// # Errors
    /// [`HeadError`] for bytes that are no head in its one spelling.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HeadError> {
        if bytes.len() > MAX_HEAD_LEN {
            return Err(HeadError::Length);
        }
        let mut reader = Reader::new(bytes);
        if reader.u8()? != FORMAT_VERSION {
            return Err(HeadError::Version);
        }
        let tenant = TenantId(reader.u16()?);
        let sequence = reader.u64()?;
        let state_digest = reader.array()?;
        let issued_at = UnixMillis(reader.u64()?);
        let not_after = UnixMillis(reader.u64()?);
        if not_after <= issued_at || not_after.since(issued_at) > NOT_AFTER_MS {
            return Err(HeadError::NotAfter);
        }
        let cutoff = Cutoff(UnixSeconds(reader.u32()?));
        let audience_count = reader.u8()?;
        let audiences = entries(&mut reader, audience_count.into(), AUDIENCE_LEN, |reader| {
            let number = reader.u8()?;
            Ok([number, u8::MAX])
        })?;
        let dead_count = reader.u16()?;
        let dead = entries(&mut reader, dead_count, DEAD_LEN, |reader| Ok(reader.array()?))?;
        let changes = Changes::split(&mut reader, sequence)?;
        let tags = reader.rest();
        let body_len = bytes.len() - tags.len();
        let body = bytes.get(..body_len).ok_or(HeadError::Length)?;
        if tags.len() != usize::from(audience_count) * TAG_LEN {
            return Err(HeadError::Length);
        }
        Ok(Self {
            tenant,
            sequence,
            state_digest,
            issued_at,
            not_after,
            cutoff,
            audiences,
            dead,
            changes,
            body,
            tags,
        })
    }

    /// Checks that the registry made this head for the key set's audience.
    ///
    /// # Errors
    /// [`HeadError::Tenant`], [`HeadError::Audience`], [`HeadError::Tag`].
    pub fn authenticate(&self, key_set: &KeySet) -> Result<AuthenticHead<'a>, HeadError> {
        if self.tenant != key_set.tenant() {
            return Err(HeadError::Tenant);
        }
        let audience = key_set.audience();
        let mut entries = self.audiences.chunks(AUDIENCE_LEN).zip(self.tags.chunks(TAG_LEN));
        let (entry, tag) = entries
            .find(|(entry, _)| entry.first() == Some(&audience.0))
            .ok_or(HeadError::Audience)?;
        let tag = Tag(Reader::new(tag).array()?);
        if !key_set.list_key().tag(self.body).matches(&tag.0) {
            return Err(HeadError::Tag);
        }
        let mut reader = Reader::new(entry);
        reader.u8()?;
        let current_key_set = reader.u32()?;
        let least_key_set = reader.u32()?;
        let audience_cutoff = Cutoff(UnixSeconds(reader.u32()?));
        let mut dead_epochs = ByteSet::default();
        for pair in self.dead.chunks(DEAD_LEN) {
            if let [number, epoch] = pair
                && *number == audience.0
            {
                dead_epochs.insert(*epoch);
            }
        }
        let head = Head {
            tenant: self.tenant,
            audience,
            sequence: self.sequence,
            state_digest: self.state_digest,
            issued_at: self.issued_at,
            not_after: self.not_after,
            cutoff: self.cutoff.max(audience_cutoff),
            current_key_set,
            least_key_set,
            dead_epochs,
        };
        Ok(AuthenticHead { head, changes: self.changes })
    }
}

/// Takes entries of `len` bytes each whose names, read by `name`, ascend strictly and hold no 0.
fn entries<'a>(
    reader: &mut Reader<'a>,
    count: u16,
    len: usize,
    name: impl Fn(&mut Reader<'a>) -> Result<[u8; 2], HeadError>,
) -> Result<&'a [u8], HeadError> {
    let start = *reader;
    let mut last = [0, 0];
    for _ in 0..count {
        let named = name(&mut reader.clone())?;
        if named <= last || named.contains(&0) {
            return Err(HeadError::Order);
        }
        last = named;
        reader.take(len)?;
    }
    let taken = start.rest().len() - reader.rest().len();
    start.rest().get(..taken).ok_or(HeadError::Length)
}

/// An authentic head with its log of changes: what [`List::adopt`](crate::List::adopt) takes.
///
/// # Guarantees
/// The registry made it for the key set's audience. **Not** that it is the newest.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticHead<'a> {
    head: Head,
    changes: Changes<'a>,
}

impl<'a> AuthenticHead<'a> {
    /// What it says.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    pub(super) const fn changes(&self) -> &Changes<'a> {
        &self.changes
    }
}

/// What a head says to one audience.
///
/// # Guarantees
/// The registry made it. **Not** that it is the newest: see
/// [`List::adopt`](crate::List::adopt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    tenant: TenantId,
    audience: AudienceId,
    sequence: u64,
    state_digest: [u8; DIGEST_LEN],
    issued_at: UnixMillis,
    not_after: UnixMillis,
    cutoff: Cutoff,
    current_key_set: u32,
    least_key_set: u32,
    dead_epochs: ByteSet,
}

impl Head {
    /// The number of the mutation that made the list what it is.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The digest of the state that belongs to it.
    pub const fn state_digest(&self) -> [u8; DIGEST_LEN] {
        self.state_digest
    }

    /// When the registry made it.
    pub const fn issued_at(&self) -> UnixMillis {
        self.issued_at
    }

    /// The last millisecond in which it may be used.
    pub const fn not_after(&self) -> UnixMillis {
        self.not_after
    }

    /// The newest edition of the audience's key set.
    pub const fn current_key_set(&self) -> u32 {
        self.current_key_set
    }

    /// The oldest edition of the audience's key set that may still decide.
    pub const fn least_key_set(&self) -> u32 {
        self.least_key_set
    }

    /// Whether it was authenticated for this audience: its words are about no other.
    pub(crate) fn is_for(&self, tenant: TenantId, audience: AudienceId) -> bool {
        (self.tenant, self.audience) == (tenant, audience)
    }

    pub(super) fn is_of_the_audience_of(&self, other: &Self) -> bool {
        self.is_for(other.tenant, other.audience)
    }

    /// Whether it was made after the other one.
    pub(super) fn is_newer_than(&self, other: &Self) -> bool {
        (self.sequence, self.issued_at) > (other.sequence, other.issued_at)
    }

    pub(crate) fn kills(&self, base: &BaseView<'_>) -> bool {
        self.cutoff.kills(base.issued_at)
            || self.dead_epochs.contains(base.signing_key.epoch.number())
    }
}

const FORMAT_VERSION: u8 = 1;
/// Number, current and least key-set version, cut-off.
const AUDIENCE_LEN: usize = 1 + 4 + 4 + 4;
/// Audience, epoch.
const DEAD_LEN: usize = 1 + 1;

//! The bytes of the list's head and state, as the core reads them.

use thiserror::Error;
use wardkey::{
    AudienceId, Cutoff, DIGEST_LEN, Epoch, MAX_HEAD_LEN, NOT_AFTER_MS, TAG_LEN, UnixMillis,
};

use crate::change_log::ChangeLog;
use crate::tenant_secret::TenantSecret;

/// What a head says of one audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadAudience {
    /// Which; never the administration, whose keys the registry alone judges.
    pub audience: AudienceId,
    /// The newest edition of its key set.
    pub current_key_set: u32,
    /// The oldest edition that may still decide.
    pub least_key_set: u32,
    /// What was issued at or before this second is dead.
    pub cutoff: Cutoff,
}

/// What a head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadBody {
    /// The number of the mutation that made the list what it is.
    pub sequence: u64,
    /// The digest of the state that belongs to it.
    pub state_digest: [u8; DIGEST_LEN],
    /// When the registry made the head.
    pub issued_at: UnixMillis,
    /// The cut-off of the whole tenant.
    pub cutoff: Cutoff,
    /// Every living audience.
    pub audiences: Vec<HeadAudience>,
    /// Dead signing keys.
    pub dead: Vec<(AudienceId, Epoch)>,
    /// What the latest mutations did, as far as there is room.
    pub changes: ChangeLog,
}

/// More than a head can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the head would be longer than 4096 bytes")]
pub struct HeadTooLong;

impl HeadBody {
    /// Writes the head with each audience's tag.
    ///
    /// # Errors
    /// [`HeadTooLong`].
    pub fn sign(&self, secret: &TenantSecret) -> Result<Vec<u8>, HeadTooLong> {
        let mut audiences = self.audiences.clone();
        audiences.sort_by_key(|entry| entry.audience);
        let mut dead = self.dead.clone();
        dead.sort();
        let mut bytes = vec![FORMAT_VERSION];
        bytes.extend(secret.tenant().0.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.state_digest);
        bytes.extend(self.issued_at.0.to_be_bytes());
        bytes.extend(self.issued_at.plus(NOT_AFTER_MS).0.to_be_bytes());
        bytes.extend(self.cutoff.0.0.to_be_bytes());
        bytes.push(u8::try_from(audiences.len()).map_err(|_| HeadTooLong)?);
        for entry in &audiences {
            bytes.push(entry.audience.0);
            bytes.extend(entry.current_key_set.to_be_bytes());
            bytes.extend(entry.least_key_set.to_be_bytes());
            bytes.extend(entry.cutoff.0.0.to_be_bytes());
        }
        bytes.extend(u16::try_from(dead.len()).map_err(|_| HeadTooLong)?.to_be_bytes());
        for (audience, epoch) in dead {
            bytes.extend([audience.0, epoch.number()]);
        }
        let tags_len = audiences.len() * TAG_LEN;
        bytes.extend(self.changes.encode(MAX_HEAD_LEN.saturating_sub(bytes.len() + tags_len)));
        let tags: Vec<_> =
            audiences.iter().map(|entry| secret.list_key(entry.audience).tag(&bytes)).collect();
        for tag in tags {
            bytes.extend(tag.secret_bytes());
        }
        if bytes.len() > MAX_HEAD_LEN { Err(HeadTooLong) } else { Ok(bytes) }
    }
}

/// Writes a state: format version u8 = 1 · floor u32 · bit count u32 · bits.
pub fn state_bytes(floor: u32, bit_count: u32, bits: &[u8]) -> Vec<u8> {
    [&[FORMAT_VERSION], floor.to_be_bytes().as_slice(), &bit_count.to_be_bytes(), bits].concat()
}

const FORMAT_VERSION: u8 = 1;

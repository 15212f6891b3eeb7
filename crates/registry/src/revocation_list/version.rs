//! The versions of the list: what heads name by their sequences, and what each one flipped.

use wardkey::{DIGEST_LEN, UnixMillis};

use crate::error::RegistryError;
use crate::store::{Row, Store};

/// For how long a state that a head named is answered, in milliseconds.
pub(super) const STATE_KEPT_MS: u64 = 600_000;

/// One version of the list: what a head names by its sequence.
pub(super) struct Version {
    pub(super) sequence: u64,
    pub(super) floor: u32,
    pub(super) bit_count: u32,
    pub(super) digest: [u8; DIGEST_LEN],
}

impl Version {
    /// The one in force.
    pub(super) fn current(store: &dyn Store) -> Result<Self, RegistryError> {
        let rows = store.query(&format!("{SELECT} ORDER BY sequence DESC LIMIT 1"), &[])?;
        rows.first()
            .map(Self::read)
            .transpose()?
            .ok_or_else(|| RegistryError::internal("the list has no version"))
    }

    pub(super) fn find(store: &dyn Store, sequence: u64) -> Result<Option<Self>, RegistryError> {
        let rows = store.query(&format!("{SELECT} WHERE sequence = ?"), &[sequence.into()])?;
        rows.first().map(Self::read).transpose()
    }

    fn read(row: &Row) -> Result<Self, RegistryError> {
        let digest = row
            .blob(3)?
            .try_into()
            .map_err(|_| RegistryError::internal("a digest is not 32 bytes"))?;
        Ok(Self {
            sequence: row.unsigned(0)?,
            floor: row.unsigned(1)?,
            bit_count: row.unsigned(2)?,
            digest,
        })
    }

    /// Writes a version and forgets some of those whose state nobody may ask for any more: more than one, so that
    /// they do not pile up, and not all that a busy quarter of an hour has left.
    pub(super) fn insert(
        &self,
        store: &dyn Store,
        now: UnixMillis,
        flipped: &[u32],
    ) -> Result<(), RegistryError> {
        let flipped: Vec<u8> = flipped.iter().flat_map(|index| index.to_be_bytes()).collect();
        store.execute(
            "DELETE FROM list_version WHERE sequence IN (SELECT sequence FROM list_version WHERE sequence <
             (SELECT sequence FROM list_version WHERE made_at < ? ORDER BY made_at DESC, sequence DESC LIMIT 1)
             ORDER BY sequence LIMIT ?)",
            &[now.0.saturating_sub(STATE_KEPT_MS).into(), FORGOTTEN_AT_ONCE.into()],
        )?;
        store.execute(
            "INSERT INTO list_version (sequence, made_at, floor, bit_count, digest, flipped) VALUES (?, ?, ?, ?, ?, ?)",
            &[
                self.sequence.into(),
                now.0.into(),
                self.floor.into(),
                self.bit_count.into(),
                self.digest.as_slice().into(),
                flipped.as_slice().into(),
            ],
        )?;
        Ok(())
    }

    /// The number of the version after this one, made now.
    pub(super) fn next_sequence(&self, now: UnixMillis) -> u64 {
        now.0.max(self.sequence + 1)
    }
}

/// The status indexes that a version flipped.
pub(super) fn indexes_of(flipped: &[u8]) -> impl Iterator<Item = u32> + '_ {
    flipped.chunks_exact(4).filter_map(|four| four.try_into().ok().map(u32::from_be_bytes))
}

/// Most versions that one new version has forgotten.
const FORGOTTEN_AT_ONCE: u32 = 16;

const SELECT: &str = "SELECT sequence, floor, bit_count, digest FROM list_version";

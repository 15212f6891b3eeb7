//! The list's bits by chunks, which keep their numbers for ever: chunk n holds the indexes from
//! `first_index + n * 32768` on, so that a rising floor rewrites none.

use std::collections::BTreeMap;

use wardkey::{CHUNK_LEN, DIGEST_LEN};

use crate::error::RegistryError;
use crate::revocation_list::version::Version;
use crate::store::{Row, Store};

/// Status indexes of a chunk.
pub(super) const CHUNK_BITS: u32 = 8 * CHUNK_LEN as u32;

/// Which chunks the bits of a version lie in.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// The index that chunk 0 begins with.
    first_index: u32,
    /// The chunk that the floor is the first index of.
    first: u32,
    bit_count: u32,
}

impl Span {
    pub(super) fn of(store: &dyn Store, version: &Version) -> Result<Self, RegistryError> {
        let rows = store.query("SELECT first_index FROM list_floor", &[])?;
        let row = rows.first().ok_or_else(|| RegistryError::internal("the list has no floor"))?;
        let first_index = row.unsigned(0)?;
        let first = version.floor.saturating_sub(first_index) / CHUNK_BITS;
        Ok(Self { first_index, first, bit_count: version.bit_count })
    }

    /// The same chunks with more bits in them.
    pub(super) const fn with(self, bit_count: u32) -> Self {
        Self { bit_count, ..self }
    }

    /// The chunk and the bit in it of an index that is not below the floor.
    pub(super) const fn place(&self, index: u32) -> (u32, u32) {
        let place = index.saturating_sub(self.first_index);
        (place / CHUNK_BITS, place % CHUNK_BITS)
    }

    pub(super) const fn count(&self) -> u32 {
        self.bit_count.div_ceil(CHUNK_BITS)
    }

    /// The chunks, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        (self.first..).take(self.count() as usize)
    }

    /// The last chunk with a bit in use.
    pub(super) fn last(&self) -> Option<u32> {
        self.count().checked_sub(1).map(|count| self.first + count)
    }

    /// How many chunks of the span come before one.
    fn before(&self, number: u32) -> usize {
        number.saturating_sub(self.first) as usize
    }

    /// The bytes of a chunk that belong to so many bits.
    pub(super) fn used_part<'b>(&self, number: u32, chunk: &'b [u8]) -> &'b [u8] {
        let before = number.saturating_sub(self.first).saturating_mul(CHUNK_BITS);
        let bits = self.bit_count.saturating_sub(before).min(CHUNK_BITS);
        chunk.get(..(bits as usize).div_ceil(8)).unwrap_or(chunk)
    }
}

/// The bits of one chunk; one that was never written is all zero.
pub(super) fn read(store: &dyn Store, number: u32) -> Result<Vec<u8>, RegistryError> {
    let rows = store.query("SELECT bits FROM list_chunk WHERE number = ?", &[number.into()])?;
    rows.first().map_or_else(|| Ok(vec![0; CHUNK_LEN]), |row| Ok(row.blob(0)?.to_vec()))
}

/// The bits of every chunk of a span that was ever written.
pub(super) fn read_all(
    store: &dyn Store,
    span: Span,
) -> Result<BTreeMap<u32, Vec<u8>>, RegistryError> {
    let sql = "SELECT number, bits FROM list_chunk WHERE number >= ? AND number < ?";
    let rows = store.query(sql, &[span.first.into(), (span.first + span.count()).into()])?;
    rows.iter().map(|row| Ok((row.unsigned(0)?, row.blob(1)?.to_vec()))).collect()
}

/// Writes chunks and answers the digests of all of them. Only what is written is hashed again.
pub(super) fn write(
    store: &dyn Store,
    chunks: &BTreeMap<u32, Vec<u8>>,
    digests: Vec<[u8; DIGEST_LEN]>,
    span: Span,
) -> Result<Vec<[u8; DIGEST_LEN]>, RegistryError> {
    let mut digests = digests;
    digests.resize(span.count() as usize, digest_of_zeros(CHUNK_LEN));
    for (number, bits) in chunks {
        let digest = wardkey::chunk_digest(span.used_part(*number, bits));
        store.execute(
            "INSERT INTO list_chunk (number, bits, digest) VALUES (?, ?, ?)
             ON CONFLICT (number) DO UPDATE SET bits = excluded.bits, digest = excluded.digest",
            &[(*number).into(), bits.as_slice().into(), digest.as_slice().into()],
        )?;
        if let Some(slot) = digests.get_mut(span.before(*number)) {
            *slot = digest;
        }
    }
    keep_digests(store, &digests)?;
    Ok(digests)
}

/// The digests of a version's chunks, from one row however many there are.
pub(super) fn digests(
    store: &dyn Store,
    version: &Version,
    span: Span,
) -> Result<Vec<[u8; DIGEST_LEN]>, RegistryError> {
    let rows = store.query("SELECT digests FROM list_digests", &[])?;
    if let Some(row) = rows.first() {
        let (kept, _) = row.blob(0)?.as_chunks::<DIGEST_LEN>();
        // WHY: an object of an earlier Worker that wrote to the list does not know this row.
        if wardkey::state_digest(version.floor, version.bit_count, kept.iter().copied())
            == version.digest
        {
            return Ok(kept.to_vec());
        }
    }
    digests_of_chunks(store, span)
}

/// The same from the chunks' own rows.
fn digests_of_chunks(
    store: &dyn Store,
    span: Span,
) -> Result<Vec<[u8; DIGEST_LEN]>, RegistryError> {
    let sql = "SELECT number, digest FROM list_chunk WHERE number >= ? AND number < ?";
    let rows = store.query(sql, &[span.first.into(), (span.first + span.count()).into()])?;
    let digest = |row: &Row| -> Result<(u32, [u8; DIGEST_LEN]), RegistryError> {
        let digest = row.blob(1)?.try_into();
        let digest = digest.map_err(|_| RegistryError::internal("a digest is not 32 bytes"))?;
        Ok((row.unsigned(0)?, digest))
    };
    let written = rows.iter().map(digest).collect::<Result<BTreeMap<_, _>, _>>()?;
    let full = digest_of_zeros(CHUNK_LEN);
    let all = span.numbers().map(|number| {
        let unwritten = || {
            if span.last() == Some(number) {
                digest_of_zeros(span.used_part(number, &[0; CHUNK_LEN]).len())
            } else {
                full
            }
        };
        written.get(&number).copied().unwrap_or_else(unwritten)
    });
    Ok(all.collect())
}

/// Keeps the digests of all chunks from the floor on.
pub(super) fn keep_digests(
    store: &dyn Store,
    digests: &[[u8; DIGEST_LEN]],
) -> Result<(), RegistryError> {
    store.execute(
        "INSERT INTO list_digests (id, digests) VALUES (1, ?)
         ON CONFLICT (id) DO UPDATE SET digests = excluded.digests",
        &[digests.as_flattened().into()],
    )?;
    Ok(())
}

/// Sets or clears a bit; answers whether that changed it.
pub(super) fn set(bits: &mut [u8], bit: u32, dead: bool) -> bool {
    let was_dead = bits.get((bit / 8) as usize).is_some_and(|byte| byte & 1 << (bit % 8) != 0);
    if was_dead != dead {
        turn_over(bits, bit);
    }
    was_dead != dead
}

/// Turns a bit over.
pub(super) fn turn_over(bits: &mut [u8], bit: u32) {
    if let Some(byte) = bits.get_mut((bit / 8) as usize) {
        *byte ^= 1 << (bit % 8);
    }
}

fn digest_of_zeros(len: usize) -> [u8; DIGEST_LEN] {
    wardkey::chunk_digest([0; CHUNK_LEN].get(..len).unwrap_or_default())
}

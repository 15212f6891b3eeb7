//! The tenant's revocation list: bits in chunks, a log of versions, and the head over them.

use std::collections::BTreeMap;

use wardkey::{
    AudienceId, CHUNK_LEN, Cutoff, DIGEST_LEN, Epoch, StatusIndex, UnixMillis, UnixSeconds,
};
use wardkey_provision::{Change, ChangeLog, HeadAudience, HeadBody, state_bytes};

use crate::error::RegistryError;
use crate::store::{Row, Store};
use crate::tenant::Tenant;

/// For how long a state that a head named is answered, in milliseconds.
const STATE_KEPT_MS: u64 = 600_000;
/// For how long the same head is given byte for byte, in milliseconds.
const HEAD_KEPT_MS: u64 = 1_000;
/// Status indexes of a chunk.
const CHUNK_BITS: u32 = 8 * CHUNK_LEN as u32;

/// One version of the list: what a head names by its sequence.
struct Version {
    sequence: u64,
    floor: u32,
    bit_count: u32,
    digest: [u8; DIGEST_LEN],
}

/// Starts an empty list at the tenant's first status index.
pub(crate) fn start(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    let rows = store.query("SELECT next_index FROM tenant", &[])?;
    let floor = rows.first().ok_or(RegistryError::NoTenant)?.unsigned(0)?;
    let digest = wardkey::state_digest(floor, 0, []);
    Version { sequence: now.0, floor, bit_count: 0, digest }.insert(store, now, &[])
}

/// Kills status indexes and returns the list's sequence: a new one if any of them was alive.
pub(crate) fn kill(
    store: &dyn Store,
    indexes: &[StatusIndex],
    now: UnixMillis,
) -> Result<u64, RegistryError> {
    turn(store, indexes, true, now)
}

/// Brings status indexes back to life that were only suspended, and returns the list's sequence.
pub(crate) fn revive(
    store: &dyn Store,
    indexes: &[StatusIndex],
    now: UnixMillis,
) -> Result<u64, RegistryError> {
    turn(store, indexes, false, now)
}

fn turn(
    store: &dyn Store,
    indexes: &[StatusIndex],
    dead: bool,
    now: UnixMillis,
) -> Result<u64, RegistryError> {
    let current = Version::current(store)?;
    let mut bit_count = current.bit_count;
    let mut chunks = BTreeMap::new();
    let mut flipped = Vec::new();
    for StatusIndex(index) in indexes {
        // What is below the floor is dead already.
        let Some(bit) = index.checked_sub(current.floor) else { continue };
        let number = bit / CHUNK_BITS;
        let bits = match chunks.entry(number) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(read_chunk(store, number)?)
            }
        };
        if set(bits, bit % CHUNK_BITS, dead) {
            flipped.push(*index);
            // What is past the last bit is alive, and a state never gets shorter by what comes back to life.
            bit_count = bit_count.max(bit.saturating_add(1));
        }
    }
    if flipped.is_empty() {
        return Ok(current.sequence);
    }
    // The chunk that was the last one ends later now, or in another chunk: its digest changes too.
    if let Some(last) = last_chunk(current.bit_count)
        && !chunks.contains_key(&last)
        && bit_count != current.bit_count
    {
        chunks.insert(last, read_chunk(store, last)?);
    }
    for (number, bits) in &chunks {
        let digest = wardkey::chunk_digest(used_part(bits, *number, bit_count));
        store.execute(
            "INSERT INTO list_chunk (number, bits, digest) VALUES (?, ?, ?)
             ON CONFLICT (number) DO UPDATE SET bits = excluded.bits, digest = excluded.digest",
            &[(*number).into(), bits.as_slice().into(), digest.as_slice().into()],
        )?;
    }
    let digest = digest(store, current.floor, bit_count)?;
    let sequence = now.0.max(current.sequence + 1);
    Version { sequence, floor: current.floor, bit_count, digest }.insert(store, now, &flipped)?;
    Ok(sequence)
}

/// Takes a new sequence for what changes the head and no bit; answers it.
pub(crate) fn renew(store: &dyn Store, now: UnixMillis) -> Result<u64, RegistryError> {
    let current = Version::current(store)?;
    let sequence = now.0.max(current.sequence + 1);
    Version { sequence, ..current }.insert(store, now, &[])?;
    Ok(sequence)
}

/// The list's sequence.
pub(crate) fn sequence(store: &dyn Store) -> Result<u64, RegistryError> {
    Ok(Version::current(store)?.sequence)
}

/// The head: the stored one for a second, else a new one with the time of this answer.
pub(crate) fn head(
    store: &dyn Store,
    tenant: &Tenant,
    now: UnixMillis,
) -> Result<Vec<u8>, RegistryError> {
    let current = Version::current(store)?;
    let rows = store.query("SELECT sequence, issued_at, bytes FROM head", &[])?;
    if let Some(row) = rows.first() {
        let issued_at = UnixMillis(row.unsigned(1)?);
        let same = row.unsigned::<u64>(0)? == current.sequence;
        if same && now.since(issued_at) < HEAD_KEPT_MS {
            return Ok(row.blob(2)?.into());
        }
    }
    let body = HeadBody {
        sequence: current.sequence,
        state_digest: current.digest,
        issued_at: now,
        cutoff: tenant.cutoff_for_all,
        audiences: audiences(store)?,
        dead: dead_signing_keys(store)?,
        changes: changes(store, current.floor)?,
    };
    let bytes =
        body.sign(&tenant.secret).map_err(|error| RegistryError::internal(error.to_string()))?;
    store.execute(
        "INSERT INTO head (id, sequence, issued_at, bytes) VALUES (1, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, issued_at = excluded.issued_at, bytes = excluded.bytes",
        &[current.sequence.into(), now.0.into(), bytes.as_slice().into()],
    )?;
    Tenant::keep_time(store, now)?;
    Ok(bytes)
}

/// The state that a head of the last ten minutes named.
pub(crate) fn state(
    store: &dyn Store,
    sequence: u64,
    digest: &[u8],
    now: UnixMillis,
) -> Result<Vec<u8>, RegistryError> {
    let found = store.query(&format!("{SELECT_VERSION} WHERE sequence = ?"), &[sequence.into()])?;
    let version = found.first().map(Version::read).transpose()?.ok_or(RegistryError::NotFound)?;
    let later = store.query(
        "SELECT sequence, made_at, flipped FROM list_version WHERE sequence > ? ORDER BY sequence DESC",
        &[sequence.into()],
    )?;
    // A version was last named when the next one was made.
    let superseded = later.last().map(|row| row.unsigned::<u64>(1)).transpose()?;
    if version.digest != digest
        || superseded.is_some_and(|at| now.since(UnixMillis(at)) > STATE_KEPT_MS)
    {
        return Err(RegistryError::NotFound);
    }
    let mut bits = Vec::with_capacity((version.bit_count as usize).div_ceil(8));
    for number in 0..chunk_count(version.bit_count) {
        let mut chunk = read_chunk(store, number)?;
        for row in &later {
            for index in indexes_of(row.blob(2)?) {
                if let Some(bit) = index.checked_sub(version.floor)
                    && bit / CHUNK_BITS == number
                {
                    turn_over(&mut chunk, bit % CHUNK_BITS);
                }
            }
        }
        bits.extend(used_part(&chunk, number, version.bit_count));
    }
    Ok(state_bytes(version.floor, version.bit_count, &bits))
}

impl Version {
    fn current(store: &dyn Store) -> Result<Self, RegistryError> {
        let rows = store.query(&format!("{SELECT_VERSION} ORDER BY sequence DESC LIMIT 1"), &[])?;
        rows.first()
            .map(Self::read)
            .transpose()?
            .ok_or_else(|| RegistryError::internal("the list has no version"))
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

    /// Writes a version and forgets those whose state nobody may ask for any more.
    fn insert(
        &self,
        store: &dyn Store,
        now: UnixMillis,
        flipped: &[u32],
    ) -> Result<(), RegistryError> {
        let flipped: Vec<u8> = flipped.iter().flat_map(|index| index.to_be_bytes()).collect();
        store.execute(
            "DELETE FROM list_version WHERE sequence <
             (SELECT max(sequence) FROM list_version WHERE made_at < ?)",
            &[now.0.saturating_sub(STATE_KEPT_MS).into()],
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
}

fn audiences(store: &dyn Store) -> Result<Vec<HeadAudience>, RegistryError> {
    let sql = "SELECT number, cutoff, current_key_set, least_key_set FROM audience
               WHERE number > 0 AND dropped_at IS NULL";
    let rows = store.query(sql, &[])?;
    rows.iter()
        .map(|row| {
            Ok(HeadAudience {
                audience: AudienceId(row.unsigned(0)?),
                cutoff: Cutoff(UnixSeconds(row.unsigned(1)?)),
                current_key_set: row.unsigned(2)?,
                least_key_set: row.unsigned(3)?,
            })
        })
        .collect()
}

fn dead_signing_keys(store: &dyn Store) -> Result<Vec<(AudienceId, Epoch)>, RegistryError> {
    let rows = store.query(
        "SELECT audience, epoch FROM signing_key WHERE dead_at IS NOT NULL AND unlisted_at IS NULL AND audience > 0",
        &[],
    )?;
    rows.iter()
        .map(|row| {
            let epoch = Epoch::new(row.unsigned(1)?);
            let epoch =
                epoch.ok_or_else(|| RegistryError::internal("a signing key has epoch 0"))?;
            Ok((AudienceId(row.unsigned(0)?), epoch))
        })
        .collect()
}

/// What the versions that are still known did, as far as a head can hold them.
fn changes(store: &dyn Store, floor: u32) -> Result<ChangeLog, RegistryError> {
    let rows = store.query(
        "SELECT sequence, flipped FROM list_version ORDER BY sequence DESC LIMIT ?",
        &[(MAX_CHANGES + 1).into()],
    )?;
    let mut versions = rows.iter().rev();
    // What the oldest of them did, its predecessor being unknown, is no change that anyone could apply.
    let Some(oldest) = versions.next() else { return Ok(ChangeLog::default()) };
    let changes = versions.map(|row| {
        // The floor has never risen so far: places are counted from where the tenant began.
        let flips = indexes_of(row.blob(1)?).map(|index| index.saturating_sub(floor)).collect();
        Ok(Change { sequence: row.unsigned(0)?, rise: 0, flips })
    });
    Ok(ChangeLog {
        from: oldest.unsigned(0)?,
        changes: changes.collect::<Result<_, RegistryError>>()?,
    })
}

/// The digest over all chunks; one that was never written is all zero.
fn digest(
    store: &dyn Store,
    floor: u32,
    bit_count: u32,
) -> Result<[u8; DIGEST_LEN], RegistryError> {
    let rows = store.query("SELECT number, digest FROM list_chunk", &[])?;
    let mut written = BTreeMap::new();
    for row in &rows {
        let digest: [u8; DIGEST_LEN] = row
            .blob(1)?
            .try_into()
            .map_err(|_| RegistryError::internal("a digest is not 32 bytes"))?;
        written.insert(row.unsigned::<u32>(0)?, digest);
    }
    let zeros = [0; CHUNK_LEN];
    let full = wardkey::chunk_digest(&zeros);
    let digests = (0..chunk_count(bit_count)).map(|number| {
        let unwritten = if Some(number) == last_chunk(bit_count) {
            wardkey::chunk_digest(used_part(&zeros, number, bit_count))
        } else {
            full
        };
        written.get(&number).copied().unwrap_or(unwritten)
    });
    Ok(wardkey::state_digest(floor, bit_count, digests))
}

fn read_chunk(store: &dyn Store, number: u32) -> Result<Vec<u8>, RegistryError> {
    let rows = store.query("SELECT bits FROM list_chunk WHERE number = ?", &[number.into()])?;
    rows.first().map_or_else(|| Ok(vec![0; CHUNK_LEN]), |row| Ok(row.blob(0)?.to_vec()))
}

/// Sets or clears a bit; answers whether that changed it.
fn set(bits: &mut [u8], bit: u32, dead: bool) -> bool {
    let was_dead = bits.get((bit / 8) as usize).is_some_and(|byte| byte & 1 << (bit % 8) != 0);
    if was_dead != dead {
        turn_over(bits, bit);
    }
    was_dead != dead
}

/// Turns a bit over.
fn turn_over(bits: &mut [u8], bit: u32) {
    if let Some(byte) = bits.get_mut((bit / 8) as usize) {
        *byte ^= 1 << (bit % 8);
    }
}

/// The bytes of a chunk that belong to a state of so many bits.
fn used_part(chunk: &[u8], number: u32, bit_count: u32) -> &[u8] {
    let bits = bit_count.saturating_sub(number.saturating_mul(CHUNK_BITS)).min(CHUNK_BITS);
    chunk.get(..(bits as usize).div_ceil(8)).unwrap_or(chunk)
}

const fn chunk_count(bit_count: u32) -> u32 {
    bit_count.div_ceil(CHUNK_BITS)
}

const fn last_chunk(bit_count: u32) -> Option<u32> {
    chunk_count(bit_count).checked_sub(1)
}

fn indexes_of(flipped: &[u8]) -> impl Iterator<Item = u32> + '_ {
    flipped.chunks_exact(4).filter_map(|four| four.try_into().ok().map(u32::from_be_bytes))
}

/// Most changes that a head is offered; it drops those that it has no room for.
const MAX_CHANGES: u32 = 512;

const SELECT_VERSION: &str = "SELECT sequence, floor, bit_count, digest FROM list_version";

//! The tenant's revocation list: bits in chunks, a log of versions, and the head over them.

mod chunks;
mod floor;
mod version;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use wardkey::{AudienceId, CHUNK_LEN, Cutoff, Epoch, StatusIndex, UnixMillis, UnixSeconds};
use wardkey_provision::{Change, ChangeLog, HeadAudience, HeadBody, state_bytes};

use crate::error::RegistryError;
use crate::list_copies;
use crate::store::Store;
use crate::tenant::Tenant;

pub(crate) use self::floor::{next_rise, raise};

use self::chunks::{CHUNK_BITS, Span};
use self::version::{STATE_KEPT_MS, Version, indexes_of};

/// For how long the same head is given byte for byte, in milliseconds.
const HEAD_KEPT_MS: u64 = 1_000;

/// Starts an empty list at the tenant's first status index.
pub(crate) fn start(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    let rows = store.query("SELECT next_index FROM tenant", &[])?;
    let floor = rows.first().ok_or(RegistryError::NoTenant)?.unsigned(0)?;
    floor::start(store, floor)?;
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
    let before = Span::of(store, &current)?;
    let mut bit_count = current.bit_count;
    let mut chunks = BTreeMap::new();
    let mut flipped = Vec::new();
    for StatusIndex(index) in indexes {
        // What is below the floor is dead already, and stays so.
        let Some(place) = index.checked_sub(current.floor) else { continue };
        let (number, bit) = before.place(*index);
        let bits = match chunks.entry(number) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(chunks::read(store, number)?),
        };
        if chunks::set(bits, bit, dead) {
            flipped.push(*index);
            // What is past the last bit is alive, and a state never gets shorter by what comes back to life.
            bit_count = bit_count.max(place.saturating_add(1));
        }
    }
    if flipped.is_empty() {
        return Ok(current.sequence);
    }
    // The chunk that was the last one ends later now, or in another chunk: its digest changes too.
    if let Some(last) = before.last()
        && !chunks.contains_key(&last)
        && bit_count != current.bit_count
    {
        chunks.insert(last, chunks::read(store, last)?);
    }
    let digests = chunks::digests(store, &current, before)?;
    let digests = chunks::write(store, &chunks, digests, before.with(bit_count))?;
    let digest = wardkey::state_digest(current.floor, bit_count, digests);
    let sequence = current.next_sequence(now);
    Version { sequence, floor: current.floor, bit_count, digest }.insert(store, now, &flipped)?;
    Ok(sequence)
}

/// Takes a new sequence for what changes the head and no bit; answers it.
pub(crate) fn renew(store: &dyn Store, now: UnixMillis) -> Result<u64, RegistryError> {
    let current = Version::current(store)?;
    let sequence = current.next_sequence(now);
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
        changes: changes(store)?,
    };
    let bytes =
        body.sign(&tenant.secret).map_err(|error| RegistryError::internal(error.to_string()))?;
    store.execute(
        "INSERT INTO head (id, sequence, issued_at, bytes) VALUES (1, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, issued_at = excluded.issued_at, bytes = excluded.bytes",
        &[current.sequence.into(), now.0.into(), bytes.as_slice().into()],
    )?;
    let state_len = u64::from(current.bit_count.div_ceil(8)) + STATE_HEADER_LEN;
    list_copies::name(store, current.sequence, &current.digest, state_len, now)?;
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
    let version = Version::find(store, sequence)?.ok_or(RegistryError::NotFound)?;
    if version.digest != digest {
        return Err(RegistryError::NotFound);
    }
    let later = store.query(
        "SELECT sequence, made_at, flipped FROM list_version WHERE sequence > ? ORDER BY sequence DESC",
        &[sequence.into()],
    )?;
    // A version was last named when the next one was made.
    let superseded = later.last().map(|row| row.unsigned::<u64>(1)).transpose()?;
    if superseded.is_some_and(|at| now.since(UnixMillis(at)) > STATE_KEPT_MS) {
        return Err(RegistryError::NotFound);
    }
    let span = Span::of(store, &version)?;
    let mut chunks = chunks::read_all(store, span)?;
    for row in &later {
        for index in indexes_of(row.blob(2)?) {
            if index < version.floor {
                continue;
            }
            let (number, bit) = span.place(index);
            // One past the last bit of this version was alive, and is not in it.
            if let Some(chunk) = chunks.get_mut(&number) {
                chunks::turn_over(chunk, bit);
            }
        }
    }
    let mut bits = Vec::with_capacity((version.bit_count as usize).div_ceil(8));
    for number in span.numbers() {
        let unwritten = [0; CHUNK_LEN].as_slice();
        let chunk = chunks.get(&number).map_or(unwritten, Vec::as_slice);
        bits.extend(span.used_part(number, chunk));
    }
    Ok(state_bytes(version.floor, version.bit_count, &bits))
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
fn changes(store: &dyn Store) -> Result<ChangeLog, RegistryError> {
    let rows = store.query(
        "SELECT sequence, floor, flipped FROM list_version ORDER BY sequence DESC LIMIT ?",
        &[(MAX_CHANGES + 1).into()],
    )?;
    // What the oldest of them did, its predecessor being unknown, is no change that anyone could apply.
    let Some(oldest) = rows.last() else { return Ok(ChangeLog::default()) };
    let mut changes = Vec::with_capacity(rows.len());
    let mut below = oldest.unsigned::<u32>(1)?;
    for row in rows.iter().rev().skip(1) {
        let floor = row.unsigned::<u32>(1)?;
        let rise = floor.saturating_sub(below) / CHUNK_BITS;
        // INVARIANT: no version flips what is below its own floor.
        let flips = indexes_of(row.blob(2)?).map(|index| index.saturating_sub(floor)).collect();
        changes.push(Change { sequence: row.unsigned(0)?, rise, flips });
        below = floor;
    }
    Ok(ChangeLog { from: oldest.unsigned(0)?, changes })
}

/// Bytes of a state before its bits.
const STATE_HEADER_LEN: u64 = 9;

/// Most changes that a head is offered; it drops those that it has no room for.
const MAX_CHANGES: u32 = 512;

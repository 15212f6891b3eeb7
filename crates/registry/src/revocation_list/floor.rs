//! The list's floor, which rises by whole chunks past indexes whose keys have long expired.
//!
//! A chunk falls when every one of its indexes has been issued and the last of their keys expired a day ago: by then
//! no verifier's clock can take one of them for alive. What has fallen is dead for ever.

use wardkey::{UnixMillis, UnixSeconds};

use crate::error::RegistryError;
use crate::revocation_list::chunks::{self, CHUNK_BITS, Span};
use crate::revocation_list::version::Version;
use crate::schema;
use crate::store::Store;
use crate::tenant::Tenant;

/// Starts counting chunks at the tenant's first status index. Nobody has worked on this list before.
pub(super) fn start(store: &dyn Store, first_index: u32) -> Result<(), RegistryError> {
    store.execute(
        "INSERT INTO list_floor (id, first_index, waits_until) VALUES (1, ?, 0)",
        &[first_index.into()],
    )?;
    Ok(())
}

/// When the floor next rises.
pub(crate) fn next_rise(store: &dyn Store) -> Result<Option<UnixMillis>, RegistryError> {
    Ok(next(store)?.map(|next| next.due))
}

/// Raises the floor past the chunks whose time has come, at most 64 at once: the others are due at once again.
pub(crate) fn raise(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    let Some(next) = next(store)?.filter(|next| next.due <= now) else {
        return Ok(());
    };
    if !next.is_decided {
        // WHY: an object of the Worker before this one counts chunks from the floor. It may still work on these
        // tables for a while, and would set wrong bits once the floor has risen.
        store.execute(
            "UPDATE list_floor SET waits_until = ?",
            &[now.plus(FIRST_WAIT_MS).0.into()],
        )?;
        return Ok(());
    }
    let rise = falling(store, next.fallen, now)?;
    let current = Version::current(store)?;
    let mut digests = chunks::digests(store, &current, Span::of(store, &current)?)?;
    digests.drain(..digests.len().min(rise as usize));
    let floor = current.floor + rise * CHUNK_BITS;
    let bit_count = current.bit_count.saturating_sub(rise * CHUNK_BITS);
    chunks::keep_digests(store, &digests)?;
    let digest = wardkey::state_digest(floor, bit_count, digests);
    let sequence = current.next_sequence(now);
    Version { sequence, floor, bit_count, digest }.insert(store, now, &[])?;
    schema::shut_out_what_knows_no_floor(store)?;
    store.execute("UPDATE list_floor SET fallen = fallen + ?", &[rise.into()])?;
    store.execute("DELETE FROM list_expiry WHERE number < ?", &[(next.fallen + rise).into()])?;
    forget(store)?;
    Tenant::keep_time(store, now)
}

/// The chunk that the floor begins with, once all of it has been issued.
struct Next {
    fallen: u32,
    due: UnixMillis,
    is_decided: bool,
}

fn next(store: &dyn Store) -> Result<Option<Next>, RegistryError> {
    let rows = store.query(
        "SELECT fallen, generations, latest, waits_until FROM list_floor JOIN list_expiry ON number = fallen",
        &[],
    )?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    if row.unsigned::<u32>(1)? != CHUNK_BITS {
        return Ok(None);
    }
    let waits_until = row.optional_unsigned(3)?;
    let due = over_at(UnixSeconds(row.unsigned(2)?)).max(UnixMillis(waits_until.unwrap_or(0)));
    Ok(Some(Next { fallen: row.unsigned(0)?, due, is_decided: waits_until.is_some() }))
}

/// How many chunks from one on are over, without a gap.
fn falling(store: &dyn Store, first: u32, now: UnixMillis) -> Result<u32, RegistryError> {
    let rows = store.query(
        "SELECT number, latest FROM list_expiry WHERE number >= ? AND number < ? AND generations = ? ORDER BY number",
        &[first.into(), (first + MOST_AT_ONCE).into(), CHUNK_BITS.into()],
    )?;
    let mut falling = 0;
    for row in &rows {
        let is_next = row.unsigned::<u32>(0)? == first + falling;
        if !is_next || over_at(UnixSeconds(row.unsigned(1)?)) > now {
            break;
        }
        falling += 1;
    }
    Ok(falling)
}

/// Forgets the bits that had fallen before the oldest version that is still kept. What falls now is asked for by
/// its versions for a while yet, and is forgotten when the floor rises again.
fn forget(store: &dyn Store) -> Result<(), RegistryError> {
    store.execute(
        "DELETE FROM list_chunk WHERE number IN (SELECT number FROM list_chunk WHERE number <
         (SELECT (floor - first_index) / ? FROM list_version, list_floor ORDER BY sequence LIMIT 1)
         ORDER BY number LIMIT ?)",
        &[CHUNK_BITS.into(), (2 * MOST_AT_ONCE).into()],
    )?;
    Ok(())
}

/// From when on nothing is alive that expires at a second.
fn over_at(expires_at: UnixSeconds) -> UnixMillis {
    expires_at.as_millis().plus(KEPT_AFTER_EXPIRY_MS)
}

/// For how long an index stays in the list after its key's expiry, in milliseconds.
const KEPT_AFTER_EXPIRY_MS: u64 = 24 * 3_600_000;

/// For how long the floor of a list stays that an earlier Worker began, once it could rise, in milliseconds.
const FIRST_WAIT_MS: u64 = 24 * 3_600_000;

/// Most chunks that fall in one transaction.
const MOST_AT_ONCE: u32 = 64;

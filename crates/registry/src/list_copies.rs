//! Copies of list states in KV: of what heads name, so that whoever has no list yet need not ask the object.
//!
//! A copy never changes and is never the truth: its reader compares it with the digest in its name. It is written with
//! an end, and again while heads still name it; whatever may be in KV is known here, so that it can be taken out.

use wardkey::{DIGEST_LEN, TenantId, UnixMillis};

use crate::due::{DueTime, MOST_WAIT_MS};
use crate::error::RegistryError;
use crate::revocation_list;
use crate::store::Store;
use crate::tenant::Tenant;

/// A state of a tenant's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateName {
    /// Whose.
    pub tenant: TenantId,
    /// The sequence of the heads that name it.
    pub sequence: u64,
    /// Its digest.
    pub digest: [u8; DIGEST_LEN],
}

/// What is to be done in KV.
#[derive(Debug)]
pub enum StateCopy {
    /// A state is to be written, to end by itself after [`StateCopy::TTL_S`].
    Write {
        /// Which.
        name: StateName,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// One of a tenant that is gone is to be deleted.
    Delete {
        /// Which.
        name: StateName,
    },
}

impl StateCopy {
    /// For how long KV keeps a copy, in seconds.
    pub const TTL_S: u64 = 1_800;

    /// Which.
    pub const fn name(&self) -> StateName {
        match self {
            Self::Write { name, .. } | Self::Delete { name } => *name,
        }
    }
}

/// Notes that a head names a version: its copy is due, once a second at most, and in place of any earlier version's
/// that is not written yet.
pub(crate) fn name(
    store: &dyn Store,
    sequence: u64,
    digest: &[u8; DIGEST_LEN],
    state_len: u64,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    let sql = "SELECT kept_until, due_at FROM list_copy WHERE sequence = ?";
    if let Some(row) = store.query(sql, &[sequence.into()])?.first() {
        let left = UnixMillis(row.unsigned(0)?).since(now);
        if row.optional_unsigned::<u64>(1)?.is_none() && left < AGAIN_MS {
            store.execute(
                "UPDATE list_copy SET due_at = ? WHERE sequence = ?",
                &[now.0.into(), sequence.into()],
            )?;
        }
        return Ok(());
    }
    if state_len > MAX_COPY_LEN {
        return Ok(());
    }
    // What was never sent, and what KV has let go of.
    store.execute(
        "DELETE FROM list_copy WHERE sequence IN
         (SELECT sequence FROM list_copy WHERE kept_until < ? ORDER BY kept_until LIMIT ?)",
        &[now.0.into(), FORGOTTEN_AT_ONCE.into()],
    )?;
    store.execute("UPDATE list_copy SET due_at = NULL WHERE due_at IS NOT NULL", &[])?;
    let rows = store.query("SELECT max(kept_until) FROM list_copy", &[])?;
    let last_end = rows.first().map(|row| row.optional_unsigned(0)).transpose()?.flatten();
    let due_at = last_end
        .map_or(now, |end: u64| now.max(UnixMillis(end.saturating_sub(KEPT_MS)).plus(APART_MS)));
    store.execute(
        "INSERT INTO list_copy (sequence, digest, due_at) VALUES (?, ?, ?)",
        &[sequence.into(), digest.as_slice().into(), due_at.0.into()],
    )?;
    Ok(())
}

/// When something is next to be done in KV.
pub(crate) fn next_due(
    store: &dyn Store,
    now: DueTime,
) -> Result<Option<UnixMillis>, RegistryError> {
    let sql =
        "SELECT due_at, attempts FROM list_copy WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1";
    let rows = store.query(sql, &[])?;
    rows.first().map(|row| now.of(row)).transpose()
}

/// What is to be done in KV now. Whatever may come to be there is noted before. To be called inside a transaction.
pub(crate) fn due(store: &dyn Store, clock: UnixMillis) -> Result<Vec<StateCopy>, RegistryError> {
    let rows = store.query("SELECT number, destroyed_at FROM tenant", &[])?;
    let row = rows.first().ok_or(RegistryError::NoTenant)?;
    let tenant = TenantId(row.unsigned(0)?);
    let is_gone = row.optional_unsigned::<u64>(1)?.is_some();
    let due = DueTime::now(store, clock)?;
    let now = due.registry();
    let [latest, clock, far] = due.params();
    let sql = format!(
        "SELECT sequence, digest FROM list_copy WHERE {} ORDER BY due_at LIMIT ?4",
        DueTime::CONDITION
    );
    let rows = store.query(&sql, &[latest, clock, far, DELETED_AT_ONCE.into()])?;
    let mut copies = Vec::new();
    for row in &rows {
        let digest = row.blob(1)?.try_into();
        let digest = digest.map_err(|_| RegistryError::internal("a digest is not 32 bytes"))?;
        let name = StateName { tenant, sequence: row.unsigned(0)?, digest };
        if is_gone {
            copies.push(StateCopy::Delete { name });
            continue;
        }
        match revocation_list::state(store, name.sequence, &name.digest, now) {
            Ok(bytes) => {
                store.execute(
                    "UPDATE list_copy SET kept_until = ? WHERE sequence = ?",
                    &[now.plus(KEPT_MS).0.into(), name.sequence.into()],
                )?;
                copies.push(StateCopy::Write { name, bytes });
            }
            // Nobody may ask for it any more: it is left to its end.
            Err(RegistryError::NotFound) => settle(store, name.sequence)?,
            Err(error) => return Err(error),
        }
    }
    Ok(copies)
}

/// It was done.
pub(crate) fn done(store: &dyn Store, copy: &StateCopy) -> Result<(), RegistryError> {
    match copy {
        StateCopy::Write { name, .. } => settle(store, name.sequence),
        StateCopy::Delete { name } => {
            let sql = "DELETE FROM list_copy WHERE sequence = ?";
            Ok(store.execute(sql, &[name.sequence.into()])?)
        }
    }
}

/// It could not be done, or nobody knows: it is tried again after 1 s, doubling to 5 min.
pub(crate) fn failed(
    store: &dyn Store,
    name: StateName,
    clock: UnixMillis,
) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE list_copy SET due_at = ?1 + min(?2, 1000 << min(attempts, 20)), attempts = attempts + 1
         WHERE sequence = ?3 AND due_at IS NOT NULL",
        &[clock.0.into(), MOST_WAIT_MS.into(), name.sequence.into()],
    )?;
    Tenant::keep_time(store, clock)
}

/// Has everything that KV may hold of a tenant deleted.
pub(crate) fn withdraw(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    store.execute("DELETE FROM list_copy WHERE kept_until < ?", &[now.0.into()])?;
    Ok(store.execute("UPDATE list_copy SET due_at = ?, attempts = 0", &[now.0.into()])?)
}

/// Nothing is owed any more, unless the tenant was destroyed while KV was being written to.
fn settle(store: &dyn Store, sequence: u64) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE list_copy SET due_at = NULL, attempts = 0 WHERE sequence = ?
         AND NOT EXISTS (SELECT 1 FROM tenant WHERE destroyed_at IS NOT NULL)",
        &[sequence.into()],
    )?;
    Ok(())
}

/// For how long KV may hold a copy from when it was sent, in milliseconds: its clock and ours are two.
const KEPT_MS: u64 = StateCopy::TTL_S * 1_000 + 300_000;

/// What a head names and KV may hold for less than this is written again, in milliseconds: a state is asked for until ten
/// minutes after the last head that names it.
const AGAIN_MS: u64 = 1_200_000;

/// Least time between the copies of two versions, in milliseconds.
const APART_MS: u64 = 1_000;

/// Most copies that one transaction hands out. Of a living tenant one is due at most.
const DELETED_AT_ONCE: u32 = 50;

/// Most copies that one head has forgotten.
const FORGOTTEN_AT_ONCE: u32 = 16;

/// The longest state that is copied, in bytes: that of 67 million keys.
///
/// WHY not the 25 MiB that KV takes: whoever writes or reads a copy has it in memory whole, more than once, and an isolate has
/// 128 MB for everything.
const MAX_COPY_LEN: u64 = 8 * 1024 * 1024;

//! What comes to an end by itself: retiring generations whose overlap has passed, signing keys whose keys expired,
//! chunks of the list whose keys did, minutes in which refusals are counted.
//!
//! Nothing is answered while a deadline that has come is not applied. Many that come together are worked off in
//! transactions of their own, so that what was done stays done whatever ends the object, and the call's own transaction
//! finds none left.

use wardkey::{KeyId, StatusIndex, UnixMillis};

use crate::audit_log::{self, Act, Outcome};
use crate::epochs;
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_book::Key;
use crate::outbox;
use crate::refusal_count;
use crate::revocation_list;
use crate::store::{Row, Store, transaction};
use crate::tenant::Tenant;

/// Generations that one transaction retires: some hundreds of milliseconds of one object.
const BATCH: u32 = 500;

/// Retires every generation whose deadline is at or before `now`, a batch in each transaction. To be called before the
/// transaction of whatever is done then.
pub(crate) fn work_off(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    while work_off_some(store, now)? {}
    Ok(())
}

/// Retires the next batch, if there is one, in a transaction of its own; answers whether there was.
pub(crate) fn work_off_some(store: &dyn Store, now: UnixMillis) -> Result<bool, RegistryError> {
    if due(store, now, 1)?.is_empty() {
        return Ok(false);
    }
    transaction(store, || retire_some(store, now))
}

/// Applies every deadline at or before `now`, inside the transaction of whatever is done then.
pub(crate) fn apply(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    // INVARIANT: none is left, whether or not they were worked off before.
    while retire_some(store, now)? {}
    epochs::apply_deadlines(store, now)?;
    refusal_count::close(store, now)?;
    revocation_list::raise(store, now)
}

/// Generations whose deadline has come, the earliest first.
fn due(store: &dyn Store, now: UnixMillis, limit: u32) -> Result<Vec<Row>, RegistryError> {
    Ok(store.query(
        "SELECT status_index FROM generation WHERE state = 'retiring' AND retire_at <= ? ORDER BY retire_at LIMIT ?",
        &[now.0.into(), limit.into()],
    )?)
}

/// Retires the next batch; answers whether there was one.
fn retire_some(store: &dyn Store, now: UnixMillis) -> Result<bool, RegistryError> {
    let rows = due(store, now, BATCH)?;
    let mut indexes = Vec::new();
    for row in &rows {
        let index = StatusIndex(row.unsigned(0)?);
        let (key_id, generation) = Generation::find(store, index)?
            .ok_or_else(|| RegistryError::internal("a deadline is of no generation"))?;
        retire(store, key_id, &generation, now)?;
        indexes.push(index);
    }
    if indexes.is_empty() {
        return Ok(false);
    }
    revocation_list::kill(store, &indexes, now)?;
    Tenant::keep_time(store, now)?;
    Ok(true)
}

/// When the next one is due.
pub(crate) fn next(store: &dyn Store) -> Result<Option<UnixMillis>, RegistryError> {
    let rows =
        store.query("SELECT min(retire_at) FROM generation WHERE state = 'retiring'", &[])?;
    let retire_at = rows.first().map(|row| row.optional_unsigned(0)).transpose()?.flatten();
    let due = [
        retire_at.map(UnixMillis),
        epochs::next_deadline(store)?,
        revocation_list::next_rise(store)?,
        refusal_count::next(store)?,
    ];
    Ok(due.into_iter().flatten().min())
}

fn retire(
    store: &dyn Store,
    key_id: KeyId,
    generation: &Generation,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    generation.retire(store, now)?;
    let key = Key::find(store, key_id)?
        .ok_or_else(|| RegistryError::internal("a generation has no key"))?;
    key.touch(store)?;
    outbox::post(store, key_id, now)?;
    let act = Act {
        actor: None,
        action: "key.retire",
        audience: key.audience,
        target: Some(key_id.to_string()),
        reason: None,
        outcome: Outcome::Done,
        request_id: "deadline",
    };
    audit_log::append(store, now, act)
}

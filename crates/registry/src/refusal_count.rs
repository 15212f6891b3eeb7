//! How often an actor was refused an act of late: so that whoever asks again and again for what it may not do does not
//! fill the audit log.
//!
//! Of one actor and action, [`MOST`] refusals within a minute of registry time have an entry each. Further ones are
//! counted, and told by one entry of their own when that minute is over.

use wardkey::UnixMillis;
use wardkey_provision::Actor;

use crate::error::RegistryError;
use crate::store::Store;

/// Counts a refusal; answers whether it has an entry of its own.
pub(crate) fn admits(
    store: &dyn Store,
    actor: &Actor,
    action: &str,
    now: UnixMillis,
) -> Result<bool, RegistryError> {
    close(store, now)?;
    let row = [actor.key_id.to_string().into(), action.into()];
    let sql = "SELECT entries FROM refusal_count WHERE actor_key = ? AND action = ?";
    let rows = store.query(sql, &row)?;
    let Some(entries) = rows.first().map(|row| row.unsigned::<u32>(0)).transpose()? else {
        let [key, action] = row;
        store.execute(
            "INSERT INTO refusal_count (actor_key, action, actor_subject, began_at, entries, withheld)
             VALUES (?, ?, ?, ?, 1, 0)",
            &[key, action, actor.subject.as_str().into(), now.0.into()],
        )?;
        return Ok(true);
    };
    let is_admitted = entries < MOST;
    let counted = if is_admitted { "entries" } else { "withheld" };
    let sql = format!(
        "UPDATE refusal_count SET {counted} = {counted} + 1 WHERE actor_key = ? AND action = ?"
    );
    store.execute(&sql, &row)?;
    Ok(is_admitted)
}

/// Ends the minutes that are over: what they withheld is told, and nothing of them is kept.
pub(crate) fn close(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    let until = [now.0.saturating_sub(WINDOW_MS).into()];
    let over = "SELECT 1 FROM refusal_count WHERE began_at <= ? LIMIT 1";
    if store.query(over, &until)?.is_empty() {
        return Ok(());
    }
    store.execute(
        "INSERT INTO audit (at, actor_subject, actor_key, action, audience, reason, outcome, request_id)
         SELECT ?2, actor_subject, actor_key, action, 0, 'refusals_withheld: ' || withheld, 'refused', 'deadline'
         FROM refusal_count WHERE began_at <= ?1 AND withheld > 0 ORDER BY began_at",
        &[until[0].clone(), now.0.into()],
    )?;
    Ok(store.execute("DELETE FROM refusal_count WHERE began_at <= ?", &until)?)
}

/// When the next minute ends that withheld some.
pub(crate) fn next(store: &dyn Store) -> Result<Option<UnixMillis>, RegistryError> {
    let sql = "SELECT began_at FROM refusal_count WHERE withheld > 0 ORDER BY began_at LIMIT 1";
    let rows = store.query(sql, &[])?;
    let began_at = rows.first().map(|row| row.unsigned(0)).transpose()?;
    Ok(began_at.map(|at| UnixMillis(at).plus(WINDOW_MS)))
}

/// Entries that one actor and action leave within one minute.
const MOST: u32 = 10;

/// In milliseconds of registry time.
const WINDOW_MS: u64 = 60_000;

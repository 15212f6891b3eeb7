//! What is too old goes, once a day and some at a time.

use wardkey::UnixMillis;

use super::{first_kept_day, remembered};
use crate::error::RegistryError;
use crate::store::Store;

/// When it is next looked at.
pub(crate) fn next_due(store: &dyn Store) -> Result<Option<UnixMillis>, RegistryError> {
    let rows = store.query("SELECT sweep_at FROM usage_state", &[])?;
    Ok(rows.first().map(|row| row.unsigned(0)).transpose()?.map(UnixMillis))
}

/// Takes out some of what is too old, if that is due; a second later it goes on until nothing is.
pub(crate) fn some(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    if next_due(store)?.is_none_or(|at| at > now) {
        return Ok(());
    }
    let first = first_kept_day(now);
    let remembered_from = now.0.saturating_sub(remembered::KEPT_MS);
    let counts = "usage_count WHERE day < ?1 ORDER BY day, rowid LIMIT ?2";
    let sightings = "usage_sighting WHERE day < ?1 ORDER BY day, rowid LIMIT ?2";
    let mut swept = 0;
    for (old, limit, size) in
        [(counts, u64::from(first), Some("counts")), (sightings, u64::from(first), None)]
    {
        let params = [limit.into(), SOME.into()];
        let sql = format!(
            "SELECT audience, count(*) FROM (SELECT audience FROM {old}) GROUP BY audience"
        );
        for row in &store.query(&sql, &params)? {
            let (audience, gone): (u8, u64) = (row.unsigned(0)?, row.unsigned(1)?);
            swept += gone;
            if let Some(column) = size {
                let sql = format!(
                    "UPDATE usage_size SET {column} = max({column} - ?2, 0) WHERE audience = ?1"
                );
                store.execute(&sql, &[audience.into(), gone.into()])?;
            }
        }
        let (table, _) = old.split_once(' ').unwrap_or((old, ""));
        let sql = format!("DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {old})");
        store.execute(&sql, &params)?;
    }
    for row in &store.query("SELECT audience FROM usage_size", &[])? {
        let left = u64::from(SOME).saturating_sub(swept);
        swept += remembered::forget(store, row.unsigned(0)?, remembered_from, left)?;
    }
    store.execute("DELETE FROM usage_loss WHERE day < ?", &[first.into()])?;
    let next = now.plus(if swept == 0 { EVERY_MS } else { ON_MS });
    Ok(store.execute("UPDATE usage_state SET sweep_at = ?", &[next.0.into()])?)
}

/// Most rows of a table that go at once.
const SOME: u32 = 2_000;
/// How often it is looked, in milliseconds.
pub(crate) const EVERY_MS: u64 = 24 * 3_600_000;
/// How soon it goes on, in milliseconds.
const ON_MS: u64 = 1_000;

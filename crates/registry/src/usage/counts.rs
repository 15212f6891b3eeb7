//! Adding what was reported to the counts of its day, as far as there is room.

use wardkey::UnixMillis;

use super::report::{Checked, Entry};
use super::{UsageLimits, day_of};
use crate::error::RegistryError;
use crate::store::{Store, Value};

/// What was counted and what was not.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) counted: u64,
    pub(crate) dropped: u64,
}

/// Adds a report's entries, and keeps what is lost. `counted` hears of each entry that is.
pub(crate) fn add(
    store: &dyn Store,
    limits: UsageLimits,
    audience: u8,
    report: &Checked<'_>,
    now: UnixMillis,
    mut counted: impl FnMut(&Entry<'_>) -> Result<(), RegistryError>,
) -> Result<Sum, RegistryError> {
    let mut sum = Sum::default();
    let mut room = limits.rows.saturating_sub(size(store, audience)?);
    for entry in &report.entries {
        if add_one(store, audience, report.verifier.as_str(), entry, &mut room)? {
            sum.counted += u64::from(entry.count);
            counted(entry)?;
        } else {
            sum.dropped += u64::from(entry.count);
        }
    }
    let used = limits.rows.saturating_sub(room);
    let sql = "INSERT INTO usage_size (audience, counts, reports) VALUES (?1, ?2, 0)
               ON CONFLICT (audience) DO UPDATE SET counts = max(counts, ?2)";
    store.execute(sql, &[audience.into(), used.into()])?;
    if report.said.lost > 0 || sum.dropped > 0 {
        let sql = format!(
            "INSERT INTO usage_loss (audience, day, lost, dropped) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (audience, day)
             DO UPDATE SET lost = min(lost + ?3, {MOST}), dropped = min(dropped + ?4, {MOST})"
        );
        let loss = [report.said.lost.into(), sum.dropped.into()];
        let [lost, dropped] = loss;
        store.execute(&sql, &[audience.into(), day_of(now).into(), lost, dropped])?;
    }
    Ok(sum)
}

/// How many rows of counts an audience has.
fn size(store: &dyn Store, audience: u8) -> Result<u64, RegistryError> {
    let sql = "SELECT counts FROM usage_size WHERE audience = ?";
    let rows = store.query(sql, &[audience.into()])?;
    Ok(rows.first().map(|row| row.unsigned(0)).transpose()?.unwrap_or(0))
}

fn add_one(
    store: &dyn Store,
    audience: u8,
    verifier: &str,
    entry: &Entry<'_>,
    room: &mut u64,
) -> Result<bool, RegistryError> {
    let row: [Value; 7] = [
        audience.into(),
        entry.key_id.to_string().into(),
        entry.index.0.into(),
        entry.day().into(),
        verifier.into(),
        entry.scopes.as_str().into(),
        entry.outcome.into(),
    ];
    let numbers: [Value; 3] = [entry.count.into(), entry.first.into(), entry.last.into()];
    let found = store.query(&format!("SELECT 1 FROM usage_count WHERE {ROW}"), &row)?;
    let params: Vec<Value> = row.into_iter().chain(numbers).collect();
    if !found.is_empty() {
        let sql = format!(
            "UPDATE usage_count SET count = min(count + ?8, {MOST}), first_at = min(first_at, ?9),
             last_at = max(last_at, ?10) WHERE {ROW}"
        );
        store.execute(&sql, &params)?;
        return Ok(true);
    }
    if *room == 0 {
        return Ok(false);
    }
    *room -= 1;
    store.execute(
        "INSERT INTO usage_count (audience, key_id, status_index, day, verifier, scopes, outcome, count, first_at, last_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &params,
    )?;
    Ok(true)
}

/// The one row of a day, key, generation, verifier, requirement and outcome.
const ROW: &str = "audience = ?1 AND key_id = ?2 AND status_index = ?3 AND day = ?4 AND verifier = ?5 \
                   AND scopes = ?6 AND outcome = ?7";

/// The largest number that every host keeps exact.
const MOST: u64 = (1 << 53) - 1;

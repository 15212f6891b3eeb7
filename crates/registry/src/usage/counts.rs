//! Adding what was reported to the counts of its day, as far as there is room.

use wardkey::UnixMillis;

use super::report::{Checked, Entry, Reporter};
use super::{MOST, UsageLimits, day_of};
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
    reporter: &Reporter,
    report: &Checked<'_>,
    now: UnixMillis,
    mut counted: impl FnMut(&Entry<'_>) -> Result<(), RegistryError>,
) -> Result<Sum, RegistryError> {
    let audience = reporter.audience;
    let kinds = if reporter.is_worker() { OWN_KINDS_A_DAY } else { KINDS_A_DAY };
    let mut sum = Sum::default();
    let mut room = limits.rows.saturating_sub(size(store, audience)?);
    for entry in &report.entries {
        if add_one(store, (audience, report.verifier.as_str()), entry, kinds, &mut room)? {
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
    (audience, verifier): (u8, &str),
    entry: &Entry<'_>,
    kinds: u32,
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
    if *room == 0 || has_all_kinds(store, &params, kinds)? {
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

/// Whether a generation has as many rows of the day as it may have.
fn has_all_kinds(store: &dyn Store, row: &[Value], kinds: u32) -> Result<bool, RegistryError> {
    let sql = "SELECT 1 FROM usage_count WHERE audience = ?1 AND key_id = ?2 AND status_index = ?3 AND day = ?4
               LIMIT 1 OFFSET ?5";
    let generation = row.get(..4).unwrap_or_default();
    let last = [Value::from(kinds.saturating_sub(1))];
    Ok(!store.query(sql, &[generation, &last[..]].concat())?.is_empty())
}

/// The one row of a day, key, generation, verifier, requirement and outcome.
const ROW: &str = "audience = ?1 AND key_id = ?2 AND status_index = ?3 AND day = ?4 AND verifier = ?5 \
                   AND scopes = ?6 AND outcome = ?7";

/// Most rows of one generation and day: so many kinds of decisions are made about no key, and one that is read has all of them.
const KINDS_A_DAY: u32 = 1_000;
/// Most rows of one generation and day that the Worker's own counts may fill: who calls it chooses the scopes.
const OWN_KINDS_A_DAY: u32 = 100;

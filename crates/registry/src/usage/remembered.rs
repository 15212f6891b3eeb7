//! Reports that were counted: one that is repeated, since its answer was lost, counts once.

use sha2::{Digest as _, Sha256};
use wardkey::UnixMillis;

use super::report::{AHEAD_S, Checked, MAX_AGE_S, Reporter, UsageCounted};
use super::{DAY_S, UsageLimits, counts, sightings};
use crate::error::RegistryError;
use crate::store::Store;

/// Counts a report unless it was counted before.
///
/// # Errors
/// [`RegistryError::Invalid`] for another report of the same name, and for one that could have been forgotten;
/// [`RegistryError::Busy`] where too many came within minutes.
pub(crate) fn once(
    store: &dyn Store,
    limits: UsageLimits,
    reporter: &Reporter,
    report: &Checked<'_>,
    now: UnixMillis,
) -> Result<UsageCounted, RegistryError> {
    let said = serde_json::to_vec(report.said)
        .map_err(|error| RegistryError::internal(format!("a report: {error}")))?;
    let digest = Sha256::digest(&said);
    let report_id = report.said.report_id.clone();
    let name = [reporter.key_id.as_str().into(), report_id.as_str().into()];
    let sql =
        "SELECT digest, counted, dropped FROM usage_report WHERE reporter = ? AND report_id = ?";
    if let Some(row) = store.query(sql, &name)?.first() {
        if row.blob(0)? != digest.as_slice() {
            return Err(RegistryError::invalid("report_id", "is the name of another report"));
        }
        let (counted, dropped) = (row.unsigned(1)?, row.unsigned(2)?);
        return Ok(UsageCounted { report_id, repeated: true, counted, dropped });
    }
    let audience = reporter.audience;
    let sql = "SELECT reports, taken_from FROM usage_size WHERE audience = ?";
    let rows = store.query(sql, &[audience.into()])?;
    let (kept, taken_from): (u64, u64) = match rows.first() {
        Some(row) => (row.unsigned(0)?, row.unsigned(1)?),
        None => (0, 0),
    };
    if u64::from(report.said.period.until) < taken_from {
        return Err(RegistryError::invalid(
            "period",
            "ended before what is remembered of the audience's reports",
        ));
    }
    if kept >= limits.reports {
        // INVARIANT: what ended within the last minutes is taken in any case.
        let before = now.0.saturating_sub(2 * AHEAD_S * 1_000);
        if forget(store, audience, before, FORGOTTEN_AT_ONCE)? == 0 {
            return Err(RegistryError::Busy);
        }
    }
    let verifier = report.verifier.as_str();
    let sum = counts::add(store, limits, reporter, report, now, |entry| {
        sightings::note(store, reporter, verifier, entry)
    })?;
    let [reporter, report_name] = name;
    store.execute(
        "INSERT INTO usage_report (reporter, report_id, audience, digest, at, counted, dropped) VALUES (?, ?, ?, ?, ?, ?, ?)",
        &[
            reporter,
            report_name,
            audience.into(),
            digest.as_slice().into(),
            now.0.into(),
            sum.counted.into(),
            sum.dropped.into(),
        ],
    )?;
    let sql = "UPDATE usage_size SET reports = reports + 1 WHERE audience = ?";
    store.execute(sql, &[audience.into()])?;
    Ok(UsageCounted { report_id, repeated: false, counted: sum.counted, dropped: sum.dropped })
}

/// Forgets the oldest reports of an audience that came before a time, and takes none any more that could be one of them.
/// Answers how many there were.
pub(crate) fn forget(
    store: &dyn Store,
    audience: u8,
    before: u64,
    most: u64,
) -> Result<u64, RegistryError> {
    let oldest = "FROM usage_report WHERE audience = ?1 AND at < ?2 ORDER BY at LIMIT ?3";
    let params = [audience.into(), before.into(), most.into()];
    let sql = format!("SELECT count(*), coalesce(max(at), 0) FROM (SELECT at {oldest})");
    let rows = store.query(&sql, &params)?;
    let row = rows.first().ok_or_else(|| RegistryError::internal("a count without a row"))?;
    let (forgotten, last): (u64, u64) = (row.unsigned(0)?, row.unsigned(1)?);
    if forgotten == 0 {
        return Ok(0);
    }
    let sql = format!("DELETE FROM usage_report WHERE rowid IN (SELECT rowid {oldest})");
    store.execute(&sql, &params)?;
    let taken_from = last / 1_000 + AHEAD_S + 1;
    let sql = "UPDATE usage_size SET reports = max(reports - ?2, 0), taken_from = max(taken_from, ?3) WHERE audience = ?1";
    store.execute(sql, &[audience.into(), forgotten.into(), taken_from.into()])?;
    Ok(forgotten)
}

/// How many are forgotten for one that has no room.
const FORGOTTEN_AT_ONCE: u64 = 500;

/// For how long a report is remembered, in milliseconds: a day longer than one of its period is taken.
pub(crate) const KEPT_MS: u64 = (MAX_AGE_S as u64 + AHEAD_S + DAY_S as u64) * 1_000;

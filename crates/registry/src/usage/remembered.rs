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
/// [`RegistryError::Invalid`] for another report of the same name; [`RegistryError::Busy`] while too many are remembered.
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
    let sql = "SELECT reports FROM usage_size WHERE audience = ?";
    let rows = store.query(sql, &[audience.into()])?;
    let kept: u64 = rows.first().map(|row| row.unsigned(0)).transpose()?.unwrap_or(0);
    if kept >= limits.reports {
        return Err(RegistryError::Busy);
    }
    let verifier = report.verifier.as_str();
    let sum = counts::add(store, limits, audience, report, now, |entry| {
        sightings::note(store, audience, verifier, &reporter.request_id, entry)
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

/// For how long a report is remembered, in milliseconds: a day longer than one of its period is taken.
pub(crate) const KEPT_MS: u64 = (MAX_AGE_S as u64 + AHEAD_S + DAY_S as u64) * 1_000;

//! What a tenant tells the directory of itself, and the row that keeps telling it until the directory knows.
//!
//! It is read without the tenant's secret: a tenant whose version of the root is missing is the one that the
//! deployment's owner must hear of.

use serde::{Deserialize, Serialize};
use wardkey::UnixMillis;
use wardkey_provision::RootKeys;

use crate::due::{DueTime, MOST_WAIT_MS};
use crate::error::RegistryError;
use crate::schema;
use crate::store::Store;
use crate::tenant::Tenant;

/// Whether a tenant lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// It has its secret.
    Live,
    /// Its secret was destroyed, for good.
    Destroyed,
}

/// What a tenant says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantReport {
    /// Its number.
    pub tenant: u16,
    /// Whether it lives.
    pub state: TenantState,
    /// The version of the root that wraps its secret; none once that was destroyed.
    pub wrapped_by: Option<u32>,
    /// Registry time, in Unix milliseconds: of two reports the later one counts.
    pub at_ms: u64,
    /// Which of two reports of one moment is the later one.
    pub revision: u64,
}

/// Says that what the directory should know has changed. What it knows is told anew from the beginning.
pub(crate) fn post(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    store.execute(
        "INSERT INTO directory_report (id, revision, told, due_at, attempts) VALUES (1, 1, 0, ?, 0)
         ON CONFLICT (id) DO UPDATE SET revision = revision + 1, due_at = excluded.due_at, attempts = 0",
        &[now.0.into()],
    )?;
    Ok(())
}

/// When the report is next to be tried; none while the directory knows all.
pub(crate) fn next_due(
    store: &dyn Store,
    now: DueTime,
) -> Result<Option<UnixMillis>, RegistryError> {
    let sql = "SELECT due_at, attempts FROM directory_report WHERE told < revision";
    let rows = store.query(sql, &[])?;
    rows.first().map(|row| now.of(row)).transpose()
}

/// What the tenant says of itself at a time.
///
/// # Errors
/// [`RegistryError::NoTenant`] where nobody made one.
pub(crate) fn of(store: &dyn Store, clock: UnixMillis) -> Result<TenantReport, RegistryError> {
    if !schema::exists(store)? {
        return Err(RegistryError::NoTenant);
    }
    let sql = "SELECT number, wrapped_secret, last_time, destroyed_at, coalesce((SELECT revision FROM directory_report), 0)
               FROM tenant";
    let rows = store.query(sql, &[])?;
    let row = rows.first().ok_or(RegistryError::NoTenant)?;
    let destroyed = row.optional_unsigned::<u64>(3)?.is_some();
    let wrapped_by = if destroyed {
        None
    } else {
        let version = RootKeys::version_of(row.blob(1)?);
        Some(version.map_err(|error| RegistryError::internal(error.to_string()))?)
    };
    Ok(TenantReport {
        tenant: row.unsigned(0)?,
        state: if destroyed { TenantState::Destroyed } else { TenantState::Live },
        wrapped_by,
        at_ms: clock.0.max(row.unsigned(2)?),
        revision: row.unsigned(4)?,
    })
}

/// The directory has a report: what has changed since is still to be told.
pub(crate) fn told(store: &dyn Store, report: TenantReport) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE directory_report SET told = max(told, min(revision, ?))",
        &[report.revision.into()],
    )?;
    Ok(())
}

/// Puts the report off after a failed try: 1 s, doubling to 5 min.
pub(crate) fn failed(store: &dyn Store, clock: UnixMillis) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE directory_report SET due_at = ?1 + min(?2, 1000 << min(attempts, 20)), attempts = attempts + 1",
        &[clock.0.into(), MOST_WAIT_MS.into()],
    )?;
    Tenant::keep_time(store, clock)
}

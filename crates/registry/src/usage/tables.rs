//! The tables of a tenant's usage.

use wardkey::{TenantId, UnixMillis};

use crate::error::RegistryError;
use crate::store::Store;

/// Makes the tables, with the first report.
pub(crate) fn make(
    store: &dyn Store,
    tenant: TenantId,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    if self::tenant(store)?.is_some() {
        return Ok(());
    }
    for statement in TABLES {
        store.execute(statement, &[])?;
    }
    store.execute(
        "INSERT OR IGNORE INTO usage_state (id, tenant, tell_at, attempts, sweep_at) VALUES (1, ?, 0, 0, ?)",
        &[u32::from(tenant.0).into(), now.plus(super::sweep::EVERY_MS).0.into()],
    )?;
    Ok(())
}

/// The tenant whose usage is kept here; none before the first report.
pub(crate) fn tenant(store: &dyn Store) -> Result<Option<TenantId>, RegistryError> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'usage_state' LIMIT 1";
    if store.query(sql, &[])?.is_empty() {
        return Ok(None);
    }
    let rows = store.query("SELECT tenant FROM usage_state", &[])?;
    Ok(rows.first().map(|row| row.unsigned(0)).transpose()?.map(TenantId))
}

/// Takes the tables out.
pub(crate) fn drop_all(store: &dyn Store) -> Result<(), RegistryError> {
    for table in NAMES {
        store.execute(&format!("DROP TABLE IF EXISTS {table}"), &[])?;
    }
    Ok(())
}

const NAMES: [&str; 6] =
    ["usage_count", "usage_size", "usage_loss", "usage_report", "usage_sighting", "usage_state"];

/// Schema 1: later ones only add. `day` counts from 1970-01-01; `first_at`, `last_at`, `denied_at` and `taken_from` are Unix seconds, other times are Unix
/// milliseconds.
const TABLES: [&str; 11] = [
    "CREATE TABLE IF NOT EXISTS usage_count (
        audience INTEGER NOT NULL,
        key_id TEXT NOT NULL,
        status_index INTEGER NOT NULL,
        day INTEGER NOT NULL,
        verifier TEXT NOT NULL,
        scopes TEXT NOT NULL,
        outcome TEXT NOT NULL,
        count INTEGER NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        UNIQUE (audience, key_id, status_index, day, verifier, scopes, outcome)) STRICT",
    "CREATE INDEX IF NOT EXISTS usage_count_by_day ON usage_count (day)",
    // How many rows of `usage_count` and of `usage_report` an audience has; `taken_from`: no report is taken that ended before.
    "CREATE TABLE IF NOT EXISTS usage_size (
        audience INTEGER PRIMARY KEY,
        counts INTEGER NOT NULL,
        reports INTEGER NOT NULL,
        taken_from INTEGER NOT NULL DEFAULT 0) STRICT",
    // What verifiers declared as lost, and what was dropped here, by the day on which it was reported.
    "CREATE TABLE IF NOT EXISTS usage_loss (
        audience INTEGER NOT NULL,
        day INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        dropped INTEGER NOT NULL,
        PRIMARY KEY (audience, day)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS usage_report (
        reporter TEXT NOT NULL,
        report_id TEXT NOT NULL,
        audience INTEGER NOT NULL,
        digest BLOB NOT NULL,
        at INTEGER NOT NULL,
        counted INTEGER NOT NULL,
        dropped INTEGER NOT NULL,
        UNIQUE (reporter, report_id)) STRICT",
    "CREATE INDEX IF NOT EXISTS usage_report_by_audience ON usage_report (audience, at)",
    // What the registry is to be told, once a generation and day: `denied_as` and the second of it if it was shown dead, `verdict`
    // when it was told.
    "CREATE TABLE IF NOT EXISTS usage_sighting (
        audience INTEGER NOT NULL,
        key_id TEXT NOT NULL,
        status_index INTEGER NOT NULL,
        day INTEGER NOT NULL,
        denied_as TEXT,
        denied_at INTEGER,
        verifier TEXT NOT NULL,
        reporter TEXT NOT NULL,
        request_id TEXT NOT NULL,
        verdict TEXT,
        told INTEGER NOT NULL DEFAULT 0,
        UNIQUE (audience, key_id, status_index, day)) STRICT",
    "CREATE INDEX IF NOT EXISTS usage_sighting_by_day ON usage_sighting (day)",
    "CREATE INDEX IF NOT EXISTS usage_sighting_untold ON usage_sighting (day) WHERE told = 0",
    "CREATE TABLE IF NOT EXISTS usage_state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        tenant INTEGER NOT NULL,
        tell_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        sweep_at INTEGER NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS usage_loss_by_day ON usage_loss (day)",
];

//! The outbox: key records that KV shall hold, until it does.

use rand_core::TryCryptoRng;
use wardkey::{KeyId, UnixMillis};
use wardkey_provision::{RecordName, seal_record};

use crate::due::{DueTime, MOST_WAIT_MS};
use crate::error::RegistryError;
use crate::key_book::Key;
use crate::store::Store;
use crate::tenant::{Tenant, random};

/// A sealed record to be written to KV.
#[derive(Debug)]
pub struct Publication {
    /// What it is.
    pub name: RecordName,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// Says that a key's record has changed.
pub(crate) fn post(store: &dyn Store, key_id: KeyId, now: UnixMillis) -> Result<(), RegistryError> {
    store.execute(
        "INSERT INTO outbox (key_id, due_at, attempts) VALUES (?, ?, 0)
         ON CONFLICT (key_id) DO UPDATE SET due_at = excluded.due_at, attempts = 0",
        &[key_id.to_string().into(), now.0.into()],
    )?;
    Ok(())
}

/// When the next record is due.
pub(crate) fn next_due(
    store: &dyn Store,
    now: DueTime,
) -> Result<Option<UnixMillis>, RegistryError> {
    let rows = store.query("SELECT due_at, attempts FROM outbox ORDER BY due_at LIMIT 1", &[])?;
    rows.first().map(|row| now.of(row)).transpose()
}

/// Seals the newest version of some records that are due.
pub(crate) fn due(
    store: &dyn Store,
    tenant: &Tenant,
    now: DueTime,
    limit: u32,
    rng: &mut impl TryCryptoRng,
) -> Result<Vec<Publication>, RegistryError> {
    let [latest, clock, far] = now.params();
    let sql =
        format!("SELECT key_id FROM outbox WHERE {} ORDER BY due_at LIMIT ?4", DueTime::CONDITION);
    let rows = store.query(&sql, &[latest, clock, far, limit.into()])?;
    let mut publications = Vec::new();
    for row in &rows {
        let id =
            row.text(0)?.parse().map_err(|_| RegistryError::internal("the outbox names no key"))?;
        let key = Key::find(store, id)?
            .ok_or_else(|| RegistryError::internal("the outbox names no key"))?;
        let name = RecordName { tenant: tenant.number(), key_id: id, version: key.record_version };
        let record = serde_json::to_vec(&key.view(store, &tenant.policy)?).map_err(|error| {
            RegistryError::internal(format!("a record does not serialize: {error}"))
        })?;
        let record_key = tenant.secret.record_key(id, name.version);
        let sealed = seal_record(&record_key, name, random(rng)?, &record)
            .map_err(|error| RegistryError::internal(error.to_string()))?;
        publications.push(Publication { name, sealed });
    }
    Ok(publications)
}

/// Takes a record off, unless the key has changed since it was sealed.
pub(crate) fn done(store: &dyn Store, name: RecordName) -> Result<(), RegistryError> {
    store.execute(
        "DELETE FROM outbox WHERE key_id = ?1 AND EXISTS
         (SELECT 1 FROM key WHERE id = ?1 AND record_version = ?2)",
        &[name.key_id.to_string().into(), name.version.into()],
    )?;
    Ok(())
}

/// Puts a record off after a failed try: 1 s, doubling to 5 min.
pub(crate) fn failed(
    store: &dyn Store,
    name: RecordName,
    clock: UnixMillis,
) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE outbox SET due_at = ?1 + min(?2, 1000 << min(attempts, 20)), attempts = attempts + 1
         WHERE key_id = ?3",
        &[clock.0.into(), MOST_WAIT_MS.into(), name.key_id.to_string().into()],
    )?;
    Tenant::keep_time(store, clock)
}

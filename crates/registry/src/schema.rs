//! The tables of a tenant's book, and the indexes that keep their readers from scanning them.

use crate::error::RegistryError;
use crate::store::{Store, transaction};

/// The newest schema.
pub(crate) const VERSION: u32 = 1 + LATER.len() as u32;

/// Makes the tables. Only a bootstrap does: a call for a tenant that nobody made writes nothing.
pub(crate) fn create(store: &dyn Store) -> Result<(), RegistryError> {
    for statement in TABLES.iter().chain(LATER.into_iter().flatten()) {
        store.execute(statement, &[])?;
    }
    Ok(())
}

/// Brings tables that an earlier Worker made to the newest schema. What a later one made stays: each schema only
/// adds to the one before, so that old and new code can work on the same tables for a while.
pub(crate) fn upgrade(store: &dyn Store) -> Result<(), RegistryError> {
    if !exists(store)? {
        return Ok(());
    }
    let rows = store.query("SELECT schema_version FROM tenant", &[])?;
    let Some(version) = rows.first().map(|row| row.unsigned::<u64>(0)).transpose()? else {
        return Ok(());
    };
    let (lock, version) = (version - version % LOCK, (version % LOCK) as u32);
    if version >= VERSION {
        return Ok(());
    }
    transaction(store, || {
        let steps = LATER.iter().zip(2_u32..).filter(|(_, to)| *to > version);
        for statement in steps.flat_map(|(step, _)| *step) {
            store.execute(statement, &[])?;
        }
        let version = lock + u64::from(VERSION);
        Ok(store.execute("UPDATE tenant SET schema_version = ?", &[version.into()])?)
    })
}

/// Shuts out the code of before the floor rose, for good: it reads the schema's version as 32 bits, and fails at a larger
/// number before it does anything. It would take a chunk for another one, acknowledge a revocation and set no bit.
pub(crate) fn shut_out_what_knows_no_floor(store: &dyn Store) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE tenant SET schema_version = schema_version + ?1 WHERE schema_version < ?1",
        &[LOCK.into()],
    )?;
    Ok(())
}

/// What is added to the version.
const LOCK: u64 = 1 << 32;

/// Whether the tenant's tables are there.
pub(crate) fn exists(store: &dyn Store) -> Result<bool, RegistryError> {
    // It was the first to be made: without the limit, each call would read the names of all others.
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tenant' LIMIT 1";
    let rows = store.query(sql, &[])?;
    Ok(!rows.is_empty())
}

/// Schema 1. Times are Unix milliseconds, except issued_at, expires_at, mint_*, verify_until and cutoff,
/// which are the Unix seconds that stand in keys and heads.
const TABLES: [&str; 16] = [
    "CREATE TABLE IF NOT EXISTS tenant (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        schema_version INTEGER NOT NULL,
        number INTEGER NOT NULL,
        wrapped_secret BLOB NOT NULL,
        policy TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_time INTEGER NOT NULL,
        next_index INTEGER NOT NULL,
        cutoff INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE IF NOT EXISTS audience (
        number INTEGER PRIMARY KEY,
        cutoff INTEGER NOT NULL DEFAULT 0,
        current_key_set INTEGER NOT NULL,
        least_key_set INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS signing_key (
        audience INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        mint_from INTEGER NOT NULL,
        mint_until INTEGER NOT NULL,
        verify_until INTEGER NOT NULL,
        dead_at INTEGER,
        PRIMARY KEY (audience, epoch)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS bootstrap (
        token_hash BLOB PRIMARY KEY,
        used_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS key (
        id TEXT PRIMARY KEY,
        subject TEXT NOT NULL,
        audience INTEGER NOT NULL,
        name TEXT,
        owner TEXT NOT NULL,
        issuer TEXT,
        created_at INTEGER NOT NULL,
        suspended INTEGER NOT NULL DEFAULT 0,
        record_version INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS binding (
        key_id TEXT NOT NULL,
        scope INTEGER NOT NULL,
        audience INTEGER NOT NULL,
        PRIMARY KEY (key_id, scope, audience)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS generation (
        status_index INTEGER PRIMARY KEY,
        key_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        issued_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        scopes BLOB NOT NULL,
        state TEXT NOT NULL,
        seen_at INTEGER,
        ended_at INTEGER,
        end_reason TEXT,
        UNIQUE (key_id, number)) STRICT",
    "CREATE TABLE IF NOT EXISTS idempotency (
        actor TEXT NOT NULL,
        token BLOB NOT NULL,
        digest BLOB NOT NULL,
        at INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        status_index INTEGER,
        PRIMARY KEY (actor, token)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS audit (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        actor_subject TEXT,
        actor_key TEXT,
        action TEXT NOT NULL,
        audience INTEGER NOT NULL,
        target TEXT,
        reason TEXT,
        outcome TEXT NOT NULL,
        request_id TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS list_chunk (
        number INTEGER PRIMARY KEY,
        bits BLOB NOT NULL,
        digest BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS list_version (
        sequence INTEGER PRIMARY KEY,
        made_at INTEGER NOT NULL,
        floor INTEGER NOT NULL,
        bit_count INTEGER NOT NULL,
        digest BLOB NOT NULL,
        flipped BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        sequence INTEGER NOT NULL,
        issued_at INTEGER NOT NULL,
        bytes BLOB NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS outbox (
        key_id TEXT PRIMARY KEY,
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (at)",
    "CREATE INDEX IF NOT EXISTS audit_by_audience ON audit (audience, sequence)",
    "CREATE INDEX IF NOT EXISTS outbox_by_time ON outbox (due_at)",
];

/// What each later schema adds.
const LATER: [&[&str]; 8] = [
    SECOND,
    EPOCHS_AND_ENDS,
    POLICY_VERSIONS,
    DIRECTORY_REPORT,
    LISTS_AT_SCALE,
    TAGS,
    COUNTS,
    SIGHTINGS,
];

/// Schema 2: notes, constraints, the deadlines of retiring generations, revocations of many keys.
const SECOND: &[&str] = &[
    "ALTER TABLE key ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE key ADD COLUMN meta TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE generation ADD COLUMN constraints TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE generation ADD COLUMN retire_at INTEGER",
    "ALTER TABLE generation ADD COLUMN overlap_s INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE IF NOT EXISTS revocation (
        id TEXT PRIMARY KEY,
        selector TEXT NOT NULL,
        reason TEXT,
        actor_subject TEXT NOT NULL,
        actor_key TEXT NOT NULL,
        request_id TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        keys INTEGER NOT NULL,
        sequence INTEGER NOT NULL,
        cursor TEXT NOT NULL,
        done_at INTEGER) STRICT, WITHOUT ROWID",
    // Issuers whose keys a revocation is still to look at, and after which of these.
    "CREATE TABLE IF NOT EXISTS revocation_issuer (
        revocation TEXT NOT NULL,
        issuer TEXT NOT NULL,
        cursor TEXT NOT NULL,
        PRIMARY KEY (revocation, issuer)) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS revocation_under_way ON revocation (started_at, id) WHERE state <> 'done'",
    "CREATE INDEX IF NOT EXISTS key_by_subject ON key (subject, id)",
    "CREATE INDEX IF NOT EXISTS key_by_issuer ON key (issuer, id)",
    "CREATE INDEX IF NOT EXISTS generation_by_deadline ON generation (retire_at) WHERE state = 'retiring'",
];

/// Epochs of signing keys that follow each other and end, and tenants that end. `retired_at`, `unlisted_at` and
/// `destroyed_at` are in Unix milliseconds.
const EPOCHS_AND_ENDS: &[&str] = &[
    // The newest edition of the key set that held it; none while editions to come hold it.
    "ALTER TABLE signing_key ADD COLUMN last_key_set INTEGER",
    // Since when no edition holds it, its keys having expired.
    "ALTER TABLE signing_key ADD COLUMN retired_at INTEGER",
    // Since when a dead one is not named in heads any more.
    "ALTER TABLE signing_key ADD COLUMN unlisted_at INTEGER",
    "ALTER TABLE tenant ADD COLUMN destroyed_at INTEGER",
    "CREATE INDEX IF NOT EXISTS signing_key_by_end ON signing_key (verify_until)
     WHERE dead_at IS NULL AND retired_at IS NULL",
    "CREATE INDEX IF NOT EXISTS signing_key_by_death ON signing_key (dead_at)
     WHERE dead_at IS NOT NULL AND unlisted_at IS NULL AND audience > 0",
];

/// Every version of the policy, and every number that one of them gave. Its first version is the one that
/// the tenant has.
const POLICY_VERSIONS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS policy_version (
        version INTEGER PRIMARY KEY,
        content TEXT NOT NULL,
        actor_subject TEXT,
        actor_key TEXT,
        at INTEGER NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS given_audience (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS given_scope (
        audience INTEGER NOT NULL,
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (audience, number)) STRICT, WITHOUT ROWID",
    // Unix milliseconds since when the policy does not have it; its number stays its own.
    "ALTER TABLE audience ADD COLUMN dropped_at INTEGER",
    "INSERT INTO policy_version (version, content, at) SELECT 1, policy, created_at FROM tenant",
    "INSERT INTO given_audience (number, name)
     SELECT json_extract(audience.value, '$.number'), json_extract(audience.value, '$.name')
     FROM tenant, json_each(tenant.policy, '$.audiences') AS audience",
    "INSERT INTO given_scope (audience, number, name)
     SELECT json_extract(audience.value, '$.number'), json_extract(scope.value, '$.number'),
      json_extract(scope.value, '$.name')
     FROM tenant, json_each(tenant.policy, '$.audiences') AS audience, json_each(audience.value, '$.scopes') AS scope",
];

/// What the directory of tenants is told: `revision` counts what there was to tell, `told` is how much of it the
/// directory has. A tenant from before registers itself.
const DIRECTORY_REPORT: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS directory_report (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        revision INTEGER NOT NULL,
        told INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL) STRICT",
    "INSERT OR IGNORE INTO directory_report (id, revision, told, due_at, attempts) SELECT 1, 1, 0, 0, 0 FROM tenant",
];

/// Lists of millions of indexes: a floor that rises, digests in one row, copies of states in KV; and the indexes
/// without which a reader would scan. `waits_until`, `due_at` and `kept_until` are in Unix milliseconds.
const LISTS_AT_SCALE: &[&str] = &[
    // The index that chunk 0 begins with, and how many chunks the floor has risen past. `waits_until`: before then it
    // does not rise; NULL until that is decided.
    "CREATE TABLE IF NOT EXISTS list_floor (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        first_index INTEGER NOT NULL,
        fallen INTEGER NOT NULL DEFAULT 0,
        waits_until INTEGER) STRICT",
    "INSERT OR IGNORE INTO list_floor (id, first_index) SELECT 1, floor FROM list_version ORDER BY sequence LIMIT 1",
    // How many indexes of a chunk were issued, and the latest second in which one of their keys expires.
    "CREATE TABLE IF NOT EXISTS list_expiry (
        number INTEGER PRIMARY KEY,
        generations INTEGER NOT NULL,
        latest INTEGER NOT NULL) STRICT",
    "INSERT OR REPLACE INTO list_expiry (number, generations, latest)
     SELECT (status_index - first_index) / 32768, count(*), max(expires_at) FROM generation, list_floor GROUP BY 1",
    // A trigger, so that no mint is missed, an old object's included: a chunk falls when all of it is known to be over.
    "CREATE TRIGGER IF NOT EXISTS list_expiry_of_generation AFTER INSERT ON generation BEGIN
        INSERT INTO list_expiry (number, generations, latest)
        SELECT (new.status_index - first_index) / 32768, 1, new.expires_at FROM list_floor WHERE true
        ON CONFLICT (number) DO UPDATE SET generations = generations + 1, latest = max(latest, excluded.latest);
     END",
    // The digests of all chunks from the floor on, one behind the other.
    "CREATE TABLE IF NOT EXISTS list_digests (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        digests BLOB NOT NULL) STRICT",
    // States that KV may hold until `kept_until` (0: never sent), and when something is to be done about one.
    "CREATE TABLE IF NOT EXISTS list_copy (
        sequence INTEGER PRIMARY KEY,
        digest BLOB NOT NULL,
        due_at INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        kept_until INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE INDEX IF NOT EXISTS list_copy_by_time ON list_copy (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS list_copy_by_end ON list_copy (kept_until)",
    "CREATE INDEX IF NOT EXISTS list_version_by_time ON list_version (made_at)",
    "CREATE INDEX IF NOT EXISTS binding_by_scope ON binding (scope, audience)",
    "CREATE INDEX IF NOT EXISTS key_by_audience ON key (audience, id)",
    "CREATE INDEX IF NOT EXISTS key_by_subject_and_audience ON key (subject, audience, id)",
];

/// The tags of each key as rows, so that keys are found by one without looking at all. `key` has them as well, and is the
/// truth. A key's subject and audience never change. Keys that are there already follow in batches.
const TAGS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS key_tag (
        tag TEXT NOT NULL,
        audience INTEGER NOT NULL,
        key_id TEXT NOT NULL,
        subject TEXT NOT NULL,
        PRIMARY KEY (tag, audience, key_id)) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS key_tag_by_subject ON key_tag (subject, tag, audience, key_id)",
    TAG_FILL,
    "INSERT OR IGNORE INTO tag_fill (id, cursor) SELECT 1, '' FROM tenant",
    // Triggers, so that no writer is missed, an old object included.
    "CREATE TRIGGER IF NOT EXISTS key_tag_of_new AFTER INSERT ON key BEGIN
        INSERT OR REPLACE INTO key_tag (tag, audience, key_id, subject)
        SELECT tag.value, new.audience, new.id, new.subject FROM json_each(new.tags) AS tag;
     END",
    "CREATE TRIGGER IF NOT EXISTS key_tag_of_changed AFTER UPDATE OF tags ON key WHEN new.tags <> old.tags BEGIN
        DELETE FROM key_tag WHERE audience = old.audience AND key_id = old.id
         AND tag IN (SELECT value FROM json_each(old.tags));
        INSERT OR REPLACE INTO key_tag (tag, audience, key_id, subject)
        SELECT tag.value, new.audience, new.id, new.subject FROM json_each(new.tags) AS tag;
     END",
];

/// One row while keys are still to be taken over, with the last that was.
const TAG_FILL: &str = "CREATE TABLE IF NOT EXISTS tag_fill (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cursor TEXT NOT NULL) STRICT";

/// How many refusals of one actor and action were logged and withheld since `began_at`, in Unix milliseconds.
const COUNTS: &[&str] = &[
    // A book whose tags were taken over at once has none.
    TAG_FILL,
    "CREATE TABLE IF NOT EXISTS refusal_count (
        actor_key TEXT NOT NULL,
        action TEXT NOT NULL,
        actor_subject TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        entries INTEGER NOT NULL,
        withheld INTEGER NOT NULL,
        PRIMARY KEY (actor_key, action)) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS refusal_count_by_time ON refusal_count (began_at)",
];

/// Which generations have an entry in the log for having been shown dead, or without having been issued, on a day from
/// 1970-01-01.
const SIGHTINGS: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS sighting_entry (
        audience INTEGER NOT NULL,
        day INTEGER NOT NULL,
        key_id TEXT NOT NULL,
        status_index INTEGER NOT NULL,
        PRIMARY KEY (audience, day, key_id, status_index)) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS sighting_entry_by_day ON sighting_entry (day)",
];

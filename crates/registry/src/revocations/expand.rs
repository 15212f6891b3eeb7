//! Expanding a revocation: some keys in each transaction, until all are dead.

use wardkey::{KeyId, StatusIndex, Subject, UnixMillis};
use wardkey_provision::Actor;

use crate::audit_log::{self, Act, Outcome};
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_book::Key;
use crate::outbox;
use crate::revocation_list;
use crate::revocations::progress::{Revocation, RevocationState};
use crate::revocations::selector::Reached;
use crate::store::Store;
use crate::tenant::{Tenant, second_of};

/// Keys of one batch: some hundreds of milliseconds of one object.
const BATCH: u32 = 250;

/// Whether a revocation is under way.
pub(crate) fn is_pending(store: &dyn Store) -> Result<bool, RegistryError> {
    Ok(!store.query("SELECT 1 FROM revocation WHERE state <> 'done' LIMIT 1", &[])?.is_empty())
}

/// Takes the next batch of the oldest revocation that is under way. To be called inside a transaction.
pub(crate) fn one_batch(
    store: &dyn Store,
    tenant: &Tenant,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    let Some(revocation) = Revocation::pending(store)?.into_iter().next() else {
        return Ok(());
    };
    // A selector was readable when it was stored; an audience may have left the policy since.
    let Ok(reached) = revocation.select.reach(tenant, second_of(now)?, |_| RegistryError::NotFound)
    else {
        return finish(store, &revocation, now);
    };
    let mut killed = Vec::new();
    let some_left = match reached {
        Reached::Subject { subject, audience } => {
            let (ids, more) = of_subject(store, &revocation, subject)?;
            for id in &ids {
                let key = found(store, *id)?;
                if audience.is_none_or(|only| only == key.audience) {
                    killed.extend(kill(store, &revocation, &key, now)?);
                }
            }
            more
        }
        Reached::Issuer { descendants, .. } => {
            of_issuer(store, &revocation, descendants, &mut killed, now)?
        }
        Reached::Cutoff { .. } => settle(store, tenant, &revocation, now)?,
    };
    revocation_list::kill(store, &killed, now)?;
    Tenant::keep_time(store, now)?;
    if some_left { Ok(()) } else { finish(store, &revocation, now) }
}

/// Says that the keys which an issuer has made are to be looked at.
pub(super) fn follow(
    store: &dyn Store,
    revocation: &str,
    issuer: KeyId,
) -> Result<(), RegistryError> {
    store.execute(
        "INSERT OR IGNORE INTO revocation_issuer (revocation, issuer, cursor) VALUES (?, ?, '')",
        &[revocation.into(), issuer.to_string().into()],
    )?;
    Ok(())
}

/// The next keys of a subject, and whether there are more after them.
fn of_subject(
    store: &dyn Store,
    revocation: &Revocation,
    subject: Subject,
) -> Result<(Vec<KeyId>, bool), RegistryError> {
    let rows = store.query(
        "SELECT id FROM key WHERE subject = ? AND id > (SELECT cursor FROM revocation WHERE id = ?)
         AND created_at <= ? ORDER BY id LIMIT ?",
        &[
            subject.as_str().into(),
            revocation.id.as_str().into(),
            revocation.started_at.0.into(),
            BATCH.into(),
        ],
    )?;
    let ids = ids(&rows)?;
    if let Some(last) = ids.last() {
        store.execute(
            "UPDATE revocation SET cursor = ? WHERE id = ?",
            &[last.to_string().into(), revocation.id.as_str().into()],
        )?;
    }
    let more = ids.len() == BATCH as usize;
    Ok((ids, more))
}

/// Kills the next keys that an issuer has made, and notes down that these may be issuers, too.
fn of_issuer(
    store: &dyn Store,
    revocation: &Revocation,
    descendants: bool,
    killed: &mut Vec<StatusIndex>,
    now: UnixMillis,
) -> Result<bool, RegistryError> {
    let name = revocation.id.as_str();
    let rows = store.query(
        "SELECT issuer, cursor FROM revocation_issuer WHERE revocation = ? LIMIT 1",
        &[name.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(false);
    };
    let (issuer, cursor) = (row.text(0)?.to_owned(), row.text(1)?.to_owned());
    let rows = store.query(
        "SELECT id FROM key WHERE issuer = ? AND id > ? AND created_at <= ? ORDER BY id LIMIT ?",
        &[issuer.as_str().into(), cursor.into(), revocation.started_at.0.into(), BATCH.into()],
    )?;
    let ids = ids(&rows)?;
    for id in &ids {
        let key = found(store, *id)?;
        killed.extend(kill(store, revocation, &key, now)?);
        if descendants {
            follow(store, name, *id)?;
        }
    }
    match ids.last().filter(|_| ids.len() == BATCH as usize) {
        Some(last) => store.execute(
            "UPDATE revocation_issuer SET cursor = ? WHERE revocation = ? AND issuer = ?",
            &[last.to_string().into(), name.into(), issuer.into()],
        )?,
        None => store.execute(
            "DELETE FROM revocation_issuer WHERE revocation = ? AND issuer = ?",
            &[name.into(), issuer.into()],
        )?,
    }
    Ok(true)
}

/// Writes into the rows of some generations what a cut-off has done to them already.
fn settle(
    store: &dyn Store,
    tenant: &Tenant,
    revocation: &Revocation,
    now: UnixMillis,
) -> Result<bool, RegistryError> {
    let rows = store.query(
        "SELECT status_index FROM generation
         WHERE status_index > (SELECT CAST(cursor AS INTEGER) FROM revocation WHERE id = ?) ORDER BY status_index LIMIT ?",
        &[revocation.id.as_str().into(), BATCH.into()],
    )?;
    let mut keys = 0_u32;
    for row in &rows {
        let index = StatusIndex(row.unsigned(0)?);
        let Some((key_id, generation)) = Generation::find(store, index)? else { continue };
        let key = found(store, key_id)?;
        let killed = tenant.cutoff(store, key.audience)?.kills(generation.issued_at);
        if killed && generation.lives(now) {
            generation.revoke(store, revocation.reason.as_deref(), now)?;
            key.touch(store)?;
            outbox::post(store, key_id, now)?;
            keys += 1;
        }
    }
    if let Some(last) = rows.last() {
        store.execute(
            "UPDATE revocation SET cursor = ?, keys = keys + ? WHERE id = ?",
            &[
                last.unsigned::<u32>(0)?.to_string().into(),
                keys.into(),
                revocation.id.as_str().into(),
            ],
        )?;
    }
    Ok(rows.len() == BATCH as usize)
}

/// Ends every living generation of a key; answers which.
fn kill(
    store: &dyn Store,
    revocation: &Revocation,
    key: &Key,
    now: UnixMillis,
) -> Result<Vec<StatusIndex>, RegistryError> {
    let generations = key.generations(store)?;
    let living: Vec<_> = generations.iter().filter(|one| one.lives(now)).collect();
    if living.is_empty() {
        return Ok(Vec::new());
    }
    for generation in &living {
        generation.revoke(store, revocation.reason.as_deref(), now)?;
    }
    key.touch(store)?;
    outbox::post(store, key.id, now)?;
    store.execute(
        "UPDATE revocation SET keys = keys + 1 WHERE id = ?",
        &[revocation.id.as_str().into()],
    )?;
    let actor = Actor {
        subject: Subject::new(&revocation.actor_subject)
            .map_err(|error| RegistryError::internal(error.to_string()))?,
        key_id: revocation
            .actor_key
            .parse()
            .map_err(|_| RegistryError::internal("a revocation's actor is no key"))?,
        expires_at: wardkey::UnixSeconds(0),
        bindings: Vec::new(),
    };
    let act = Act {
        actor: Some(&actor),
        action: "key.revoke",
        audience: key.audience,
        target: Some(key.id.to_string()),
        reason: revocation.reason.as_deref(),
        outcome: Outcome::Done,
        request_id: &revocation.request_id,
    };
    audit_log::append(store, now, act)?;
    Ok(living.iter().map(|one| one.status_index).collect())
}

fn finish(
    store: &dyn Store,
    revocation: &Revocation,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    let sequence = revocation_list::sequence(store)?;
    let sequence =
        if revocation.state == RevocationState::Settling { revocation.sequence } else { sequence };
    store.execute(
        "UPDATE revocation SET state = 'done', done_at = ?, sequence = ? WHERE id = ?",
        &[now.0.into(), sequence.into(), revocation.id.as_str().into()],
    )?;
    Ok(())
}

fn found(store: &dyn Store, id: KeyId) -> Result<Key, RegistryError> {
    Key::find(store, id)?.ok_or_else(|| RegistryError::internal("a key that was found is gone"))
}

fn ids(rows: &[crate::store::Row]) -> Result<Vec<KeyId>, RegistryError> {
    let id = |row: &crate::store::Row| {
        row.text(0)?.parse().map_err(|_| RegistryError::internal("a key's id is none"))
    };
    rows.iter().map(id).collect()
}

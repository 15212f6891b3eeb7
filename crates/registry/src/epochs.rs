//! The epochs of an audience's signing keys: how one follows the other, how they die, and how they end.
//!
//! At every second from now on exactly one living epoch of an audience mints: windows follow each other without a
//! gap, and the last one is open. An epoch's number is never given again, so that its row stays for ever.

use wardkey::{
    AudienceId, Epoch, MAX_HEAD_LEN, MAX_LIVE_EPOCHS, NOT_AFTER_MS, UnixMillis, UnixSeconds,
};
use wardkey_provision::LiveSigningKey;

use crate::audit_log::{self, Act, Outcome};
use crate::error::{Conflict, RegistryError};
use crate::revocation_list;
use crate::store::{Row, Store, Value};
use crate::tenant::{Tenant, second_of};

/// The editions of an audience's key set that a head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Editions {
    /// The newest.
    pub(crate) current: u32,
    /// The oldest that may still decide.
    pub(crate) least: u32,
}

/// The editions of an audience's key set.
pub(crate) fn editions(store: &dyn Store, audience: AudienceId) -> Result<Editions, RegistryError> {
    let sql = "SELECT current_key_set, least_key_set FROM audience WHERE number = ?";
    let rows = store.query(sql, &[audience.0.into()])?;
    let row = rows.first().ok_or_else(|| RegistryError::internal("the audience has no row"))?;
    Ok(Editions { current: row.unsigned(0)?, least: row.unsigned(1)? })
}

/// Plans the next epoch: key sets hold it at once, the one before mints until the second before and verifies for as
/// long as any of its keys may live.
///
/// # Errors
/// [`Conflict::EpochPending`], [`Conflict::TooManyEpochs`], [`Conflict::EpochsUsedUp`].
pub(crate) fn plan(
    store: &dyn Store,
    tenant: &Tenant,
    audience: AudienceId,
    mint_from: UnixSeconds,
    now: UnixMillis,
) -> Result<Epoch, RegistryError> {
    let living = Tenant::signing_keys(store, audience)?;
    let last = living
        .last()
        .ok_or_else(|| RegistryError::internal("the audience has no signing key that lives"))?;
    if last.mint_from > second_of(now)? {
        let detail = format!(
            "epoch {} mints from {} on: plan the next one after that, or declare this one compromised",
            last.epoch.number(),
            last.mint_from.0
        );
        return Err(RegistryError::conflict(Conflict::EpochPending, detail));
    }
    if living.len() >= MAX_LIVE_EPOCHS {
        return Err(too_many(&living));
    }
    let epoch = next_epoch(store, audience)?;
    let mint_until = UnixSeconds(mint_from.0.saturating_sub(1));
    let policy = tenant.policy.audience_numbered(audience);
    let longest = policy.map_or(0, |policy| policy.max_lifetime_s);
    let verify_until = mint_until.0.saturating_add(longest);
    let verify_until = verify_until.max(latest_expiry(store, audience, last.epoch)?);
    store.execute(
        "UPDATE signing_key SET mint_until = ?, verify_until = ? WHERE audience = ? AND epoch = ?",
        &[mint_until.0.into(), verify_until.into(), audience.0.into(), last.epoch.number().into()],
    )?;
    open(store, audience, epoch, mint_from)?;
    next_edition(store, audience)?;
    Ok(epoch)
}

/// Kills every living epoch, whoever holds its key, and opens another one that mints at once. No key set from before
/// may decide any more. Answers the dead ones and the new one.
///
/// # Errors
/// [`Conflict::EpochsUsedUp`].
pub(crate) fn replace(
    store: &dyn Store,
    audience: AudienceId,
    now: UnixMillis,
) -> Result<(Vec<Epoch>, Epoch), RegistryError> {
    let living = Tenant::signing_keys(store, audience)?;
    let epoch = next_epoch(store, audience)?;
    let last_key_set = editions(store, audience)?.current;
    store.execute(
        "UPDATE signing_key SET dead_at = ?, last_key_set = ?
         WHERE audience = ? AND dead_at IS NULL AND retired_at IS NULL",
        &[now.0.into(), last_key_set.into(), audience.0.into()],
    )?;
    open(store, audience, epoch, second_of(now)?)?;
    next_edition(store, audience)?;
    store.execute(
        "UPDATE audience SET least_key_set = current_key_set WHERE number = ?",
        &[audience.0.into()],
    )?;
    make_room(store, audience, now)?;
    Ok((living.iter().map(|key| key.epoch).collect(), epoch))
}

/// How many keys live that living epochs of an audience have signed: a compromise ends them all.
pub(crate) fn living_keys(
    store: &dyn Store,
    tenant: &Tenant,
    audience: AudienceId,
    now: UnixMillis,
) -> Result<u64, RegistryError> {
    let cutoff = tenant.cutoff(store, audience)?;
    let rows = store.query(
        "SELECT count(DISTINCT generation.key_id) FROM generation
         JOIN key ON key.id = generation.key_id AND key.audience = ?1
         JOIN signing_key ON signing_key.audience = ?1 AND signing_key.epoch = generation.epoch
          AND signing_key.dead_at IS NULL
         WHERE generation.state IN ('pending', 'active', 'retiring') AND generation.expires_at * 1000 > ?2
          AND generation.issued_at > ?3 AND coalesce(generation.retire_at, ?2 + 1) > ?2",
        &[audience.0.into(), now.0.into(), cutoff.0.0.into()],
    )?;
    rows.first().map_or(Ok(0), |row| row.unsigned(0))
}

/// Makes sure that a key which expires then is inside its signing key's window. No key set holds the windows of the
/// administration, so that they can move.
///
/// # Errors
/// [`RegistryError::Forbidden`] by rule `signing_key_ends`: a longer lifetime was allowed after the signing key's
/// successor was planned.
pub(crate) fn cover(
    store: &dyn Store,
    audience: AudienceId,
    key: &LiveSigningKey,
    expires_at: UnixSeconds,
) -> Result<(), RegistryError> {
    if expires_at <= key.verify_until {
        return Ok(());
    }
    if audience != AudienceId::ADMINISTRATION {
        let detail = format!(
            "keys that are made before {} live until {} at most: ask for less, or again then",
            key.mint_until.0.saturating_add(1),
            key.verify_until.0
        );
        return Err(RegistryError::Forbidden { rule: "signing_key_ends".into(), detail });
    }
    store.execute(
        "UPDATE signing_key SET verify_until = ? WHERE audience = ? AND epoch = ?",
        &[expires_at.0.into(), audience.0.into(), key.epoch.number().into()],
    )?;
    Ok(())
}

/// Retires epochs whose last key expired a day ago, and lets dead ones leave the head.
pub(crate) fn apply_deadlines(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    let retired = retire(store, now)?;
    let unlisted = store.query(
        &format!("{SELECT_LISTED} AND dead_at <= ?"),
        &[now.0.saturating_sub(LISTED_MS).into()],
    )?;
    for row in &unlisted {
        unlist(store, row, now)?;
    }
    if retired || !unlisted.is_empty() {
        revocation_list::renew(store, now)?;
        Tenant::keep_time(store, now)?;
    }
    Ok(())
}

/// When the next one is due.
pub(crate) fn next_deadline(store: &dyn Store) -> Result<Option<UnixMillis>, RegistryError> {
    let ends = store.query(
        "SELECT min(verify_until) FROM signing_key WHERE dead_at IS NULL AND retired_at IS NULL",
        &[],
    )?;
    let deaths = store.query(
        "SELECT min(dead_at) FROM signing_key
         WHERE dead_at IS NOT NULL AND unlisted_at IS NULL AND audience > 0",
        &[],
    )?;
    let least = |rows: &[Row]| {
        rows.first().map(|row| row.optional_unsigned(0)).transpose().map(Option::flatten)
    };
    // One that is open has no end; in SQLite every number is below the year 2106.
    let end = least(&ends)?.filter(|end| *end < u64::from(u32::MAX));
    let end = end.map(|end: u64| UnixMillis(end * 1_000 + RETIRED_AFTER_MS));
    let death = least(&deaths)?.map(|at: u64| UnixMillis(at + LISTED_MS));
    Ok([end, death].into_iter().flatten().min())
}

fn retire(store: &dyn Store, now: UnixMillis) -> Result<bool, RegistryError> {
    let rows = store.query(
        "SELECT audience, epoch FROM signing_key
         WHERE dead_at IS NULL AND retired_at IS NULL AND verify_until <= ? ORDER BY verify_until",
        &[(now.0.saturating_sub(RETIRED_AFTER_MS) / 1_000).into()],
    )?;
    for row in &rows {
        let (audience, epoch) = (AudienceId(row.unsigned(0)?), row.unsigned::<u8>(1)?);
        store.execute(
            "UPDATE signing_key SET retired_at = ?, last_key_set = ? WHERE audience = ? AND epoch = ?",
            &[
                now.0.into(),
                editions(store, audience)?.current.into(),
                audience.0.into(),
                epoch.into(),
            ],
        )?;
        next_edition(store, audience)?;
        let act = Act {
            actor: None,
            action: "signing_key.retire",
            audience,
            target: Some(format!("epoch {epoch}")),
            reason: None,
            outcome: Outcome::Done,
            request_id: "deadline",
        };
        audit_log::append(store, now, act)?;
    }
    Ok(!rows.is_empty())
}

/// Lets the dead ones that died first leave the head before their time, so that it has room for those of an audience
/// that died now: a compromise is never refused for room.
fn make_room(
    store: &dyn Store,
    audience: AudienceId,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    let spare = store.query(SELECT_LISTED, &[])?.len().saturating_sub(MAX_LISTED);
    if spare == 0 {
        return Ok(());
    }
    // An audience has at most 255 of them, so that there are others enough.
    let earlier = store.query(
        &format!(
            "{SELECT_LISTED} AND (signing_key.audience <> ? OR dead_at < ?) ORDER BY dead_at LIMIT ?"
        ),
        &[audience.0.into(), now.0.into(), Value::from(spare as u64)],
    )?;
    for row in &earlier {
        unlist(store, row, now)?;
    }
    Ok(())
}

fn unlist(store: &dyn Store, row: &Row, now: UnixMillis) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE signing_key SET unlisted_at = ? WHERE audience = ? AND epoch = ?",
        &[now.0.into(), row.unsigned::<u8>(0)?.into(), row.unsigned::<u8>(1)?.into()],
    )?;
    Ok(())
}

/// Writes an epoch that mints without end until the next one is planned.
fn open(
    store: &dyn Store,
    audience: AudienceId,
    epoch: Epoch,
    mint_from: UnixSeconds,
) -> Result<(), RegistryError> {
    store.execute(
        "INSERT INTO signing_key (audience, epoch, mint_from, mint_until, verify_until) VALUES (?, ?, ?, ?, ?)",
        &[
            audience.0.into(),
            epoch.number().into(),
            mint_from.0.into(),
            u32::MAX.into(),
            u32::MAX.into(),
        ],
    )?;
    Ok(())
}

fn next_edition(store: &dyn Store, audience: AudienceId) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE audience SET current_key_set = current_key_set + 1 WHERE number = ?",
        &[audience.0.into()],
    )?;
    Ok(())
}

fn next_epoch(store: &dyn Store, audience: AudienceId) -> Result<Epoch, RegistryError> {
    let sql = "SELECT max(epoch) FROM signing_key WHERE audience = ?";
    let rows = store.query(sql, &[audience.0.into()])?;
    let last: u8 = rows.first().map_or(Ok(0), |row| row.unsigned(0))?;
    last.checked_add(1).and_then(Epoch::new).ok_or_else(|| {
        let detail = "the audience has had all 255 signing keys that its number can have: revoke what is left of its \
                      keys by issue time, and move to an audience of another number";
        RegistryError::conflict(Conflict::EpochsUsedUp, detail)
    })
}

fn latest_expiry(
    store: &dyn Store,
    audience: AudienceId,
    epoch: Epoch,
) -> Result<u32, RegistryError> {
    let rows = store.query(
        "SELECT max(generation.expires_at) FROM generation
         JOIN key ON key.id = generation.key_id AND key.audience = ? WHERE generation.epoch = ?",
        &[audience.0.into(), epoch.number().into()],
    )?;
    let latest = rows.first().map(|row| row.optional_unsigned(0)).transpose()?.flatten();
    Ok(latest.unwrap_or(0))
}

fn too_many(living: &[LiveSigningKey]) -> RegistryError {
    let freed = living.iter().map(|key| key.verify_until.0).min().unwrap_or(u32::MAX);
    let detail = format!(
        "{MAX_LIVE_EPOCHS} signing keys live, as many as a key set can hold: the next place is free at {}",
        u64::from(freed) + RETIRED_AFTER_MS / 1_000
    );
    RegistryError::conflict(Conflict::TooManyEpochs, detail)
}

/// For how long an epoch stays in key sets after its last key has expired, in milliseconds.
const RETIRED_AFTER_MS: u64 = 24 * 3_600_000;

/// For how long a dead epoch is named in heads, in milliseconds: until the last head that does not name it is past
/// its not-after. No edition at or above the least holds it from the start.
const LISTED_MS: u64 = NOT_AFTER_MS;

/// Most dead epochs that a head names: every epoch that can live in 64 audiences at once.
const MAX_LISTED: usize = MAX_AUDIENCES * MAX_LIVE_EPOCHS;
const MAX_AUDIENCES: usize = 64;
/// Everything of a head that has one length, with no change in it.
const FIXED_LEN: usize = 68;
const AUDIENCE_AND_TAG_LEN: usize = 13 + 16;
// What is left, some 1,100 bytes, is for changes.
const _: () = assert!(
    FIXED_LEN + MAX_AUDIENCES * AUDIENCE_AND_TAG_LEN + 2 * MAX_LISTED + 1_024 <= MAX_HEAD_LEN
);

// INVARIANT: a dead epoch is in no edition at or above the least, so that it may leave at any time; asked all the same.
const SELECT_LISTED: &str = "SELECT signing_key.audience, signing_key.epoch FROM signing_key
     JOIN audience ON audience.number = signing_key.audience AND audience.least_key_set > signing_key.last_key_set
     WHERE signing_key.dead_at IS NOT NULL AND signing_key.unlisted_at IS NULL AND signing_key.audience > 0";

//! What verifiers report that they have seen: whose text is known to somebody by now, and the alarm of a dead key that is
//! shown, or of one that was never issued.
//!
//! A claim of whoever holds a key set: it ends that the same text is given again and begins an overlap, as any use does,
//! and nothing else. Its entries are bounded: one a generation and day, and [`MOST`] an audience and day.

use wardkey::{AudienceId, KeyId, Reason, StatusIndex, UnixMillis, UnixSeconds};

use crate::audit_log::{self, Act, Outcome};
use crate::check::{seen, standing};
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_book::Key;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::usage::{Sighting, SightingVerdict};

/// Keeps what follows from each, and answers what each is.
pub(crate) fn note(
    store: &dyn Store,
    tenant: &Tenant,
    sightings: &[Sighting],
    now: UnixMillis,
) -> Result<Vec<SightingVerdict>, RegistryError> {
    forget(store, now)?;
    sightings.iter().map(|sighting| note_one(store, tenant, sighting, now)).collect()
}

fn note_one(
    store: &dyn Store,
    tenant: &Tenant,
    sighting: &Sighting,
    now: UnixMillis,
) -> Result<SightingVerdict, RegistryError> {
    let key_id: KeyId = sighting
        .key_id
        .parse()
        .map_err(|_| RegistryError::internal("what was sighted has no key's id"))?;
    let Some((key, generation)) = found(store, sighting, key_id)? else {
        let reason = format!("reported by {}", who(sighting));
        log(store, sighting, "key.never_issued", Outcome::Alarm, &reason, now)?;
        return Ok(SightingVerdict::NeverIssued);
    };
    let base = key.base(tenant.number(), &generation);
    match standing(store, tenant, &base, now)? {
        Ok((key, generation)) => {
            seen(store, &key, &generation, now)?;
            Ok(SightingVerdict::Alive)
        }
        Err(reason) => {
            // It may be resumed, and its text is known to somebody then.
            if reason == Reason::Suspended {
                seen(store, &key, &generation, now)?;
            }
            if let Some(denied_as) = &sighting.denied_as
                && is_late(sighting, &generation)
            {
                let (reason, by) = (reason.as_str(), who(sighting));
                let reason = format!("{reason}: denied as {denied_as} by {by}");
                log(store, sighting, "key.late_use", Outcome::Refused, &reason, now)?;
            }
            Ok(SightingVerdict::Dead)
        }
    }
}

/// The verifier by the name that it calls itself, which anybody may, and the key of the credential that it reported under.
fn who(Sighting { verifier, reporter, .. }: &Sighting) -> String {
    match reporter {
        Some(reporter) => format!("{verifier} ({reporter})"),
        None => verifier.clone(),
    }
}

/// Whether the generation was dead when it was denied. All words but one are said of dead ones alone: what a holder narrowed
/// expires while its key lives.
fn is_late(sighting: &Sighting, generation: &Generation) -> bool {
    match sighting.denied_at {
        Some(at) if sighting.denied_as.as_deref() == Some(Reason::Expired.as_str()) => {
            generation.had_ended(UnixSeconds(at))
        }
        _ => true,
    }
}

/// The generation, if it is of that key and of the verifier's audience.
fn found(
    store: &dyn Store,
    sighting: &Sighting,
    key_id: KeyId,
) -> Result<Option<(Key, Generation)>, RegistryError> {
    let Some((of, generation)) = Generation::find(store, StatusIndex(sighting.status_index))?
    else {
        return Ok(None);
    };
    let key = if of == key_id { Key::find(store, key_id)? } else { None };
    let key = key.filter(|key| key.audience == AudienceId(sighting.audience));
    Ok(key.map(|key| (key, generation)))
}

/// Writes an entry, unless this generation has one of that day, or the audience has had too many: then one says so.
fn log(
    store: &dyn Store,
    sighting: &Sighting,
    action: &str,
    outcome: Outcome,
    reason: &str,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    let Sighting { audience, key_id, status_index, day, request_id, .. } = sighting;
    let row = [(*audience).into(), (*day).into(), key_id.as_str().into(), (*status_index).into()];
    let sql = "SELECT 1 FROM sighting_entry WHERE audience = ? AND day = ? AND key_id = ? AND status_index = ?";
    if !store.query(sql, &row)?.is_empty() {
        return Ok(());
    }
    let of_the_day = "SELECT count(*) FROM sighting_entry WHERE audience = ? AND day = ?";
    let rows = store.query(of_the_day, row.get(..2).unwrap_or_default())?;
    let entries: u64 = rows.first().map(|row| row.unsigned(0)).transpose()?.unwrap_or(0);
    if entries > MOST {
        return Ok(());
    }
    let sql =
        "INSERT INTO sighting_entry (audience, day, key_id, status_index) VALUES (?, ?, ?, ?)";
    store.execute(sql, &row)?;
    let is_last = entries == MOST;
    let act = Act {
        actor: None,
        action: if is_last { "usage.withheld" } else { action },
        audience: AudienceId(*audience),
        target: (!is_last).then(|| key_id.clone()),
        reason: Some(if is_last { "further ones of this day have no entry" } else { reason }),
        outcome: if is_last { Outcome::Alarm } else { outcome },
        request_id,
    };
    audit_log::append(store, now, act)?;
    Tenant::keep_time(store, now)
}

/// Forgets days of which nothing is reported any more.
fn forget(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    let until = (now.0 / 86_400_000).saturating_sub(KEPT_DAYS);
    Ok(store.execute("DELETE FROM sighting_entry WHERE day < ?", &[until.into()])?)
}

/// Entries of one audience and day.
const MOST: u64 = 100;

/// For how many days it is known which generations have an entry: longer than anything is reported late, or told late.
const KEPT_DAYS: u64 = 30;

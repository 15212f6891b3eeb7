//! Strict: the registry's own word on a generation.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, Base, Reason, UnixMillis};

use crate::audit_log::{self, Act, Outcome};
use crate::error::RegistryError;
use crate::generation::Generation;
use crate::key_book::Key;
use crate::revocations::barrier::holds_back;
use crate::store::Store;
use crate::tenant::Tenant;
use crate::{outbox, revocation_list};

/// The registry's word on a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum StrictVerdict {
    /// Alive, and every field is its row's.
    Alive {
        /// The list's sequence at that moment.
        sequence: u64,
        /// When it is retired, since its successor was seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retires_at_ms: Option<u64>,
    },
    /// Dead.
    Dead {
        /// The stable word of the reason.
        reason: String,
    },
}

/// Compares every field of a base with its generation's row.
pub(crate) fn recorded(
    store: &dyn Store,
    tenant: &Tenant,
    base: &Base,
) -> Result<Result<(Key, Generation), Reason>, RegistryError> {
    let Some((key_id, generation)) = Generation::find(store, base.status_index)? else {
        return Ok(Err(Reason::NeverIssued));
    };
    let key = Key::find(store, key_id)?
        .ok_or_else(|| RegistryError::internal("a generation has no key"))?;
    let same = key.base(tenant.number(), &generation) == *base;
    Ok(if same { Ok((key, generation)) } else { Err(Reason::NeverIssued) })
}

/// Who a base is by its generation's row, or why it is dead.
pub(crate) fn standing(
    store: &dyn Store,
    tenant: &Tenant,
    base: &Base,
    now: UnixMillis,
) -> Result<Result<(Key, Generation), Reason>, RegistryError> {
    let (key, generation) = match recorded(store, tenant, base)? {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    if let Some(reason) = generation.dead(now) {
        return Ok(Err(reason));
    }
    let audience = base.signing_key.audience;
    let living = Tenant::signing_keys(store, audience)?;
    let signed_by_the_living = living.iter().any(|key| key.epoch == base.signing_key.epoch);
    if tenant.cutoff(store, audience)?.kills(base.issued_at) || !signed_by_the_living {
        return Ok(Err(Reason::Revoked));
    }
    // What is being revoked is dead here before every verifier can know it.
    if holds_back(store, tenant, &key)? {
        return Ok(Err(Reason::Revoked));
    }
    if key.suspended {
        return Ok(Err(Reason::Suspended));
    }
    Ok(Ok((key, generation)))
}

/// Keeps that a generation was seen in use: the first time, its key's record changes, and the overlap with the
/// generations before it begins.
pub(crate) fn seen(
    store: &dyn Store,
    key: &Key,
    generation: &Generation,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    if generation.mark_seen(store, now)? {
        let overlap_end = now.plus(u64::from(generation.overlap_s) * 1_000);
        let generations = key.generations(store)?;
        for earlier in generations.iter().filter(|one| one.number < generation.number) {
            earlier.retire_at(store, overlap_end)?;
        }
        key.touch(store)?;
        outbox::post(store, key.id, now)?;
    }
    Ok(())
}

/// Answers a verifier that must ask. The tag of the key was found right by whoever asks, so that a base
/// without its row is an alarm.
pub(crate) fn check(
    store: &dyn Store,
    tenant: &Tenant,
    base: &Base,
    request_id: &str,
    now: UnixMillis,
) -> Result<StrictVerdict, RegistryError> {
    match standing(store, tenant, base, now)? {
        Ok((key, generation)) => {
            seen(store, &key, &generation, now)?;
            let retires_at_ms = generation.retires_at().map(|at| at.0);
            Ok(StrictVerdict::Alive { sequence: revocation_list::sequence(store)?, retires_at_ms })
        }
        Err(reason) => {
            if reason == Reason::NeverIssued {
                never_issued(
                    store,
                    base.signing_key.audience,
                    Some(base.key_id.to_string()),
                    request_id,
                    now,
                )?;
            }
            Ok(StrictVerdict::Dead { reason: reason.as_str().into() })
        }
    }
}

/// Writes the alarm of a right tag without its row: somebody else holds a signing key, or rows are lost.
pub(crate) fn never_issued(
    store: &dyn Store,
    audience: AudienceId,
    target: Option<String>,
    request_id: &str,
    now: UnixMillis,
) -> Result<(), RegistryError> {
    let act = Act {
        actor: None,
        action: "key.never_issued",
        audience,
        target,
        reason: None,
        outcome: Outcome::Alarm,
        request_id,
    };
    audit_log::append(store, now, act)
}

//! The next signing key of an audience: planned, or at once because somebody else may hold the present ones.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, Epoch, UnixSeconds};
use wardkey_provision::{Actor, AdminScope, Binding, LiveSigningKey};

use crate::admission::Circumstances;
use crate::bound::RevocationBound;
use crate::epochs;
use crate::error::RegistryError;
use crate::last_admin;
use crate::mutation::{Deed, Mutation};
use crate::reason;
use crate::revocation_list;
use crate::store::Store;
use crate::tenant::{Tenant, second_of};

/// Why and how an audience gets its next signing key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotateSigningKeysRequest {
    /// Whether somebody else may hold the audience's signing keys, a key set of it or what they are derived from.
    /// All of them, and every key that they signed, are dead at once.
    pub compromised: bool,
    /// In how many seconds a planned one mints first: 7200, the default, to 7776000. Verifiers have until then to
    /// take the new key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mint_from_in_s: Option<u32>,
    /// In the actor's words: at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether nobody may be left who could administer the tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// The signing keys of an audience after a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SigningKeysRotated {
    /// The audience's name.
    pub audience: String,
    /// The new epoch.
    pub epoch: u8,
    /// All that live, ascending.
    pub epochs: Vec<EpochView>,
    /// Those that died.
    pub dead_epochs: Vec<u8>,
    /// How many living keys died with them: each must be issued anew.
    pub keys_to_reissue: u64,
    /// The newest edition of the audience's key set; none for the administration, which has no key set.
    pub key_set_version: Option<u32>,
    /// The oldest edition that may still decide.
    pub least_key_set_version: Option<u32>,
    /// The list's sequence from which on heads say so.
    pub list_sequence: u64,
    /// How soon verifiers deny what died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<RevocationBound>,
    /// What is to be done next.
    pub note: String,
}

/// The windows of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EpochView {
    /// Its number, from 1.
    pub epoch: u8,
    /// The first second in which it signs.
    pub mint_from: u32,
    /// The last one; none until the next epoch is planned.
    pub mint_until: Option<u32>,
    /// The latest expiry of its keys; none until the next epoch is planned.
    pub verify_until: Option<u32>,
}

/// Makes the next signing key of an audience.
pub(crate) fn rotate_signing_keys(
    store: &dyn Store,
    tenant: &Tenant,
    audience: &str,
    request: &RotateSigningKeysRequest,
    circumstances: &Circumstances<'_>,
) -> Result<SigningKeysRotated, RegistryError> {
    let now = circumstances.now;
    let scope = AdminScope::SigningKeysRotate;
    // By the number, which is never another audience's; without one it is refused.
    let name = match tenant.audience_named(audience) {
        Some(AudienceId(number)) => format!("signing_key.rotate {number}"),
        None => format!("signing_key.rotate {audience}"),
    };
    let mutation = Mutation::admit(store, tenant, circumstances, scope, (&name, request))?;
    let number = named(tenant, &mutation.actor, audience)?;
    let reason = reason::checked(request.reason.as_deref())?;
    if let Some(outcome) = mutation.before()? {
        return Ok(outcome);
    }
    let (dead, epoch, keys) = if request.compromised {
        if request.mint_from_in_s.is_some() {
            let problem = "is for planned rotations: after a compromise the next one mints at once";
            return Err(RegistryError::invalid("mint_from_in_s", problem));
        }
        let keys = epochs::living_keys(store, tenant, number, now)?;
        let (dead, epoch) = epochs::replace(store, number, now)?;
        last_admin::keep_one(store, tenant, number, request.force, now)?;
        (dead, epoch, keys)
    } else {
        let mint_from = mint_from(request.mint_from_in_s, second_of(now)?)?;
        (Vec::new(), epochs::plan(store, tenant, number, mint_from, now)?, 0)
    };
    // The administration stands in no head.
    let in_heads = number != AudienceId::ADMINISTRATION;
    let list_sequence = if in_heads {
        revocation_list::renew(store, now)?
    } else {
        revocation_list::sequence(store)?
    };
    mutation.log(Deed {
        action: if request.compromised { "signing_key.compromise" } else { "signing_key.rotate" },
        audience: number,
        target: Some(target(epoch, &dead)),
        reason,
        changed: true,
    })?;
    let editions = in_heads.then(|| epochs::editions(store, number)).transpose()?;
    mutation.end(SigningKeysRotated {
        audience: audience.into(),
        epoch: epoch.number(),
        epochs: Tenant::signing_keys(store, number)?.iter().map(EpochView::of).collect(),
        dead_epochs: dead.iter().map(|epoch| epoch.number()).collect(),
        keys_to_reissue: keys,
        key_set_version: editions.map(|editions| editions.current),
        least_key_set_version: editions.map(|editions| editions.least),
        list_sequence,
        bound: request.compromised.then(RevocationBound::published),
        note: note(request.compromised, in_heads, keys).into(),
    })
}

impl EpochView {
    fn of(key: &LiveSigningKey) -> Self {
        let bounded = |second: UnixSeconds| Some(second.0).filter(|second| *second != u32::MAX);
        Self {
            epoch: key.epoch.number(),
            mint_from: key.mint_from.0,
            mint_until: bounded(key.mint_until),
            verify_until: bounded(key.verify_until),
        }
    }
}

fn named(tenant: &Tenant, actor: &Actor, name: &str) -> Result<AudienceId, RegistryError> {
    // WHY: one answer for an audience that is not there and one that the actor has no right over.
    let held = |audience: &AudienceId| {
        actor.holds(Binding { scope: AdminScope::SigningKeysRotate, audience: *audience })
    };
    tenant.audience_named(name).filter(held).ok_or_else(|| RegistryError::Forbidden {
        rule: "signing_keys_audience".into(),
        detail: "the credential holds no signing-keys:rotate for that audience".into(),
    })
}

/// What the log names.
fn target(epoch: Epoch, dead: &[Epoch]) -> String {
    let new = format!("epoch {}", epoch.number());
    if dead.is_empty() {
        return new;
    }
    let dead: Vec<String> = dead.iter().map(|epoch| epoch.number().to_string()).collect();
    format!("{new} instead of {}", dead.join(", "))
}

/// The first second of a planned epoch.
fn mint_from(asked: Option<u32>, now: UnixSeconds) -> Result<UnixSeconds, RegistryError> {
    let wait = asked.unwrap_or(LEAST_NOTICE_S);
    if !(LEAST_NOTICE_S..=MOST_NOTICE_S).contains(&wait) {
        let problem = "must be 7200 to 7776000: two hours to 90 days";
        return Err(RegistryError::invalid("mint_from_in_s", problem));
    }
    let second = now.0.checked_add(wait).filter(|second| *second != u32::MAX);
    second
        .map(UnixSeconds)
        .ok_or_else(|| RegistryError::invalid("mint_from_in_s", "is after the year 2106"))
}

const fn note(compromised: bool, in_heads: bool, keys: u64) -> &'static str {
    match (compromised, in_heads, keys) {
        (false, true, _) => {
            "verifiers take the new key set by themselves before the new epoch mints"
        }
        (false, false, _) => "nothing is to be done: only the registry judges administration keys",
        (true, _, 0) => "no living key died",
        (true, true, _) => {
            "issue every key that died anew: rotate it, and hand the new one out; verifiers answer 503 until they \
             have taken the new key set"
        }
        (true, false, _) => {
            "every administration key died, this one included: bootstrap with a new token, and issue the others anew"
        }
    }
}

/// How long before its first mint an epoch is in key sets, at least, in seconds.
const LEAST_NOTICE_S: u32 = 2 * 3600;
const MOST_NOTICE_S: u32 = 90 * 24 * 3600;

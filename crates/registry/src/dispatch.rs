//! Which mutation or reading a call is.

use rand_core::TryCryptoRng;
use wardkey::{Base, KeyId, UnixMillis};
use wardkey_provision::{AdminScope, RootKeys};

use crate::admission::{Circumstances, admit, authenticate, possession};
use crate::audit_log;
use crate::call::{Authority, Call, Reply};
use crate::check::check;
use crate::create::create;
use crate::deadlines;
use crate::destroy::destroy;
use crate::error::RegistryError;
use crate::key_list;
use crate::key_set;
use crate::policy_versions;
use crate::read::{self, ReadKey};
use crate::replace_policy::replace_policy;
use crate::revocation_list;
use crate::revocations;
use crate::revoke::revoke;
use crate::revoke_self::revoke_self;
use crate::rewrap;
use crate::rotate::{confirm, rotate};
use crate::rotate_signing_keys::rotate_signing_keys;
use crate::sighted;
use crate::store::Store;
use crate::suspend::suspend;
use crate::tenant::Tenant;
use crate::try_policy::try_policy;
use crate::update::update;
use crate::verifier::{material, material_named};
use crate::wire::WireBytes;

/// Answers a call to a tenant that is there, inside one transaction: reading is one too, since the first
/// use of a credential is kept.
pub(crate) fn answer_for(
    store: &dyn Store,
    root: &RootKeys,
    tenant: &Tenant,
    call: &Call,
    now: UnixMillis,
    rng: &mut impl TryCryptoRng,
) -> Result<Reply, RegistryError> {
    deadlines::apply(store, now)?;
    match call {
        // INVARIANT: these have transactions of their own and do not come here.
        Call::Bootstrap { .. } | Call::Sweep => Err(RegistryError::UnknownCall),
        Call::CreateKey { authority, request } => {
            create(store, tenant, request, &circumstances(authority, now), rng).map(Reply::Created)
        }
        Call::RevokeKey { authority, key_id, request } => {
            let circumstances = circumstances(authority, now);
            revoke(store, tenant, parse_key_id(key_id)?, request, &circumstances)
                .map(Reply::Revoked)
        }
        Call::ReadKey { authority, key_id, what } => {
            let key_id = parse_key_id(key_id)?;
            let credential = &authority.credential;
            match what {
                ReadKey::Pointer => {
                    read::pointer(store, tenant, credential, key_id, now).map(Reply::Pointer)
                }
                ReadKey::Record => read::record(store, tenant, credential, key_id, now)
                    .map(|view| Reply::Key(view.into())),
            }
        }
        Call::ListKeys { authority, request } => {
            key_list::list(store, tenant, &authority.credential, request, now).map(Reply::Keys)
        }
        Call::UpdateKey { authority, key_id, request } => {
            let circumstances = circumstances(authority, now);
            update(store, tenant, parse_key_id(key_id)?, request, &circumstances)
                .map(|view| Reply::Key(view.into()))
        }
        Call::RotateKey { authority, key_id, request } => {
            let circumstances = circumstances(authority, now);
            rotate(store, tenant, parse_key_id(key_id)?, request, &circumstances)
                .map(Reply::Created)
        }
        Call::ConfirmKey { authority, key_id } => {
            let circumstances = circumstances(authority, now);
            confirm(store, tenant, parse_key_id(key_id)?, &circumstances).map(Reply::Key)
        }
        Call::SuspendKey { authority, key_id, suspended, request } => {
            let circumstances = circumstances(authority, now);
            suspend(store, tenant, parse_key_id(key_id)?, *suspended, request, &circumstances)
                .map(Reply::Revoked)
        }
        Call::RevokeSelf { authority, request } => {
            revoke_self(store, tenant, request, &circumstances(authority, now)).map(Reply::Revoked)
        }
        Call::Revoke { authority, request } => {
            revocations::start(store, tenant, request, &circumstances(authority, now), rng)
                .map(Reply::Revocation)
        }
        Call::ReadRevocation { authority, id } => {
            revocations::read(store, tenant, &authority.credential, id, now).map(Reply::Revocation)
        }
        Call::ReadAudit { authority, after, limit } => {
            let actor = admit(store, tenant, &authority.credential, AdminScope::AuditRead, now)?;
            audit_log::page(store, &actor, *after, (*limit).clamp(1, 200)).map(Reply::Audit)
        }
        Call::ReadPolicy { authority, version } => {
            admit(store, tenant, &authority.credential, AdminScope::PolicyRead, now)?;
            policy_versions::read(store, *version).map(Reply::Policy)
        }
        Call::ReplacePolicy { authority, version, policy } => {
            replace_policy(store, tenant, *version, policy, &circumstances(authority, now))
                .map(Reply::Policy)
        }
        Call::TryPolicy { authority, version, policy, after } => {
            let credential = &authority.credential;
            try_policy(store, tenant, credential, (*version, policy), after.as_deref(), now)
                .map(Reply::PolicyTrial)
        }
        Call::Admit { authority, possession: true } => {
            possession(store, tenant, &authority.credential, now).map(|_| Reply::Admitted)
        }
        Call::Admit { authority, possession: false } => {
            authenticate(store, tenant, &authority.credential, now).map(|_| Reply::Admitted)
        }
        Call::AdmitVerifier { authority, audience, has } => {
            material(store, tenant, &authority.credential, audience.as_deref(), has, now)
                .map(Reply::Verifier)
        }
        Call::ReadKeySet { authority, audience, has } => {
            let circumstances = circumstances(authority, now);
            key_set::take(store, tenant, audience.as_deref(), has, &circumstances)
                .map(Reply::Verifier)
        }
        Call::AdmitReporter { authority, audience } => {
            let circumstances = circumstances(authority, now);
            key_set::reporter(store, tenant, audience.as_deref(), &circumstances)
                .map(Reply::Reporter)
        }
        Call::ReadUsedKey { authority, key_id } => {
            let key_id = parse_key_id(key_id)?;
            read::used(store, tenant, &authority.credential, key_id, now).map(Reply::UsedKey)
        }
        Call::NoteSightings { sightings } => {
            sighted::note(store, tenant, sightings, now).map(Reply::SightingsNoted)
        }
        Call::RotateSigningKeys { authority, audience, request } => {
            let circumstances = circumstances(authority, now);
            rotate_signing_keys(store, tenant, audience, request, &circumstances)
                .map(Reply::SigningKeys)
        }
        Call::ReadRoot { authority } => {
            rewrap::read(store, root, tenant, &authority.credential, now).map(Reply::Root)
        }
        Call::RewrapRoot { authority } => {
            let circumstances = circumstances(authority, now);
            rewrap::rewrap(store, root, tenant, &circumstances, rng).map(Reply::Root)
        }
        Call::DestroyTenant { authority, request } => {
            destroy(store, tenant, request, &circumstances(authority, now)).map(Reply::Destroyed)
        }
        Call::Material { audience, has } => {
            material_named(store, tenant, audience, has).map(Reply::Verifier)
        }
        Call::Check { base, request_id } => {
            let base = parse_base(base.as_bytes())?;
            check(store, tenant, &base, request_id, now).map(Reply::Checked)
        }
        Call::Head => {
            let bytes = revocation_list::head(store, tenant, now)?;
            Ok(Reply::Bytes(WireBytes::new(bytes)))
        }
        Call::State { sequence, digest } => {
            let bytes = revocation_list::state(store, *sequence, digest.as_bytes(), now)?;
            Ok(Reply::Bytes(WireBytes::new(bytes)))
        }
    }
}

fn circumstances(authority: &Authority, now: UnixMillis) -> Circumstances<'_> {
    Circumstances {
        credential: &authority.credential,
        idempotency_key: authority.idempotency_key.as_deref(),
        request_id: &authority.request_id,
        now,
    }
}

fn parse_key_id(text: &str) -> Result<KeyId, RegistryError> {
    text.parse().map_err(|_| RegistryError::NotFound)
}

fn parse_base(bytes: &[u8]) -> Result<Base, RegistryError> {
    match Base::decode(bytes) {
        Ok((base, len)) if len == bytes.len() => Ok(base),
        _ => Err(RegistryError::internal("a verifier sent something else than a base")),
    }
}

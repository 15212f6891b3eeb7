//! The registry: one call, one answer.

use rand_core::TryCryptoRng;
use wardkey::{AudienceId, Base, KeyId, Reason, TenantId, UnixMillis};
use wardkey_provision::{AdminScope, RecordName, RootKeys};

use crate::admission::{Circumstances, admit, authenticate};
use crate::audit_log::{self, Act, Outcome};
use crate::bootstrap::{Token, bootstrap};
use crate::call::{Authority, Call, Reply};
use crate::check::{check, never_issued};
use crate::create::create;
use crate::error::RegistryError;
use crate::outbox::{self, Publication};
use crate::read::{self, ReadKey};
use crate::revocation_list;
use crate::revoke::revoke;
use crate::schema;
use crate::store::{Store, transaction};
use crate::tenant::Tenant;
use crate::verifier::material;
use crate::wire::WireBytes;

/// A tenant's book over a store.
#[derive(Clone, Copy)]
pub struct Registry<'r> {
    store: &'r dyn Store,
    root: &'r RootKeys,
}

impl<'r> Registry<'r> {
    /// Opens the book. Nothing is read or written yet.
    pub const fn new(store: &'r dyn Store, root: &'r RootKeys) -> Self {
        Self { store, root }
    }

    /// Answers a call at a time. Effect, audit entry, status index and idempotency record commit together
    /// or not at all; an act that was refused for its actor's rights leaves an audit entry alone.
    ///
    /// # Errors
    /// [`RegistryError`]; after it nothing of the call's effect is kept.
    pub fn answer(
        &self,
        call: Call,
        clock: UnixMillis,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Reply, RegistryError> {
        let outcome = self.attempt(&call, clock, rng);
        if let Err(error) = &outcome {
            self.note_refusal(&call, error, clock)?;
        }
        outcome
    }

    fn attempt(
        &self,
        call: &Call,
        clock: UnixMillis,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Reply, RegistryError> {
        let Self { store, root } = *self;
        if let Call::Bootstrap { tenant, token_hash, idempotency_key, request_id, request } = call {
            let token = Token {
                tenant: TenantId(*tenant),
                hash: token_hash,
                idempotency_key: idempotency_key.as_deref(),
                request_id,
            };
            return transaction(store, || bootstrap(store, root, &token, request, clock, rng))
                .map(Reply::Created);
        }
        let tenant = Tenant::load(store, root)?;
        let now = tenant.time(clock);
        match call {
            Call::Bootstrap { .. } => Err(RegistryError::internal("bootstrap was answered above")),
            Call::CreateKey { authority, request } => {
                let circumstances = circumstances(authority, now);
                transaction(store, || create(store, &tenant, request, &circumstances, rng))
                    .map(Reply::Created)
            }
            Call::RevokeKey { authority, key_id, request } => {
                let key_id = parse_key_id(key_id)?;
                let circumstances = circumstances(authority, now);
                transaction(store, || revoke(store, &tenant, key_id, request, &circumstances))
                    .map(Reply::Revoked)
            }
            // Reading is a transaction too: the first use of a credential is kept.
            Call::ReadKey { authority, key_id, what } => {
                let key_id = parse_key_id(key_id)?;
                let credential = &authority.credential;
                transaction(store, || match what {
                    ReadKey::Pointer => {
                        read::pointer(store, &tenant, credential, key_id, now).map(Reply::Pointer)
                    }
                    ReadKey::Record => {
                        read::record(store, &tenant, credential, key_id, now).map(Reply::Key)
                    }
                })
            }
            Call::ReadAudit { authority, after, limit } => transaction(store, || {
                let actor =
                    admit(store, &tenant, &authority.credential, AdminScope::AuditRead, now)?;
                audit_log::page(store, &actor, *after, (*limit).clamp(1, 200))
            })
            .map(Reply::Audit),
            Call::AdmitVerifier { authority, audience, has } => transaction(store, || {
                material(store, &tenant, &authority.credential, audience.as_deref(), has, now)
            })
            .map(Reply::Verifier),
            Call::Check { base, request_id } => {
                let base = parse_base(base.as_bytes())?;
                check(store, &tenant, &base, request_id, now).map(Reply::Checked)
            }
            Call::Head => {
                let bytes = transaction(store, || revocation_list::head(store, &tenant, now))?;
                Ok(Reply::Bytes(WireBytes::new(bytes)))
            }
            Call::State { sequence, digest } => {
                let bytes = revocation_list::state(store, *sequence, digest.as_bytes(), now)?;
                Ok(Reply::Bytes(WireBytes::new(bytes)))
            }
        }
    }

    /// Keeps what a refused call leaves behind: an entry for an act that its actor may not do, an alarm
    /// for a right tag without its row.
    fn note_refusal(
        &self,
        call: &Call,
        error: &RegistryError,
        clock: UnixMillis,
    ) -> Result<(), RegistryError> {
        let Self { store, root } = *self;
        let (authority, action, target) = match call {
            Call::CreateKey { authority, .. } => (authority, "key.create", None),
            Call::RevokeKey { authority, key_id, .. } => {
                (authority, "key.revoke", Some(key_id.clone()))
            }
            Call::ReadKey { authority, key_id, .. } => {
                (authority, "key.read", Some(key_id.clone()))
            }
            Call::ReadAudit { authority, .. } => (authority, "audit.read", None),
            Call::AdmitVerifier { authority, .. } => (authority, "verifier.admit", None),
            Call::Bootstrap { .. } | Call::Check { .. } | Call::Head | Call::State { .. } => {
                return Ok(());
            }
        };
        let rule = match (error, error.reason()) {
            (_, Some(Reason::NeverIssued)) => None,
            (RegistryError::MissingScope { .. }, _) => Some("scope_missing"),
            (RegistryError::Forbidden { rule, .. }, _) => Some(rule.as_str()),
            _ => return Ok(()),
        };
        let tenant = Tenant::load(store, root)?;
        let now = tenant.time(clock);
        transaction(store, || {
            let Some(rule) = rule else {
                return never_issued(
                    store,
                    AudienceId::ADMINISTRATION,
                    None,
                    &authority.request_id,
                    now,
                );
            };
            let actor = authenticate(store, &tenant, &authority.credential, now)?;
            let act = Act {
                actor: Some(&actor),
                action,
                audience: AudienceId::ADMINISTRATION,
                // A text that is no key id may be anything, a key included: it is not kept.
                target: target.filter(|text| text.parse::<KeyId>().is_ok()),
                reason: Some(rule),
                outcome: Outcome::Refused,
                request_id: &authority.request_id,
            };
            audit_log::append(store, now, act)
        })
    }

    /// When a record is next due to be written to KV.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn next_due(&self) -> Result<Option<UnixMillis>, RegistryError> {
        if schema::exists(self.store)? { outbox::next_due(self.store) } else { Ok(None) }
    }

    /// Some records that are due to be written to KV, sealed.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn due_publications(
        &self,
        now: UnixMillis,
        limit: u32,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Vec<Publication>, RegistryError> {
        let tenant = Tenant::load(self.store, self.root)?;
        outbox::due(self.store, &tenant, now, limit, rng)
    }

    /// A record was written.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn published(&self, name: RecordName) -> Result<(), RegistryError> {
        outbox::done(self.store, name)
    }

    /// A record could not be written: it is tried again later.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn publication_failed(
        &self,
        name: RecordName,
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        outbox::failed(self.store, name, now)
    }
}

impl std::fmt::Debug for Registry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
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

//! The frame of a mutation: who acts, what the same request came to before, what the log says of it, and what is
//! remembered. What is done in between is each mutation's own.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wardkey::{AudienceId, KeyId, UnixMillis};
use wardkey_provision::{Actor, AdminScope};

use crate::admission::{Circumstances, admit, visible};
use crate::audit_log::{self, Act, Outcome};
use crate::error::RegistryError;
use crate::idempotency::Attempt;
use crate::key_book::Key;
use crate::store::Store;
use crate::tenant::Tenant;

/// A mutation whose actor has been admitted.
pub(crate) struct Mutation<'m> {
    store: &'m dyn Store,
    scope: AdminScope,
    request_id: &'m str,
    now: UnixMillis,
    /// Who acts.
    pub(crate) actor: Actor,
    /// What it is remembered by; none without an Idempotency-Key.
    pub(crate) attempt: Option<Attempt>,
}

/// What was done, as the log tells it.
pub(crate) struct Deed<'d> {
    /// What, such as `key.revoke`.
    pub(crate) action: &'d str,
    /// Which audience it concerns.
    pub(crate) audience: AudienceId,
    /// To what.
    pub(crate) target: Option<String>,
    /// Why.
    pub(crate) reason: Option<&'d str>,
    /// Whether anything is different now.
    pub(crate) changed: bool,
}

impl<'m> Mutation<'m> {
    /// Admits the actor for a right. `name` and `request` are what the same Idempotency-Key has to come with again.
    ///
    /// # Errors
    /// As [`admit`].
    pub(crate) fn admit(
        store: &'m dyn Store,
        tenant: &Tenant,
        circumstances: &Circumstances<'m>,
        scope: AdminScope,
        (name, request): (&str, &impl Serialize),
    ) -> Result<Self, RegistryError> {
        let Circumstances { credential, idempotency_key, request_id, now } = *circumstances;
        let actor = admit(store, tenant, credential, scope, now)?;
        let attempt =
            Attempt::new(&tenant.secret, actor.key_id.to_string(), idempotency_key, name, request)?;
        Ok(Self { store, scope, request_id, now, actor, attempt })
    }

    /// What came of the same request before: it is answered, and nothing is done.
    ///
    /// # Errors
    /// [`RegistryError::IdempotencyKeyReused`].
    pub(crate) fn before<T: DeserializeOwned>(&self) -> Result<Option<T>, RegistryError> {
        let Some(attempt) = &self.attempt else {
            return Ok(None);
        };
        Ok(attempt.before(self.store, self.now)?.map(|remembered| remembered.outcome))
    }

    /// The key that it is about, if the actor may know of it.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], for a key that the actor has no right over as well.
    pub(crate) fn key(&self, key_id: KeyId) -> Result<Key, RegistryError> {
        visible(self.store, &self.actor, self.scope, key_id)
    }

    /// Writes the log's entry, and with it how late it is.
    pub(crate) fn log(&self, deed: Deed<'_>) -> Result<(), RegistryError> {
        let Deed { action, audience, target, reason, changed } = deed;
        let act = Act {
            actor: Some(&self.actor),
            action,
            audience,
            target,
            reason,
            outcome: if changed { Outcome::Done } else { Outcome::Unchanged },
            request_id: self.request_id,
        };
        audit_log::append(self.store, self.now, act)?;
        Tenant::keep_time(self.store, self.now)
    }

    /// Remembers what came of it, and answers that.
    pub(crate) fn end<T: Serialize>(&self, outcome: T) -> Result<T, RegistryError> {
        if let Some(attempt) = &self.attempt {
            attempt.remember(self.store, self.now, &outcome, None)?;
        }
        Ok(outcome)
    }
}

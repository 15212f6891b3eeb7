//! Idempotency: a mutation that is repeated under the same key happens once.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use wardkey::{StatusIndex, UnixMillis};
use wardkey_provision::TenantSecret;

use crate::error::RegistryError;
use crate::store::Store;

/// For how long a mutation is remembered, in milliseconds.
const KEPT_MS: u64 = 24 * 3_600_000;
/// For how long a repeated create gives the same key again, in milliseconds.
const KEY_AGAIN_MS: u64 = 600_000;

/// What one request is remembered by: who asked, under which key, and what.
pub(crate) struct Attempt {
    actor: String,
    token: Vec<u8>,
    digest: Vec<u8>,
}

/// What was remembered.
pub(crate) struct Remembered<T> {
    pub(crate) outcome: T,
    /// The generation whose key's text may be given again, while it is recent.
    pub(crate) key_again: Option<StatusIndex>,
}

impl Attempt {
    /// The attempt of a request with an Idempotency-Key; none without.
    pub(crate) fn new(
        secret: &TenantSecret,
        actor: String,
        token: Option<&str>,
        action: &str,
        request: &impl Serialize,
    ) -> Result<Option<Self>, RegistryError> {
        let Some(token) = token else {
            return Ok(None);
        };
        let body = serde_json::to_vec(&(action, request)).map_err(|error| {
            RegistryError::internal(format!("a request does not serialize: {error}"))
        })?;
        let key = secret.request_digest_key();
        let mac = Hmac::<Sha256>::new_from_slice(key.as_slice())
            .map_err(|_| RegistryError::internal("HMAC refuses its key"))?;
        let keyed = |purpose: &[u8], text: &[u8]| {
            mac.clone().chain_update(purpose).chain_update(text).finalize().into_bytes().to_vec()
        };
        // WHY: the token too is only kept as a digest: it is the caller's, and may be anything.
        let token = keyed(b"token", token.as_bytes());
        Ok(Some(Self { actor, token, digest: keyed(b"request", &body) }))
    }

    /// What came of the same request before.
    ///
    /// # Errors
    /// [`RegistryError::IdempotencyKeyReused`] when it was another request.
    pub(crate) fn before<T: DeserializeOwned>(
        &self,
        store: &dyn Store,
        now: UnixMillis,
    ) -> Result<Option<Remembered<T>>, RegistryError> {
        let rows = store.query(
            "SELECT digest, at, outcome, status_index FROM idempotency WHERE actor = ? AND token = ? AND at > ?",
            &[
                self.actor.as_str().into(),
                self.token.as_slice().into(),
                now.0.saturating_sub(KEPT_MS).into(),
            ],
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        if row.blob(0)? != self.digest {
            return Err(RegistryError::IdempotencyKeyReused);
        }
        let recent = now.since(UnixMillis(row.unsigned(1)?)) <= KEY_AGAIN_MS;
        let outcome = serde_json::from_str(row.text(2)?)
            .map_err(|error| RegistryError::internal(format!("a remembered outcome: {error}")))?;
        let index = row.optional_unsigned(3)?.map(StatusIndex);
        Ok(Some(Remembered { outcome, key_again: index.filter(|_| recent) }))
    }

    /// Remembers the outcome, which holds nothing of a key's text, and forgets what is too old.
    pub(crate) fn remember(
        &self,
        store: &dyn Store,
        now: UnixMillis,
        outcome: &impl Serialize,
        key_again: Option<StatusIndex>,
    ) -> Result<(), RegistryError> {
        let outcome = serde_json::to_string(outcome).map_err(|error| {
            RegistryError::internal(format!("an outcome does not serialize: {error}"))
        })?;
        store.execute(
            "DELETE FROM idempotency WHERE at <= ?",
            &[now.0.saturating_sub(KEPT_MS).into()],
        )?;
        store.execute(
            "INSERT INTO idempotency (actor, token, digest, at, outcome, status_index) VALUES (?, ?, ?, ?, ?, ?)",
            &[
                self.actor.as_str().into(),
                self.token.as_slice().into(),
                self.digest.as_slice().into(),
                now.0.into(),
                outcome.into(),
                key_again.map(|StatusIndex(index)| index).into(),
            ],
        )?;
        Ok(())
    }
}

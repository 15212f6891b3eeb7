//! Copies of list states in KV: `state/{tenant}/{sequence}-{digest}`, immutable.

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::{Either, select};
use wardkey::State;
use wardkey_registry::{StateCopy, StateName};
use worker::{Delay, Env, KvStore};

use crate::problem::ApiError;

/// Longest wait for a copy, after which the registry is asked: whoever follows the list gives a refresh 500 ms, head and state
/// together.
const READ_TIME: Duration = Duration::from_millis(200);

/// The copies of list states. What is not there, or is not what its name says, the registry is asked for.
pub(crate) struct StateStore(KvStore);

impl StateStore {
    /// The deployment's namespace.
    ///
    /// # Errors
    /// [`ApiError::Misconfigured`] without the binding.
    pub(crate) fn of(env: &Env) -> Result<Self, ApiError> {
        env.kv("RECORDS").map(Self).map_err(|_| ApiError::Misconfigured("RECORDS"))
    }

    /// The state of a name, if this place has it: bytes with the very digest that the name says.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when KV fails or holds something else; the caller goes on with the registry.
    pub(crate) async fn state(&self, name: &StateName) -> Result<Option<Vec<u8>>, ApiError> {
        let path = path(name);
        let reading = Box::pin(self.0.get(&path).bytes());
        let read = match select(reading, Delay::from(READ_TIME)).await {
            Either::Left((read, _)) => {
                read.map_err(|error| ApiError::Internal(format!("KV: {error}")))?
            }
            Either::Right(_) => return Err(ApiError::Internal("KV did not answer".into())),
        };
        let Some(bytes) = read else {
            return Ok(None);
        };
        // WHY: whoever can write to KV must not be able to say what is dead.
        let same = State::parse(&bytes).is_ok_and(|state| state.digest() == name.digest);
        if same {
            Ok(Some(bytes))
        } else {
            Err(ApiError::Internal("KV holds another state".into()))
        }
    }

    /// Does what the registry wants done.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when KV refuses.
    pub(crate) async fn bring_about(&self, copy: &StateCopy) -> Result<(), ApiError> {
        let failed = |error| ApiError::Internal(format!("KV: {error}"));
        match copy {
            StateCopy::Write { name, bytes } => {
                let put = self.0.put_bytes(&path(name), bytes).map_err(failed)?;
                put.expiration_ttl(StateCopy::TTL_S).execute().await.map_err(failed)
            }
            StateCopy::Delete { name } => self.0.delete(&path(name)).await.map_err(failed),
        }
    }
}

fn path(name: &StateName) -> String {
    let mut path = format!("state/{}/{}-", name.tenant.0, name.sequence);
    for byte in name.digest {
        // Writing to a String cannot fail.
        let _ = write!(path, "{byte:02x}");
    }
    path
}

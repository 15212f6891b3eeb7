//! `TenantDirectory`: the one Durable Object that knows which tenants the deployment has.
//!
//! Guarantee: single writer; every call is one `transactionSync`. It holds no secret and decides nothing about a
//! key: without it tenants work on, and tell it later. Its storage is SQLite alone (STORAGE.md). Its messages are
//! [`DirectoryCall`] in, `Result<DirectoryReply, RegistryError>` out, as JSON; only the deployment's own code can send them.

use wardkey_registry::{Directory, DirectoryCall, DirectoryReply, RegistryError};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::clock;
use crate::object_store::ObjectStore;

/// The directory of the deployment's tenants.
#[durable_object]
pub struct TenantDirectory {
    state: State,
}

impl DurableObject for TenantDirectory {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let message = request.bytes().await?;
        Response::from_json(&self.answer(&message))
    }
}

impl TenantDirectory {
    fn answer(&self, message: &[u8]) -> Result<DirectoryReply, RegistryError> {
        let call: DirectoryCall =
            serde_json::from_slice(message).map_err(|_| RegistryError::UnknownCall)?;
        let store = ObjectStore::of(&self.state);
        Directory::new(&store).answer(&call, clock::now())
    }
}

#![doc = include_str!("../README.md")]

mod admission;
mod audit_log;
mod bootstrap;
mod call;
mod check;
mod create;
mod error;
#[cfg(feature = "plant-faults")]
mod faulty_store;
mod idempotency;
mod key_book;
mod outbox;
mod read;
mod refusal;
mod registry;
mod revocation_list;
mod revoke;
mod schema;
mod store;
mod tenant;
mod verifier;
mod wire;

pub use audit_log::{AuditActor, AuditEntry, AuditPage};
pub use bootstrap::BootstrapRequest;
pub use call::{Authority, Call, Reply};
pub use check::StrictVerdict;
pub use create::Created;
pub use error::RegistryError;
#[cfg(feature = "plant-faults")]
pub use faulty_store::{Fault, FaultyStore};
pub use key_book::{GenerationState, GenerationView, KeyView};
pub use outbox::Publication;
pub use read::{ReadKey, RecordPointer};
pub use registry::Registry;
pub use revoke::{RevocationBound, RevokeRequest, Revoked};
pub use store::{Row, Store, StoreError, Value};
pub use verifier::VerifierMaterial;
pub use wire::{WireBytes, WireSecret};

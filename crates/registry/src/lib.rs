#![doc = include_str!("../README.md")]

mod admission;
mod audit_log;
mod bootstrap;
mod call;
mod check;
mod create;
mod deadlines;
mod error;
#[cfg(feature = "plant-faults")]
mod faulty_store;
mod generation;
mod idempotency;
mod key_book;
mod key_list;
mod last_admin;
mod outbox;
mod read;
mod refusal;
mod registry;
mod revocation_list;
mod revocations;
mod revoke;
mod revoke_self;
mod rotate;
mod schema;
mod store;
mod suspend;
mod tenant;
mod update;
mod verifier;
mod wire;

pub use audit_log::{AuditActor, AuditEntry, AuditPage};
pub use bootstrap::BootstrapRequest;
pub use call::{Authority, Call, Reply};
pub use check::StrictVerdict;
pub use create::Created;
pub use error::{Conflict, RegistryError};
#[cfg(feature = "plant-faults")]
pub use faulty_store::{Fault, FaultyStore};
pub use generation::{GenerationState, GenerationView};
pub use key_book::KeyView;
pub use key_list::{KeyPage, ListRequest};
pub use outbox::Publication;
pub use read::{ReadKey, RecordPointer};
pub use registry::Registry;
pub use revocations::{RevocationRequest, RevocationState, RevocationView, Selector};
pub use revoke::{RevocationBound, RevokeRequest, Revoked};
pub use revoke_self::RevokeSelfRequest;
pub use rotate::RotateRequest;
pub use store::{Row, Store, StoreError, Value};
pub use suspend::SuspendRequest;
pub use update::{InsideTheKey, UpdateRequest};
pub use verifier::VerifierMaterial;
pub use wire::{WireBytes, WireSecret};

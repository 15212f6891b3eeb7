#![doc = include_str!("../README.md")]

mod admission;
mod audit_log;
mod bootstrap;
mod bound;
mod call;
mod check;
mod create;
mod deadlines;
mod destroy;
mod directory;
mod dispatch;
mod due;
mod epochs;
mod error;
#[cfg(feature = "plant-faults")]
mod faulty_store;
mod generation;
mod idempotency;
mod key_book;
mod key_list;
mod key_set;
mod key_view;
mod last_admin;
mod list_copies;
mod mutation;
mod outbox;
mod policy_diff;
mod policy_versions;
mod read;
mod reason;
mod refusal;
mod refusal_count;
mod registry;
mod replace_policy;
mod revocation_list;
mod revocations;
mod revoke;
mod revoke_self;
mod rewrap;
mod rotate;
mod rotate_signing_keys;
mod schema;
mod sighted;
mod store;
mod suspend;
mod sweep;
mod tag_index;
mod tenant;
mod tenant_report;
mod try_policy;
mod update;
mod usage;
mod verifier;
mod wire;

pub use audit_log::{AuditActor, AuditEntry, AuditPage};
pub use bootstrap::BootstrapRequest;
pub use bound::RevocationBound;
pub use call::{ActingGeneration, Authority, Call, Reply};
pub use check::StrictVerdict;
pub use create::Created;
pub use destroy::{DestroyRequest, Destroyed};
pub use directory::{Directory, DirectoryCall, DirectoryPage, DirectoryReply, DirectoryTotals};
pub use error::{Conflict, RegistryError};
#[cfg(feature = "plant-faults")]
pub use faulty_store::{Fault, FaultyStore};
pub use generation::{GenerationState, GenerationView};
pub use key_list::{KeyPage, ListRequest};
pub use key_view::{KeyReply, KeyView};
pub use list_copies::{StateCopy, StateName};
pub use outbox::Publication;
pub use policy_diff::PolicyChange;
pub use policy_versions::PolicyView;
pub use read::{ReadKey, RecordPointer};
pub use registry::Registry;
pub use revocations::{RevocationRequest, RevocationState, RevocationView, Selector};
pub use revoke::{RevokeRequest, Revoked};
pub use revoke_self::RevokeSelfRequest;
pub use rewrap::RootWrap;
pub use rotate::RotateRequest;
pub use rotate_signing_keys::{EpochView, RotateSigningKeysRequest, SigningKeysRotated};
pub use store::{Row, Store, StoreError, Value};
pub use suspend::SuspendRequest;
pub use sweep::Swept;
pub use tenant_report::{TenantReport, TenantState};
pub use try_policy::{BrokenKey, KeySetChange, PolicyTrial};
pub use update::{InsideTheKey, UpdateRequest};
pub use usage::{
    GenerationUsage, KeyUsage, LostUsage, NamedUsage, OutcomeUsage, Reporter, Sighting,
    SightingVerdict, Usage, UsageCall, UsageCounted, UsageEntry, UsageLimits, UsagePeriod,
    UsageReply, UsageReport, UsedKey,
};
pub use verifier::VerifierMaterial;
pub use wire::{WireBytes, WireSecret};

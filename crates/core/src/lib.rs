#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod base;
mod base64url;
mod base_view;
mod byte_set;
mod bytes;
mod catalog;
mod checksum;
mod constraints;
mod decision;
mod fields;
mod freshness;
mod http_answer;
mod identifier;
mod inspect;
mod key;
mod key_buffer;
mod key_set;
mod list;
mod mac;
mod narrowing;
mod network;
mod network_view;
mod networks;
mod prefix;
mod reason;
mod registry_answer;
mod requirement;
mod scan;
mod scope;
mod sha256;
mod signing;
mod subject;
mod time;
mod verify;
mod wipe;

pub use base::{Base, BaseError, MAX_BASE_LEN, MIN_LIFETIME_SECONDS};
pub use catalog::{Catalog, CatalogEntry, CatalogError, MAX_SCOPE_NAME_LEN, RiskLevel, ScopeName};
pub use constraints::Constraints;
pub use decision::{Allow, Ask, Decision, Denial, ListSeen};
pub use freshness::{Bounds, BoundsError, Zone};
pub use http_answer::HttpAnswer;
pub use identifier::{
    AudienceId, Epoch, IdentifierError, KeyId, SigningKeyId, StatusIndex, TenantId,
};
pub use inspect::{Unproven, inspect};
pub use key::{KeyText, MAX_KEY_LEN, UnverifiedKey};
pub use key_buffer::KeyBuffer;
pub use key_set::{KeySet, KeySetError, MAX_LIVE_EPOCHS, SigningKeyEntry};
pub use list::{
    Adoption, AuthenticHead, CHUNK_LEN, Cutoff, DIGEST_LEN, Head, HeadError, List, ListError,
    MAX_HEAD_LEN, NOT_AFTER_MS, State, StateError, StateMemory, UnverifiedHead, chunk_digest,
    state_digest,
};
pub use narrowing::{MAX_BLOCKS, NarrowError, Narrowing, narrow};
pub use network::{Network, NetworkError};
pub use networks::{Networks, NetworksError};
pub use prefix::{Environment, Prefix, PrefixError};
pub use reason::Reason;
pub use registry_answer::{
    CONFIRMATION_VALID_MS, Confirmation, Echo, EchoError, RegistryQuestion, RegistryVerdict,
};
pub use requirement::{Requirement, RequirementError};
pub use scan::{
    BOOTSTRAP_PATTERN, Finding, FindingKind, Findings, KEY_PATTERN, Piece, Pieces, Redacted,
    Scanner,
};
pub use scope::{ScopeSet, ScopeSetError};
pub use signing::{ListKey, SigningKey, TAG_LEN, Tag};
pub use subject::{MAX_SUBJECT_LEN, Subject, SubjectError};
pub use time::{UnixMillis, UnixSeconds};
pub use verify::{
    AuthenticKey, Judgement, Query, Refresh, Registry, SignedKey, TimelyKey, UnconfirmedKey,
    WindowedKey, verify, verify_in,
};

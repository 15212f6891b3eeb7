#![doc = include_str!("../README.md")]

mod actor;
mod administration;
mod bootstrap;
mod candidate;
mod change_log;
mod free_text;
mod grant;
mod head;
mod key_notes;
mod key_request;
mod key_set;
mod level;
mod mint;
mod pattern;
mod policy;
mod root;
mod rule;
mod sealed_record;
mod tenant_secret;

pub use actor::{Actor, Binding};
pub use administration::{ADMIN_AUDIENCE_NAME, ADMIN_BRAND, AdminScope, Reach};
pub use bootstrap::{BootstrapError, BootstrapToken, TokenHash};
pub use candidate::Candidate;
pub use change_log::{Change, ChangeLog};
pub use free_text::{check_free_text, holds_credential};
pub use grant::{Grant, GrantRefused};
pub use head::{HeadAudience, HeadBody, HeadTooLong, state_bytes};
pub use key_notes::{KeyNotes, check_tag};
pub use key_request::{KeyConstraints, KeyRequest};
pub use key_set::{KeySetTooLong, LiveSigningKey, key_set_bytes};
pub use level::LevelPolicy;
pub use mint::{MintError, Minted, key_text, mint};
pub use policy::{
    AudiencePolicy, GivenNumbers, POLICY_SCHEMA, Policy, PolicyError, RolePolicy, RotationPolicy,
    ScopePolicy,
};
pub use root::{RootError, RootKeys, WrapError};
pub use rule::RulePolicy;
pub use sealed_record::{RecordKey, RecordName, SealError, open_record, seal_record};
pub use tenant_secret::TenantSecret;

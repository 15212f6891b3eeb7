#![doc = include_str!("../README.md")]

mod acts;
mod alarm;
mod book;
mod fill;
mod head_text;
mod key_text;
mod list_reader;
mod meter;
mod refusals;
mod sqlite_store;
mod tenant;
mod theft;

pub use acts::Acts;
pub use alarm::KvAct;
pub use book::{
    Book, admin_request, api_policy, authority, bootstrap_call, fixed_root, key_request,
    key_set_policy, lasting_bootstrap, seeded_rng,
};
pub use head_text::{Told, digest_of, sequence_of, told};
pub use key_text::{base_of, encoded, epoch_of, id_of, index_of, text_of};
pub use list_reader::{Followed, ListReader};
pub use meter::{Cost, Meter};
pub use refusals::{conflict, conflict_and_detail, field, rule, rule_and_detail};
pub use sqlite_store::SqliteStore;
pub use tenant::{Caller, Tenant};
pub use theft::{stolen_secret, wrapped_secret};

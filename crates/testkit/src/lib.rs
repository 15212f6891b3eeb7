#![doc = include_str!("../README.md")]

mod alarm;
mod book;
mod fill;
mod list_reader;
mod meter;
mod sqlite_store;

pub use alarm::KvAct;
pub use book::{
    Book, api_policy, authority, bootstrap_call, fixed_root, key_request, key_set_policy,
    seeded_rng,
};
pub use list_reader::{Followed, ListReader};
pub use meter::{Cost, Meter};
pub use sqlite_store::SqliteStore;

#![doc = include_str!("../README.md")]

mod book;
mod sqlite_store;

pub use book::{
    Book, api_policy, authority, bootstrap_call, fixed_root, key_request, key_set_policy,
    seeded_rng,
};
pub use sqlite_store::SqliteStore;

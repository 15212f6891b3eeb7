#![doc = include_str!("../README.md")]

pub mod fixture;
mod foreign;
mod forged_tags;
mod suite;
mod tally;
// Natively nobody calls it, but it is checked and linted.
mod wasm;

pub use suite::{Cases, SUITES, Scale, Stretch, Suite, TELLS_MACHINES_APART, chance};
pub use tally::{Report, Tally};

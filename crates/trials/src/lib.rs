#![doc = include_str!("../README.md")]

mod answer;
pub mod fixture;
mod foreign;
mod forged_tags;
mod format_vectors;
mod suite;
mod tally;
// Natively nobody calls it, but it is checked and linted.
mod wasm;

pub use answer::{agrees, answer, resolved};
pub use format_vectors::{VECTOR_FILES, Vector, vectors};
pub use suite::{Cases, SUITES, Scale, Stretch, Suite, TELLS_MACHINES_APART, chance};
pub use tally::{Report, Tally};

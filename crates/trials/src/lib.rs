#![doc = include_str!("../README.md")]

mod answer;
mod chance;
mod drawn;
pub mod fixture;
mod foreign;
mod forged_tags;
mod format_vectors;
mod good_keys;
mod issuer;
mod model;
pub mod mutants;
mod narrowings;
mod one_spelling;
mod rollback;
mod scopes;
mod spelling;
mod suite;
mod tally;
// Natively nobody calls it, but it is checked and linted.
mod wasm;

pub use answer::{agrees, answer, resolved};
pub use chance::{Chance, chance};
pub use format_vectors::{VECTOR_FILES, Vector, vectors};
pub use suite::{Cases, SUITES, Scale, Stretch, Suite, TELLS_MACHINES_APART};
pub use tally::{Report, Tally};

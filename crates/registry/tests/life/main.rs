//! The life of a key after it was made: rotated, suspended, noted down, given back, found again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod constraints;
mod ending;
mod notes;
mod rotation;
mod suspension;

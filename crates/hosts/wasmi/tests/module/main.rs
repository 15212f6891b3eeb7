//! The module in wasmi: every vector, and hosts that are careless or hostile.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod check;
mod hostile;
mod ready;
mod vectors;

//! The components in wasmtime: every vector, and hosts that are careless or hostile.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod holding;
mod hostile;
mod ready;
mod scanning;
mod vectors;

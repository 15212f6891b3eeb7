//! What the wasm module exports. Everything is a number: pointers into its own memory, lengths, and
//! pairs of both as `pointer << 32 | length`.
//!
//! - `suites_*` run the suites, for `tests/trials.test.mjs`.
//! - `probe_*` are the core's entries over whatever the host has written into memory: no panic may be
//!   reachable from any of them. One more of them is one more export.
//! - `control_*` are deliberately wrong: what looks at the probes must find each.
//! - `steps_*` make the inputs of the measurement that compares the steps of keys and heads whose tags differ.
#![expect(
    unsafe_code,
    reason = "exports have unmangled names, and a host can hand over nothing but addresses; all of it is in this module"
)]

mod controls;
mod probes;
mod steps;
mod suites;

use core::slice;

/// A text for the host to read; this memory is never used again.
fn lend(text: String) -> u64 {
    let text = text.leak();
    (text.as_ptr() as u64) << 32 | text.len() as u64
}

/// Bytes that the host has written.
///
/// # Safety
/// The host says so.
const unsafe fn given<'a>(start: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: linear memory is initialised, and the host keeps within it and leaves it alone.
    unsafe { slice::from_raw_parts(start, len) }
}

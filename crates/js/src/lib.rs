#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
// WHY: natively it is only checked and linted, and std brings the allocator and the panic handler.
#[cfg(not(target_family = "wasm"))]
extern crate std;


mod exports;
mod outcome;
#[cfg(target_family = "wasm")]
mod runtime;
mod verifier;

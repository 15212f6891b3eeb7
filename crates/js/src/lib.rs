#![doc = include_str!("../ABI.md")]
#![no_std]

// WHY: natively it is only checked and linted, and std brings the panic handler.
#[cfg(not(target_family = "wasm"))]
extern crate std;

mod answers;
mod claims;
mod exports;
mod memory;
mod outcome;
#[cfg(target_family = "wasm")]
mod runtime;
mod verifier;

#![doc = include_str!("../README.md")]
#![no_std]

// WHY: natively it is only checked and linted, and std brings the panic handler.
#[cfg(not(target_family = "wasm"))]
extern crate std;

mod exports;
mod findings;
mod memory;
mod narrowing;
mod outcome;
mod page;
#[cfg(target_family = "wasm")]
mod runtime;
mod unproven;

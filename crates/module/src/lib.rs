#![doc = include_str!("../README.md")]
#![no_std]

// WHY: natively modules are only checked and linted, and std brings the panic handler.
#[cfg(not(target_family = "wasm"))]
extern crate std;

pub mod above;
mod alone;
#[cfg(target_family = "wasm")]
mod panic;
mod stack;

pub use alone::Alone;
pub use stack::wipe_stack;

#![doc = include_str!("../README.md")]
#![no_std]

// WHY: natively it is only checked and linted, and std brings the allocator and the panic handler.
#[cfg(not(target_family = "wasm"))]
extern crate std;

#[cfg(any(feature = "verifying", feature = "holding"))]
mod address;
mod alone;
#[cfg(any(feature = "verifying", feature = "holding"))]
mod claims;
mod handed;
mod heap;
#[cfg(feature = "holding")]
mod holding;
mod incoming;
mod runtime;
#[cfg(feature = "scanning")]
mod scanning;
#[cfg(feature = "verifying")]
mod verifying;

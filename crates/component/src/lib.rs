#![doc = include_str!("../README.md")]
#![no_std]

// WHY: natively it is only checked and linted, and std brings the allocator and the panic handler.
#[cfg(not(target_family = "wasm"))]
extern crate std;

mod runtime;

#[cfg(any(feature = "verifying", feature = "holding"))]
mod address;
#[cfg(any(feature = "verifying", feature = "holding"))]
mod claims;

#[cfg(any(feature = "verifying", feature = "holding", feature = "scanning"))]
mod alone;
#[cfg(any(feature = "verifying", feature = "holding", feature = "scanning"))]
mod handed;
#[cfg(any(feature = "verifying", feature = "holding", feature = "scanning"))]
mod heap;
#[cfg(any(feature = "verifying", feature = "holding", feature = "scanning"))]
mod incoming;

#[cfg(feature = "holding")]
mod holding;
#[cfg(feature = "scanning")]
mod scanning;
#[cfg(feature = "verifying")]
mod verifying;

#![doc = include_str!("../ABI.md")]
#![no_std]

mod answers;
mod claims;
mod exports;
mod memory;
mod outcome;
mod verifier;

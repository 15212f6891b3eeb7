#![doc = include_str!("../README.md")]
#![no_std]

mod exports;
mod findings;
mod memory;
mod narrowing;
mod outcome;
mod page;
mod unproven;

#![doc = include_str!("../README.md")]

mod claims;
mod error;
mod module;
mod verdict;
mod verifier;

pub use claims::Claims;
pub use error::HostError;
pub use module::{Limits, Module};
pub use verdict::{Adoption, Registry, RegistryVerdict, Verdict};
pub use verifier::{Requirement, Verifier};

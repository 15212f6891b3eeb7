#![doc = include_str!("../README.md")]

mod claims;
mod error;
mod limits;
mod module;
mod verdict;
mod verifier;

pub use claims::Claims;
pub use error::HostError;
pub use limits::Limits;
pub use module::Module;
pub use verdict::{Adoption, Registry, RegistryVerdict, Verdict};
pub use verifier::{Requirement, Verifier};

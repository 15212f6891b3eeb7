#![doc = include_str!("../README.md")]

mod answer;
mod bindings;
mod bodies;
mod callers;
mod clock;
mod component;
mod connections;
mod credential;
mod decision;
mod error;
mod forwarding;
mod guard;
mod instance;
mod keeper;
mod knowledge;
mod limits;
mod log;
mod patient;
mod proxy;
mod registry_answer;
mod registry_client;
mod rules;

pub use bindings::exports::wardkey::verify::types::{
    Allow, Claims, Denial, HttpAnswer, KeySetInfo, ListInfo, Reason, StateName, Zone,
};
pub use bindings::exports::wardkey::verify::verifier::{
    Alive, KeySetError, ListError, Refresh, RegistryVerdict, RequirementError,
};
pub use component::Component;
pub use connections::{Connections, NoRoots};
pub use decision::{Confirmation, Question, RegistryWord, Required, Verdict};
pub use error::HostError;
pub use instance::Instance;
pub use limits::Limits;
pub use proxy::{Proxy, Settings};
pub use registry_client::{RegistryClient, RegistryError, RegistryUrlError};
pub use rules::Rules;

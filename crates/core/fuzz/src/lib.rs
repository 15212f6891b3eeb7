#![doc = include_str!("../README.md")]

mod buried_key;
mod change;
mod head;
mod head_form;
mod input;
mod judgement;
mod key;
mod key_form;
mod key_set;
mod key_set_form;
mod scan;
mod scope;
mod seeds;
mod spelling;
mod state;
mod state_form;
mod word;
mod world;

pub use change::run as change;
pub use head::run as head;
pub use key::run as key;
pub use key_set::run as key_set;
pub use scan::run as scan;
pub use scope::run as scope;
pub use seeds::{Seed, seeds};
pub use state::run as state;
pub use word::run as word;

/// A fuzz target: judges one input and tells how far it got.
///
/// # Panics
/// When the core breaks a rule: that is a find.
pub type Target = fn(&[u8]) -> &'static str;

/// Every target, by the name of its program.
pub const TARGETS: [(&str, Target); 8] = [
    ("key", key),
    ("key_set", key_set),
    ("head", head),
    ("state", state),
    ("change", change),
    ("scope", scope),
    ("word", word),
    ("scan", scan),
];

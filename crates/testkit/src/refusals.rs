//! Which refusal it was: any other outcome panics.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Debug;

use wardkey_registry::{Conflict, RegistryError};

/// The conflict that refused.
pub fn conflict<T: Debug>(outcome: Result<T, RegistryError>) -> Conflict {
    conflict_and_detail(outcome).0
}

/// The conflict that refused, and what it says.
pub fn conflict_and_detail<T: Debug>(outcome: Result<T, RegistryError>) -> (Conflict, String) {
    match outcome {
        Err(RegistryError::Conflict { conflict, detail }) => (conflict, detail),
        other => panic!("{other:?}"),
    }
}

/// The rule that refused.
pub fn rule<T: Debug>(outcome: Result<T, RegistryError>) -> String {
    rule_and_detail(outcome).0
}

/// The rule that refused, and what it says.
pub fn rule_and_detail<T: Debug>(outcome: Result<T, RegistryError>) -> (String, String) {
    match outcome {
        Err(RegistryError::Forbidden { rule, detail }) => (rule, detail),
        other => panic!("{other:?}"),
    }
}

/// The path of the field that was refused.
pub fn field<T: Debug>(outcome: Result<T, RegistryError>) -> String {
    match outcome {
        Err(RegistryError::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

//! What protects a tenant's secret and what uses it: key sets that are taken, the root's rotation, and the end.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod acting;
mod destruction;
mod key_sets;
mod root;

use wardkey_registry::{Call, DestroyRequest, RotateSigningKeysRequest};
use wardkey_testkit::{Tenant, authority, key_set_policy};

fn tenant() -> Tenant {
    Tenant::with(key_set_policy().unwrap())
}

/// Every call that takes a key set, rotates or rewraps what protects the secret, or ends it, under a credential.
fn new_calls(credential: &str) -> Vec<Call> {
    let authority = || authority(credential, None);
    let rotation = |compromised| RotateSigningKeysRequest {
        compromised,
        mint_from_in_s: None,
        reason: None,
        force: true,
    };
    vec![
        Call::ReadKeySet { authority: authority(), audience: Some("api".into()), has: vec![] },
        Call::RotateSigningKeys {
            authority: authority(),
            audience: "api".into(),
            request: rotation(false),
        },
        Call::RotateSigningKeys {
            authority: authority(),
            audience: "wardkey".into(),
            request: rotation(true),
        },
        Call::ReadRoot { authority: authority() },
        Call::RewrapRoot { authority: authority() },
        Call::DestroyTenant {
            authority: authority(),
            request: DestroyRequest { confirm: 1, reason: None },
        },
    ]
}

//! Signing keys follow each other, die of a compromise, and end, while exactly one mints at every second.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod administration;
mod bounds;
mod compromise;
mod forgeries;
mod leaving;
mod minting;
mod verifier;

use wardkey_provision::{KeyRequest, Policy};
use wardkey_registry::{
    Created, RegistryError, RotateSigningKeysRequest, SigningKeysRotated, Store as _, Value,
};
use wardkey_testkit::{Acts as _, Tenant, api_policy, key_request, lasting_bootstrap, text_of};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const LONGEST_S: u32 = 90 * 24 * 3600;
const TEN_YEARS_S: u32 = 10 * 365 * 24 * 3600;

/// A tenant whose administrator outlives whatever is waited for.
fn tenant() -> Tenant {
    tenant_with(api_policy().unwrap())
}

fn tenant_with(policy: Policy) -> Tenant {
    Tenant::lasting(policy, TEN_YEARS_S)
}

/// Another administrator of the tenant, by a new bootstrap token.
fn recover(tenant: &Tenant, hash: u8) -> String {
    let call = lasting_bootstrap(hash, None, TEN_YEARS_S);
    text_of(&tenant.book.ask_created(call).unwrap())
}

fn planned() -> RotateSigningKeysRequest {
    RotateSigningKeysRequest {
        compromised: false,
        mint_from_in_s: None,
        reason: None,
        force: false,
    }
}

fn compromised() -> RotateSigningKeysRequest {
    RotateSigningKeysRequest { compromised: true, ..planned() }
}

fn plan(tenant: &Tenant, audience: &str) -> Result<SigningKeysRotated, RegistryError> {
    tenant.rotate_signing_keys(audience, planned())
}

fn compromise(tenant: &Tenant, audience: &str) -> Result<SigningKeysRotated, RegistryError> {
    tenant.rotate_signing_keys(audience, compromised())
}

fn create(tenant: &Tenant, audience: &str, expires_in: u32) -> Created {
    let audience = audience.into();
    let request = KeyRequest { audience, expires_in, ..key_request(&["reports:read"]) };
    tenant.create(request).unwrap()
}

/// The living windows of an audience, ascending by epoch.
fn windows(tenant: &Tenant, audience: u8) -> Vec<(u32, u32)> {
    let rows = tenant.book.store.query(
        "SELECT mint_from, mint_until FROM signing_key
         WHERE audience = ? AND dead_at IS NULL AND retired_at IS NULL ORDER BY epoch",
        &[audience.into()],
    );
    let number = |value: &Value| match value {
        Value::Integer(number) => u32::try_from(*number).unwrap(),
        other => panic!("{other:?}"),
    };
    rows.unwrap().iter().map(|row| (number(&row.0[0]), number(&row.0[1]))).collect()
}

//! What a thief of storage and root gets hold of.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use wardkey::TenantId;
use wardkey_provision::TenantSecret;
use wardkey_registry::{Store, Value};

use crate::book::fixed_root;

/// The tenant's secret as it is stored.
pub fn wrapped_secret(store: &dyn Store) -> Vec<u8> {
    match store.query("SELECT wrapped_secret FROM tenant", &[]).unwrap()[0].0[0].clone() {
        Value::Blob(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

/// The tenant's secret, unwrapped as the registry does.
pub fn stolen_secret(store: &dyn Store) -> TenantSecret {
    fixed_root().unwrap().unwrap(TenantId(1), &wrapped_secret(store)).unwrap()
}

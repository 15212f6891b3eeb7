//! A key's text, and what it says of itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use wardkey::{Base, MAX_BASE_LEN};
use wardkey_registry::{Created, WireBytes};

/// The text of a key that was made.
pub fn text_of(created: &Created) -> String {
    created.key.as_ref().unwrap().secret_str().to_owned()
}

/// What a key says of itself.
pub fn base_of(key: &str) -> Base {
    *wardkey::inspect(key).unwrap().base()
}

/// A key's stable id.
pub fn id_of(key: &str) -> String {
    base_of(key).key_id.to_string()
}

/// The place of a key in the list.
pub fn index_of(key: &str) -> u32 {
    base_of(key).status_index.0
}

/// The epoch of the signing key that signed a key.
pub fn epoch_of(key: &str) -> u8 {
    base_of(key).signing_key.epoch.number()
}

/// What a key says of itself, as the registry is sent it.
pub fn encoded(base: &Base) -> WireBytes {
    let mut bytes = [0; MAX_BASE_LEN];
    let len = base.encode(&mut bytes).unwrap();
    WireBytes::new(&bytes[..len])
}

//! What wit-bindgen makes of `wit/`.

// WHY: natively there is no host to export to, and native linkers refuse the exported names.
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the canonical ABI is raw pointers and unmangled symbols; all of it is generated"
    )
)]

#[cfg(target_family = "wasm")]
use crate::verifier::Component;

wit_bindgen::generate!({
    path: "../../wit",
    world: "verifying",
});

#[cfg(target_family = "wasm")]
export!(Component with_types_in self);

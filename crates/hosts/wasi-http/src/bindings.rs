//! What `wit/` says, in Rust.
#![expect(unsafe_code, reason = "exports are called by their unmangled names")]

wit_bindgen::generate!({
    path: ["../../../wit/verify", "wit"],
    world: "wardkey:wasi-http/guard",
    generate_all,
});

use super::Middleware;

export!(Middleware with_types_in self);

//! What wasmtime makes of `wit/`.
#![expect(missing_docs, reason = "wit/ says it, and the generated code is no place to repeat it")]

wasmtime::component::bindgen!({
    path: "../../../wit/verify",
    world: "verifying",
});

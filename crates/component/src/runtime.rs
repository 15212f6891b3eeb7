//! The end of a call that cannot go on.

/// Traps: the host sees a failed call and no answer, never an allow.
#[cfg(target_family = "wasm")]
pub(crate) fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn trap() -> ! {
    std::process::abort()
}

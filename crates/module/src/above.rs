//! The memory above all that the module itself uses: a module divides it as its calls need it.
//!
//! # Guarantees
//! From [`start`] on nothing of the module's own lies in it, and what was once within [`reach`] stays: memory never shrinks.
#![cfg_attr(
    target_family = "wasm",
    expect(unsafe_code, reason = "only the linker knows where the module's own memory ends")
)]

/// Where it starts: behind the module's data and stack, which the linker says, at a multiple of 16.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn start() -> usize {
    unsafe extern "C" {
        static __heap_base: u8;
    }
    (&raw const __heap_base).addr().next_multiple_of(16)
}

/// Makes memory as long as that; `false` where it cannot be.
#[cfg(target_family = "wasm")]
#[must_use]
pub fn reach(end: usize) -> bool {
    use core::arch::wasm32::{memory_grow, memory_size};
    const PAGE_LEN: usize = 64 * 1024;
    let missing = end.div_ceil(PAGE_LEN).saturating_sub(memory_size::<0>());
    missing == 0 || memory_grow::<0>(missing) != usize::MAX
}

/// Natively there is none of it.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub const fn start() -> usize {
    16
}

/// Natively there is none of it.
#[cfg(not(target_family = "wasm"))]
#[must_use]
pub const fn reach(_: usize) -> bool {
    false
}

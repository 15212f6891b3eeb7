//! What a wasm module without std must bring along.

/// Traps: the host sees a failed call and no answer, never an allow.
#[cfg(target_family = "wasm")]
pub(crate) fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn trap() -> ! {
    std::process::abort()
}

/// What the panic said is dropped, so that nothing of a key can be in it.
#[cfg(target_family = "wasm")]
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    trap()
}

/// Writes over so many bytes of what secrets have left behind on the stack: key sets, keys and texts that were moved.
#[inline(never)]
pub(crate) fn wipe_stack<const LEN: usize>() {
    let mut stack = [0_u8; LEN];
    core::hint::black_box(&mut stack);
}

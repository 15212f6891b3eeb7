//! What is deliberately wrong: what looks at the probes must find each.

use core::hint::black_box;

use wardkey::TAG_LEN;

use super::given;

/// Panics, where the index is beyond the bytes.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
#[expect(clippy::indexing_slicing, reason = "the search for panics must find this one")]
unsafe extern "C" fn control_index(bytes: *const u8, len: usize, index: usize) -> u8 {
    // SAFETY: as said above.
    let bytes = unsafe { given(bytes, len) };
    bytes[index]
}

/// Panics behind a pointer: the search must follow calls through the table, too.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
#[expect(clippy::indexing_slicing, reason = "the search for panics must find this one")]
unsafe extern "C" fn control_indirect(bytes: *const u8, len: usize, which: usize) -> u8 {
    type Act = fn(&[u8], usize) -> u8;
    let acts: [Act; 2] = black_box([|bytes, at| bytes[at], |bytes, _| bytes.len() as u8]);
    // SAFETY: as said above.
    let bytes = unsafe { given(bytes, len) };
    acts.get(which).map_or(0, |act| act(bytes, len))
}

/// Allocates: the search for allocation must find it.
#[unsafe(no_mangle)]
extern "C" fn control_allocate(len: usize) -> usize {
    let bytes = black_box(vec![1_u8; len]);
    bytes.as_ptr() as usize
}

/// Calls itself: the search for recursion must find it.
#[unsafe(no_mangle)]
extern "C" fn control_recurse(depth: usize) -> usize {
    if depth == 0 { 1 } else { black_box(control_recurse(depth - 1)) + 1 }
}

/// Traps without a panic: the search for `unreachable` must find it.
#[unsafe(no_mangle)]
extern "C" fn control_trap(number: usize) -> usize {
    if black_box(number) == 0 {
        #[cfg(target_family = "wasm")]
        core::arch::wasm32::unreachable();
    }
    number
}

/// Divides by what it is given: the search for divisions that may trap must find it.
#[unsafe(no_mangle)]
extern "C" fn control_divide(number: u32, divisor: u32) -> u32 {
    number.checked_div(divisor).unwrap_or(0)
}

/// Stops at the first byte that differs: the comparison of steps must tell where that was.
#[unsafe(no_mangle)]
extern "C" fn control_early_exit(made: &[u8; TAG_LEN], given: &[u8; TAG_LEN]) -> bool {
    made.iter().zip(given).all(|(made, given)| black_box(*made) == *given)
}

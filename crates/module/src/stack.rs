//! What calls leave behind on the stack.

use core::hint::black_box;

/// Writes over the `LEN` bytes of the stack below its caller: secrets that were moved there by a call that is over.
///
/// # Constraints
/// That call must not have been inlined into the caller, whose own frame is not wiped.
#[inline(never)]
pub fn wipe_stack<const LEN: usize>() {
    let mut stack = [0_u8; LEN];
    black_box(&mut stack);
}

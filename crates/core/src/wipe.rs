//! Wiping secrets.

use zeroize::optimization_barrier;

/// Writes zeros over a secret, which the compiler may not leave out.
///
/// WHY not `Zeroize`: for an array it hides every single element from the compiler, and in wasm each of those is a call.
pub(crate) fn wipe<T: Copy + From<u8>, const N: usize>(secret: &mut [T; N]) {
    *secret = [T::from(0); N];
    optimization_barrier(secret);
}

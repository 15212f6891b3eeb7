//! What a wasm module without std must bring along.

use core::arch::wasm32::unreachable;
use core::panic::PanicInfo;

/// Traps: the host sees a failed call and no answer, never an allow. What the panic said is dropped,
/// so that nothing of a key can be in it.
#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    unreachable()
}

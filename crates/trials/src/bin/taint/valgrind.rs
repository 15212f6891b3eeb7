//! valgrind's client requests: a sequence of instructions that does nothing on a processor and speaks
//! to valgrind when it runs the program (valgrind.h, memcheck.h).
#![expect(
    unsafe_code,
    reason = "the requests exist as instructions only; all of them are in this file"
)]

use std::arch::asm;

/// Whether valgrind runs this program.
pub(crate) fn is_watching() -> bool {
    request([RUNNING_ON_VALGRIND, 0, 0, 0, 0, 0]) != 0
}

/// Marks bytes as undefined: memcheck reports every branch and every address that depends on them.
pub(crate) fn taint(bytes: &mut [u8]) {
    let (start, len) = (bytes.as_mut_ptr() as usize, bytes.len());
    request([MAKE_MEM_UNDEFINED, start, len, 0, 0, 0]);
}

/// Marks bytes as defined again.
pub(crate) fn untaint(bytes: &mut [u8]) {
    let (start, len) = (bytes.as_mut_ptr() as usize, bytes.len());
    request([MAKE_MEM_DEFINED, start, len, 0, 0, 0]);
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn request(words: [usize; 6]) -> usize {
    let mut answer = 0;
    // SAFETY: the rotations add up to two full turns and the exchange is one with itself, so that a
    // processor changes nothing but flags; valgrind reads `words` and writes the answer to rdx. What it
    // marks is no memory of its own: only its opinion of it changes.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") words.as_ptr(),
            inout("rdx") answer,
        );
    }
    answer
}

#[cfg(target_arch = "aarch64")]
#[inline(never)]
fn request(words: [usize; 6]) -> usize {
    let mut answer = 0;
    // SAFETY: as above, with x12, x10, and the answer in x3.
    unsafe {
        asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") words.as_ptr(),
            inout("x3") answer,
        );
    }
    answer
}

/// Elsewhere nobody watches, and the program says so.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn request(_: [usize; 6]) -> usize {
    0
}

const RUNNING_ON_VALGRIND: usize = 0x1001;
/// `'M' << 24 | 'C' << 16`.
const MEMCHECK: usize = 0x4d43_0000;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;

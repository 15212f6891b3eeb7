//! The raw exports: addresses, lengths and numbers in, numbers out. README.md is their manual.
#![expect(unsafe_code, reason = "exports are unmangled symbols over the memory of one instance")]

use wardkey_module::{Alone, wipe_stack};

use crate::findings;
use crate::memory::Above;
use crate::narrowing::{Asked, SCOPES_LEN};
use crate::outcome;
use crate::unproven;

/// Bytes that the host can write for the next call.
const INPUT_LEN: usize = 4096;
/// Bytes that a call can answer: the longest are six sets of 256 scopes, and networks.
const OUTPUT_LEN: usize = 8192;

/// Bytes of the stack that are wiped after a key: texts and tags that were moved, base64 that was undone.
const STACK_LEN: usize = 32 * 1024;

/// All that an instance of the module is.
struct Instance {
    input: [u8; INPUT_LEN],
    output: [u8; OUTPUT_LEN],
    above: Above,
}

// SAFETY: the module has no threads: its memory is not shared.
static INSTANCE: Alone<Instance> = unsafe { Alone::new(Instance::new()) };

impl Instance {
    const fn new() -> Self {
        Self {
            input: [0; INPUT_LEN],
            output: [0; OUTPUT_LEN],
            // SAFETY: this is the only place that makes one, and it makes one.
            above: unsafe { Above::only_one() },
        }
    }
}

/// The version of this ABI.
#[unsafe(no_mangle)]
extern "C" fn abi_version() -> u32 {
    1
}

/// Where the host writes what a call is about.
#[unsafe(no_mangle)]
extern "C" fn input() -> usize {
    INSTANCE.with(0, |instance| instance.input.as_ptr().addr())
}

/// How much it may write there, in bytes.
#[unsafe(no_mangle)]
extern "C" fn input_len() -> usize {
    INPUT_LEN
}

/// Where a call's answer stands.
#[unsafe(no_mangle)]
extern "C" fn output() -> usize {
    INSTANCE.with(0, |instance| instance.output.as_ptr().addr())
}

/// Narrows the key in the input, behind which stand 32 bytes of scopes, and networks. The input is wiped.
#[unsafe(no_mangle)]
extern "C" fn narrow(
    key_len: usize,
    parts: u32,
    expires_at: u32,
    not_before: u32,
    networks_len: usize,
) -> i32 {
    answer(|Instance { input, output, .. }| {
        let asked = asked(input, key_len, networks_len).ok_or(outcome::MISUSE);
        let written = asked.and_then(|[key, scopes, networks]| {
            Asked { key, parts, scopes, expires_at, not_before, networks }.narrow(output)
        });
        input.fill(0);
        written
    })
}

/// Writes what the key in the input says of itself into the output, as JSON. The input is wiped.
#[unsafe(no_mangle)]
extern "C" fn inspect(key_len: usize) -> i32 {
    answer(|Instance { input, output, .. }| {
        let key = input.get(..key_len).ok_or(outcome::MISUSE);
        let written = key.and_then(|key| unproven::read(key, output));
        input.fill(0);
        written
    })
}

/// Where the host writes a text of so many bytes for `scan`; 0 where there is no memory for it.
#[unsafe(no_mangle)]
extern "C" fn text(len: usize) -> usize {
    INSTANCE.with(0, |instance| {
        instance.above.stretches().take(len).map_or(0, |room| room.as_ptr().addr())
    })
}

/// Finds the credentials in the text, with the brands in the input, a space between them; 1 looks into base64, too. The text
/// is wiped, and its records stand behind it.
#[unsafe(no_mangle)]
extern "C" fn scan(len: usize, brands_len: usize, deep: u32) -> i32 {
    answer(|Instance { input, above, .. }| {
        let brands = input.get(..brands_len).ok_or(outcome::MISUSE)?;
        findings::record(above.stretches(), len, brands, deep != 0)
    })
}

/// Wipes the last answer: it may be a key.
#[unsafe(no_mangle)]
extern "C" fn wipe() {
    INSTANCE.with((), |instance| instance.output.fill(0));
}

/// Works in the instance, and gives a length or what the call comes to otherwise.
fn answer(work: impl FnOnce(&mut Instance) -> Result<usize, i32>) -> i32 {
    let done = INSTANCE.with(Err(outcome::MISUSE), work);
    wipe_stack::<STACK_LEN>();
    let len = done.and_then(|len| i32::try_from(len).map_err(|_| outcome::MISUSE));
    len.unwrap_or_else(|refused| refused)
}

/// What the host has written for `narrow`: a key, scopes and networks.
fn asked(input: &[u8], key_len: usize, networks_len: usize) -> Option<[&[u8]; 3]> {
    let (key, rest) = input.split_at_checked(key_len)?;
    let (scopes, rest) = rest.split_at_checked(SCOPES_LEN)?;
    Some([key, scopes, rest.get(..networks_len)?])
}

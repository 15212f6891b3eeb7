//! The inputs of the measurement that compares the steps of keys and heads whose tags differ.

use core::mem::MaybeUninit;
use core::ptr;

use wardkey::{AuthenticHead, Decision, HeadError, TAG_LEN, UnverifiedHead};

use super::lend;
use crate::fixture::{self, Fixture, Verifier};

/// The addresses of a key set, a list, a query and room for a decision, as `probe_verify` takes
/// them, then of their fixture; 0 never.
#[unsafe(no_mangle)]
extern "C" fn steps_verifier() -> usize {
    let Some(fixture) = Fixture::new(1) else { return 0 };
    let fixture: &Fixture = Box::leak(Box::new(fixture));
    let Some(verifier) = fixture.verifier() else { return 0 };
    let Verifier { key_set, list, required } = Box::leak(Box::new(verifier));
    let query = Box::leak(Box::new(fixture::query(required)));
    let decision = Box::leak(Box::new(MaybeUninit::<Decision>::uninit()));
    let addresses = [
        ptr::from_ref(key_set) as usize,
        ptr::from_ref(list) as usize,
        ptr::from_ref(query) as usize,
        decision.as_ptr() as usize,
        ptr::from_ref(fixture) as usize,
    ];
    Box::leak(Box::new(addresses)).as_ptr() as usize
}

/// The address of the fixture with its key narrowed so many times; 0 never.
#[unsafe(no_mangle)]
extern "C" fn steps_narrowed(fixture: &Fixture, times: u32) -> usize {
    let narrowed = fixture.narrowed(times);
    narrowed.map_or(0, |narrowed| ptr::from_ref(Box::leak(Box::new(narrowed))) as usize)
}

/// The verifier's good key with one bit of its tag changed; unchanged where there is no such byte.
#[unsafe(no_mangle)]
extern "C" fn steps_key(fixture: &Fixture, byte: usize, bit: u8) -> u64 {
    lend(fixture.forged(byte, bit).unwrap_or_default())
}

/// The address of that key's tag.
#[unsafe(no_mangle)]
extern "C" fn steps_tag(fixture: &Fixture, byte: usize, bit: u8) -> usize {
    let mut made = [0; TAG_LEN];
    let _ = fixture.with_tag(|tag| made = *tag);
    if let Some(byte) = made.get_mut(byte) {
        *byte ^= 1 << (bit % 8);
    }
    Box::leak(Box::new(made)).as_ptr() as usize
}

/// The address of the fixture's head, read, with one bit of its tag changed; unchanged where there is no such byte; 0
/// never.
#[unsafe(no_mangle)]
extern "C" fn steps_head(fixture: &Fixture, byte: usize, bit: u8) -> usize {
    let head = UnverifiedHead::parse(fixture.forged_head(byte, bit).leak());
    head.map_or(0, |head| ptr::from_ref(Box::leak(Box::new(head))) as usize)
}

/// The address of room for what `probe_authenticate_head` writes.
#[unsafe(no_mangle)]
extern "C" fn steps_head_room() -> usize {
    let room = MaybeUninit::<Result<AuthenticHead<'static>, HeadError>>::uninit();
    Box::leak(Box::new(room)).as_ptr() as usize
}

/// The word for what `probe_authenticate_head` has written.
#[unsafe(no_mangle)]
extern "C" fn steps_head_word(read: &Result<AuthenticHead<'static>, HeadError>) -> u64 {
    lend(fixture::head_word(read).to_owned())
}

/// The word for the decision that `probe_verify` has written.
#[unsafe(no_mangle)]
extern "C" fn steps_word(decision: &Decision) -> u64 {
    lend(fixture::word(decision).to_owned())
}

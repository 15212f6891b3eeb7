//! What the wasm module exports. Everything is a number: pointers into its own memory, lengths, and
//! pairs of both as `pointer << 32 | length`.
//!
//! - `suites_*` run the suites, for `tests/trials.test.mjs`.
//! - `probe_*` are the core's entries over whatever the host has written into memory: no panic may be
//!   reachable from any of them. One more of them is one more export.
//! - `control_*` are deliberately wrong: what looks at the probes must find each.
//! - `steps_*` make the inputs of the measurement that compares the steps of keys whose tags differ.
#![expect(
    unsafe_code,
    reason = "exports have unmangled names, and a host can hand over nothing but addresses; all of it is in this file"
)]

use core::hint::black_box;
use core::mem::MaybeUninit;
use core::{ptr, slice, str};

use wardkey::{
    Adoption, AuthenticHead, Base, Catalog, Decision, HeadError, KeySet, KeySetError, KeyText,
    List, ListError, NarrowError, Narrowing, Query, Reason, Requirement, RequirementError, State,
    StateError, TAG_LEN, UnixMillis, Unproven, UnverifiedHead, UnverifiedKey,
};

use crate::fixture::{self, Fixture, Verifier};
use crate::suite::{SUITES, Stretch, TELLS_MACHINES_APART};

/// The names of the suites as a JSON list; the last is the control of the comparison.
#[unsafe(no_mangle)]
extern "C" fn suites_names() -> u64 {
    let names = SUITES.iter().chain([&TELLS_MACHINES_APART]).map(|suite| suite.name);
    lend(serde_json::Value::from_iter(names).to_string())
}

/// The report of one stretch of a suite, as JSON.
#[unsafe(no_mangle)]
extern "C" fn suites_run(number: u32, seed: u64, from: u64, count: u64) -> u64 {
    let suite = SUITES.get(number as usize).unwrap_or(&TELLS_MACHINES_APART);
    lend(suite.report(Stretch { seed, from, count }).to_json().to_string())
}

/// A text for the host to read; this memory is never used again.
fn lend(text: String) -> u64 {
    let text = text.leak();
    (text.as_ptr() as u64) << 32 | text.len() as u64
}

/// Bytes that the host has written.
///
/// # Safety
/// The host says so.
const unsafe fn given<'a>(start: *const u8, len: usize) -> &'a [u8] {
    // SAFETY: linear memory is initialised, and the host keeps within it and leaves it alone.
    unsafe { slice::from_raw_parts(start, len) }
}

/// The whole decision. `query` is taken by value, as [`wardkey::verify`] takes it, so that nothing
/// about it is known when this is compiled.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_verify(
    key_set: &KeySet,
    list: Option<&List<Vec<u8>>>,
    key: *const u8,
    key_len: usize,
    query: *const Query<'static>,
    out: *mut Decision,
) {
    // SAFETY: as said above.
    let (key, query) = unsafe { (given(key, key_len), ptr::read(query)) };
    let Ok(key) = str::from_utf8(key) else { return };
    let decision = wardkey::verify(key_set, list, key, query);
    // SAFETY: as said above.
    unsafe { ptr::write(out, decision) };
}

/// The first stage alone.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_parse_key(
    key: *const u8,
    key_len: usize,
    out: *mut Result<UnverifiedKey, Reason>,
) {
    // SAFETY: as said above.
    let key = unsafe { given(key, key_len) };
    let Ok(key) = str::from_utf8(key) else { return };
    // SAFETY: as said above.
    unsafe { ptr::write(out, UnverifiedKey::parse(key)) };
}

/// A key set with its catalog.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_parse_key_set(
    bytes: *const u8,
    len: usize,
    out: *mut Result<(KeySet, Catalog<'static>), KeySetError>,
) {
    // SAFETY: as said above.
    unsafe { ptr::write(out, KeySet::parse(given(bytes, len))) };
}

/// A requirement of one scope.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_require(
    catalog: &Catalog<'static>,
    name: *const u8,
    len: usize,
    out: *mut Result<Requirement, RequirementError>,
) {
    // SAFETY: as said above.
    let name = unsafe { given(name, len) };
    let Ok(name) = str::from_utf8(name) else { return };
    // SAFETY: as said above.
    unsafe { ptr::write(out, Requirement::all_of(catalog, [name])) };
}

/// The shape of a head.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_parse_head(
    bytes: *const u8,
    len: usize,
    out: *mut Result<UnverifiedHead<'static>, HeadError>,
) {
    // SAFETY: as said above.
    unsafe { ptr::write(out, UnverifiedHead::parse(given(bytes, len))) };
}

/// The tag of a head, whatever its shape.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_authenticate_head(
    head: &UnverifiedHead<'static>,
    key_set: &KeySet,
    out: *mut Result<AuthenticHead<'static>, HeadError>,
) {
    // SAFETY: as said above.
    unsafe { ptr::write(out, head.authenticate(key_set)) };
}

/// A state.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_parse_state(
    bytes: *const u8,
    len: usize,
    memory: *mut u8,
    memory_len: usize,
    out: *mut Result<State<&'static mut [u8]>, StateError>,
) {
    // SAFETY: as said above.
    unsafe {
        let memory = slice::from_raw_parts_mut(memory, memory_len);
        ptr::write(out, State::parse_into(given(bytes, len), memory));
    }
}

/// Judging and adopting a head, with or without a state.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_adopt(
    in_force: &mut Option<List<&'static mut [u8]>>,
    head: &AuthenticHead<'static>,
    state: *const Option<State<&'static mut [u8]>>,
    now_ms: u64,
    key_set: &KeySet,
    out: *mut Result<Adoption, ListError>,
) {
    // SAFETY: as said above.
    let state = unsafe { ptr::read(state) };
    let adopted = List::adopt(in_force, head, state, UnixMillis(now_ms), key_set.bounds());
    // SAFETY: as said above.
    unsafe { ptr::write(out, adopted) };
}

/// Narrowing a key.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_narrow(
    key: *const u8,
    key_len: usize,
    narrowing: &Narrowing,
    out: *mut Result<KeyText, NarrowError>,
) {
    // SAFETY: as said above.
    let key = unsafe { given(key, key_len) };
    let Ok(key) = str::from_utf8(key) else { return };
    // SAFETY: as said above.
    unsafe { ptr::write(out, wardkey::narrow(key, narrowing)) };
}

/// What a key says of itself.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_inspect(
    key: *const u8,
    key_len: usize,
    out: *mut Result<Unproven, Reason>,
) {
    // SAFETY: as said above.
    let key = unsafe { given(key, key_len) };
    let Ok(key) = str::from_utf8(key) else { return };
    // SAFETY: as said above.
    unsafe { ptr::write(out, wardkey::inspect(key)) };
}

/// The bytes of a base, as minting writes them.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_encode_base(base: &Base, out: *mut u8, len: usize) -> usize {
    // SAFETY: as said above.
    let out = unsafe { slice::from_raw_parts_mut(out, len) };
    base.encode(out).unwrap_or(0)
}

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

/// Traps without a panic: the search for traps must find it.
#[unsafe(no_mangle)]
extern "C" fn control_trap(number: usize) -> usize {
    if black_box(number) == 0 {
        #[cfg(target_family = "wasm")]
        core::arch::wasm32::unreachable();
    }
    number
}

/// Stops at the first byte that differs: the comparison of steps must tell where that was.
#[unsafe(no_mangle)]
extern "C" fn control_early_exit(made: &[u8; TAG_LEN], given: &[u8; TAG_LEN]) -> bool {
    made.iter().zip(given).all(|(made, given)| black_box(*made) == *given)
}

/// The addresses of a key set, a list, a query and room for a decision, as [`probe_verify`] takes
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

/// The word for the decision that [`probe_verify`] has written.
#[unsafe(no_mangle)]
extern "C" fn steps_word(decision: &Decision) -> u64 {
    lend(fixture::word(decision).to_owned())
}

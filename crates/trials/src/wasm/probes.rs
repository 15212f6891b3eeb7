//! The core's entries, whose inputs are whatever lies in memory: no panic may be reachable from any of them.

use core::{ptr, slice, str};

use wardkey::{
    Adoption, AuthenticHead, Base, Catalog, Decision, Finding, HeadError, KeyBuffer, KeySet,
    KeySetError, KeyText, List, ListError, NarrowError, Narrowing, Piece, Query, Reason,
    Requirement, RequirementError, Scanner, State, StateError, UnixMillis, Unproven,
    UnverifiedHead, UnverifiedKey,
};

use super::given;

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
    buffer: &'static mut KeyBuffer,
    out: *mut Result<UnverifiedKey<'static>, Reason>,
) {
    // SAFETY: as said above.
    let key = unsafe { given(key, key_len) };
    let Ok(key) = str::from_utf8(key) else { return };
    // SAFETY: as said above.
    unsafe { ptr::write(out, UnverifiedKey::parse(key, buffer)) };
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

/// Every finding of a scanner, whatever brands it knows.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_scan(
    scanner: &Scanner<'static>,
    text: *const u8,
    len: usize,
    out: *mut Finding,
) {
    // SAFETY: as said above.
    for finding in scanner.scan(unsafe { given(text, len) }) {
        // SAFETY: as said above.
        unsafe { ptr::write_volatile(out, finding) };
    }
}

/// As [`probe_scan`], into base64.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_scan_deep(
    scanner: &Scanner<'static>,
    text: *const u8,
    len: usize,
    out: *mut Finding,
) {
    let scanner = scanner.deep();
    // SAFETY: as said above.
    for finding in scanner.scan(unsafe { given(text, len) }) {
        // SAFETY: as said above.
        unsafe { ptr::write_volatile(out, finding) };
    }
}

/// A text without its credentials, piece by piece: what [`Scanner::redact`] writes, before it is formatted.
/// What formats is the standard library's, and calls whatever is in the table.
///
/// # Safety
/// Each address holds what its type says.
#[unsafe(no_mangle)]
unsafe extern "C" fn probe_redact(
    scanner: &Scanner<'static>,
    text: *const u8,
    len: usize,
    out: *mut Piece<'static>,
) {
    // SAFETY: as said above.
    for piece in scanner.pieces(unsafe { given(text, len) }) {
        // SAFETY: as said above.
        unsafe { ptr::write_volatile(out, piece) };
    }
}

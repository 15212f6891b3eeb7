//! The exports of interface `scanner`, as the canonical ABI flattens them: `wit/scan/scanner.wit` is their manual.
#![expect(unsafe_code, reason = "exports are unmangled symbols, and take addresses")]
// WHY: native linkers refuse the exported names, and nobody calls them there.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only a wasm host calls exports")
)]

use core::ptr;

use wardkey::{Piece, Scanner};
use wardkey_module::wipe_stack;

use crate::alone::Alone;
use crate::handed::{Given, Outcome, Told};
use crate::incoming;
use crate::scanning::findings::{Findings, RECORD_LEN};
use crate::scanning::label::Label;
use crate::scanning::text::Text;

/// More than scanning needs.
const STACK_LEN: usize = 32 * 1024;
/// Most brands of a host.
const MOST_BRANDS: usize = 16;

/// Where answers stand until the host has read them.
struct Instance {
    findings: Findings,
    text: Text,
    scanned: Outcome<Records, BadBrand>,
    redacted: Outcome<Told<u8>, BadBrand>,
}

/// `list<finding>`.
#[repr(C)]
struct Records {
    start: *const u8,
    count: usize,
}

impl Records {
    fn of(records: &[u8]) -> Self {
        // WHY: a list's address is aligned as its records are, also that of none.
        let start = if records.is_empty() { ptr::null() } else { records.as_ptr() };
        Self { start, count: records.len() / RECORD_LEN }
    }
}

/// `options-error`.
#[repr(u8)]
enum BadBrand {
    BadBrand,
}

static ALONE: Alone<Instance> = Alone::new(Instance {
    findings: Findings::new(),
    text: Text::new(),
    scanned: Outcome::Err(BadBrand::BadBrand),
    redacted: Outcome::Err(BadBrand::BadBrand),
});

/// Works in the instance, and wipes the text that the host has written, and what that has left on the stack.
fn with<R>(work: impl FnOnce(&mut Instance) -> R) -> R {
    let done = ALONE.with(work);
    incoming::forget();
    wipe_stack::<STACK_LEN>();
    done
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "wardkey:scan/scanner@0.1.0#scan"))]
extern "C" fn scan(
    text_start: *const u8,
    text_len: usize,
    brands_start: *const Given<u8>,
    brands_len: usize,
    is_deep: u32,
) -> *const Outcome<Records, BadBrand> {
    // SAFETY: the host handed them in.
    let (text, brands) =
        unsafe { (Given::new(text_start, text_len), Given::new(brands_start, brands_len)) };
    with(|Instance { findings, scanned, .. }| {
        *findings = Findings::new();
        let found = by_scanner(&brands, is_deep != 0, |scanner| {
            scanner.scan(text.get()).for_each(|finding| findings.push(&finding));
            Records::of(findings.settled())
        });
        *scanned = found.into();
        &raw const *scanned
    })
}

/// The host has read the findings.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "cabi_post_wardkey:scan/scanner@0.1.0#scan")
)]
extern "C" fn scan_read(_: *const Outcome<Records, BadBrand>) {
    ALONE.with(|Instance { findings, .. }| *findings = Findings::new());
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "wardkey:scan/scanner@0.1.0#redact"))]
extern "C" fn redact(
    text_start: *const u8,
    text_len: usize,
    brands_start: *const Given<u8>,
    brands_len: usize,
    is_deep: u32,
) -> *const Outcome<Told<u8>, BadBrand> {
    // SAFETY: the host handed them in.
    let (given, brands) =
        unsafe { (Given::new(text_start, text_len), Given::new(brands_start, brands_len)) };
    with(|Instance { text, redacted, .. }| {
        *text = Text::new();
        let written = by_scanner(&brands, is_deep != 0, |scanner| {
            for piece in scanner.pieces(given.get()) {
                match piece {
                    Piece::Text(bytes) => text.push(bytes),
                    Piece::Credential(finding) => text.push(Label::of(&finding).as_bytes()),
                }
            }
            Told::new(text.as_bytes())
        });
        *redacted = written.into();
        &raw const *redacted
    })
}

/// The host has read the text.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "cabi_post_wardkey:scan/scanner@0.1.0#redact")
)]
extern "C" fn redact_read(_: *const Outcome<Told<u8>, BadBrand>) {
    ALONE.with(|Instance { text, .. }| *text = Text::new());
}

/// Works with a scanner for these brands.
///
/// WHY not inlined: what it leaves on the stack is wiped by its caller, whose own frame is not.
#[inline(never)]
fn by_scanner<R>(
    brands: &Given<Given<u8>>,
    is_deep: bool,
    work: impl FnOnce(&Scanner<'_>) -> R,
) -> Result<R, BadBrand> {
    let mut named = [""; MOST_BRANDS];
    let brands = brands.get();
    let named = named.get_mut(..brands.len()).ok_or(BadBrand::BadBrand)?;
    for (slot, brand) in named.iter_mut().zip(brands) {
        *slot = str::from_utf8(brand.get()).map_err(|_| BadBrand::BadBrand)?;
    }
    let scanner = Scanner::new(named).map_err(|_| BadBrand::BadBrand)?;
    Ok(work(&if is_deep { scanner.deep() } else { scanner }))
}

//! The raw exports: addresses, lengths and numbers in, numbers out. ABI.md is their manual.
#![expect(unsafe_code, reason = "exports are unmangled symbols over the memory of one instance")]

use core::cell::UnsafeCell;
use core::net::IpAddr;

use wardkey::{Refresh, RegistryVerdict, UnixMillis};

use crate::claims::{CLAIMS_LEN, layout};
use crate::memory::Room;
use crate::outcome;
use crate::verifier::{Asked, Done, Verifier};

/// Bytes that the host can write for the next call: the longest key set has 17,769.
const INPUT_LEN: usize = 18 * 1024;

/// All that an instance of the module is.
struct Instance {
    input: [u8; INPUT_LEN],
    caller: [u8; 16],
    claims: [u8; CLAIMS_LEN],
    state: Option<Room>,
    verifier: Option<Verifier>,
}

/// The one instance, reached by one export at a time.
struct Alone(UnsafeCell<Instance>);

// SAFETY: the module has no threads: its memory is not shared.
unsafe impl Sync for Alone {}

static INSTANCE: Alone = Alone(UnsafeCell::new(Instance {
    input: [0; INPUT_LEN],
    caller: [0; 16],
    claims: [0; CLAIMS_LEN],
    state: None,
    verifier: None,
}));

/// The instance, for one export.
fn instance() -> &'static mut Instance {
    // SAFETY: the module imports nothing, so that no export can run while another does, and each asks once.
    unsafe { &mut *INSTANCE.0.get() }
}

/// The version of this ABI.
#[unsafe(no_mangle)]
extern "C" fn abi_version() -> u32 {
    1
}

/// Where the host writes what a call is about.
#[unsafe(no_mangle)]
extern "C" fn input() -> *mut u8 {
    instance().input.as_mut_ptr()
}

/// How much it may write there, in bytes.
#[unsafe(no_mangle)]
extern "C" fn input_len() -> usize {
    INPUT_LEN
}

/// Where the host writes the caller's address: 4 or 16 bytes.
#[unsafe(no_mangle)]
extern "C" fn caller() -> *mut u8 {
    instance().caller.as_mut_ptr()
}

/// Takes the key set in the input, which is wiped; a newer one of the same audience takes its place.
#[unsafe(no_mangle)]
extern "C" fn set_keys(len: usize) -> u32 {
    let instance = instance();
    let bytes = instance.input.get(..len).unwrap_or_default();
    let taken = match &mut instance.verifier {
        Some(verifier) => verifier.renew(bytes),
        none => Verifier::new(bytes).map(|verifier| *none = Some(verifier)),
    };
    instance.input.fill(0);
    taken.err().unwrap_or(0)
}

/// The number of a requirement: names in the input, a space between them; 1: any of them, 2: strict.
#[unsafe(no_mangle)]
extern "C" fn require(len: usize, mode: u32) -> u32 {
    let instance = instance();
    let names = core::str::from_utf8(instance.input.get(..len).unwrap_or_default());
    match (&mut instance.verifier, names) {
        (Some(verifier), Ok(names)) => verifier.require(names, mode & 1 != 0, mode & 2 != 0),
        _ => outcome::MISUSE,
    }
}

/// Where the host writes the bytes of a state, so many; 0 where there is no memory for them.
#[unsafe(no_mangle)]
extern "C" fn state(len: usize) -> usize {
    let instance = instance();
    instance.state = None;
    instance.state = Room::new(len);
    instance.state.as_ref().map_or(0, Room::address)
}

/// Judges the head in the input, with the state that was written last if there is one, which is then gone.
#[unsafe(no_mangle)]
extern "C" fn adopt(len: usize, now: f64) -> u32 {
    let instance = instance();
    let state = instance.state.take();
    let head = instance.input.get(..len).unwrap_or_default();
    match &mut instance.verifier {
        Some(verifier) => verifier.adopt(head, state.as_ref().map(AsRef::as_ref), millis(now)),
        None => outcome::MISUSE,
    }
}

/// Verifies the key in the input.
#[unsafe(no_mangle)]
extern "C" fn verify(len: usize, requirement: usize, now: f64, done: u32, question: u32) -> u32 {
    let instance = instance();
    let [a, b, c, d, ..] = instance.caller;
    let done = Done {
        caller: match done & CALLER {
            CALLER_4 => Some(IpAddr::from([a, b, c, d])),
            CALLER_6 => Some(IpAddr::from(instance.caller)),
            _ => None,
        },
        refresh: if done & REFRESH_FAILED == 0 { Refresh::NotTried } else { Refresh::Failed },
        registry: match done & REGISTRY {
            REGISTRY_FAILED => Asked::Failed,
            REGISTRY_ANSWERED => Asked::Answered(question),
            _ => Asked::Not,
        },
    };
    let Some(verifier) = &mut instance.verifier else { return outcome::MISUSE };
    let key = instance.input.get(..len).unwrap_or_default();
    verifier.verify(key, requirement, millis(now), done)
}

const REFRESH_FAILED: u32 = 1;
const REGISTRY: u32 = 0b110;
const REGISTRY_FAILED: u32 = 0b010;
const REGISTRY_ANSWERED: u32 = 0b100;
const CALLER: u32 = 0b11_000;
const CALLER_4: u32 = 0b01_000;
const CALLER_6: u32 = 0b10_000;

/// Takes the registry's answer to a question: the base that it repeats in the input, and its verdict.
#[unsafe(no_mangle)]
extern "C" fn answer(question: u32, len: usize, verdict: u32, sequence: f64) -> u32 {
    let instance = instance();
    let verdict = match verdict {
        0 => RegistryVerdict::Alive { sequence: sequence as u64 },
        1 => RegistryVerdict::Revoked,
        2 => RegistryVerdict::Suspended,
        3 => RegistryVerdict::Retired,
        4 => RegistryVerdict::Expired,
        5 => RegistryVerdict::NeverIssued,
        6 => RegistryVerdict::TenantGone,
        _ => return outcome::MISUSE,
    };
    let echo = instance.input.get(..len).unwrap_or_default();
    match &mut instance.verifier {
        Some(verifier) => verifier.answer(question, echo, verdict),
        None => outcome::MISUSE,
    }
}

/// What is known of the key that was verified last, 64 bytes; 0 unless its tag was right.
#[unsafe(no_mangle)]
extern "C" fn claims() -> usize {
    let instance = instance();
    let Some((key, seen)) = instance.verifier.as_ref().and_then(Verifier::told) else { return 0 };
    instance.claims = layout(&key, seen);
    instance.claims.as_ptr().addr()
}

/// A figure of the verifier: see ABI.md; -1 where there is none.
#[unsafe(no_mangle)]
extern "C" fn figure(which: u32) -> f64 {
    let Some(verifier) = &instance().verifier else { return -1.0 };
    let key_set = verifier.key_set();
    let of_list = |read: fn(&wardkey::Head) -> u64| {
        verifier.list().map_or(-1.0, |list| read(list.head()) as f64)
    };
    match which {
        0 => key_set.tenant().0.into(),
        1 => key_set.audience().0.into(),
        2 => key_set.version().into(),
        3 => key_set.bounds().fresh_for_ms() as f64,
        4 => of_list(wardkey::Head::sequence),
        5 => of_list(|head| head.issued_at().0),
        6 => of_list(|head| head.current_key_set().into()),
        7 => of_list(|head| head.least_key_set().into()),
        _ => -1.0,
    }
}

/// The host's clock. What is no number, or below 0, is 0: a clock that is far behind, by which nothing is allowed.
const fn millis(now: f64) -> UnixMillis {
    UnixMillis(now as u64)
}

//! The raw exports: addresses, lengths and numbers in, numbers out. ABI.md is their manual.
#![expect(unsafe_code, reason = "exports are unmangled symbols over the memory of one instance")]

use core::net::{IpAddr, Ipv4Addr};

use wardkey::{Head, Refresh, RegistryVerdict, UnixMillis};
use wardkey_module::{Alone, wipe_stack};

use crate::claims::{CLAIMS_LEN, lay_out};
use crate::memory::Room;
use crate::outcome;
use crate::verifier::{Asked, Done, Verifier};

/// Bytes that the host can write for the next call: the longest key set has 17,769.
const INPUT_LEN: usize = 18 * 1024;
/// Bytes of the stack that are wiped when a key set has been read. What `take_keys` needs is a third of it: tests look for
/// what is left (tests/verifier_module.test.mjs).
const STACK_LEN: usize = 384 * 1024;
/// Bytes of the longest state.
const MAX_STATE_LEN: usize = 9 + (1 << 29);

/// All that an instance of the module is.
struct Instance {
    input: [u8; INPUT_LEN],
    claims: [u8; CLAIMS_LEN],
    state: Option<Room>,
    verifier: Option<Verifier>,
}

// SAFETY: the module has no threads: its memory is not shared.
static INSTANCE: Alone<Instance> = unsafe { Alone::new(Instance::new()) };

impl Instance {
    const fn new() -> Self {
        Self { input: [0; INPUT_LEN], claims: [0; CLAIMS_LEN], state: None, verifier: None }
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

/// Takes the key set in the input, which is wiped; a newer one of the same audience takes its place.
#[unsafe(no_mangle)]
extern "C" fn set_keys(len: usize) -> u32 {
    let taken = take_keys(len);
    wipe_stack::<STACK_LEN>();
    taken
}

/// In a frame of its own, which is gone when the stack is wiped.
#[inline(never)]
fn take_keys(len: usize) -> u32 {
    INSTANCE.with(outcome::MISUSE, |instance| {
        let Instance { input, verifier, .. } = instance;
        let is_first = verifier.is_none();
        // WHY before anything is read: what it does not fill yet holds what the stack held.
        let verifier_in_place = verifier.get_or_insert_with(Verifier::new);
        let taken = match input.get(..len) {
            Some(bytes) => verifier_in_place.take(bytes),
            None => Err(outcome::MISUSE),
        };
        if is_first && taken.is_err() {
            *verifier = None;
        }
        instance.input.fill(0);
        taken.err().unwrap_or(0)
    })
}

/// The number of a requirement: names in the input, a space between them; 1: any of them, 2: strict.
#[unsafe(no_mangle)]
extern "C" fn require(len: usize, mode: u32) -> u32 {
    INSTANCE.with(outcome::MISUSE, |instance| {
        let Instance { input, verifier, .. } = instance;
        match (verifier, input.get(..len)) {
            (Some(verifier), Some(names)) => verifier.require(names, mode & 1 != 0, mode & 2 != 0),
            _ => outcome::MISUSE,
        }
    })
}

/// Where the host writes the bytes of a state, so many; 0 where there is no memory for them, or while others are waiting for
/// their `adopt`. A length of 0 forgets those.
#[unsafe(no_mangle)]
extern "C" fn state(len: usize) -> usize {
    INSTANCE.with(0, |instance| {
        if len == 0 {
            instance.state = None;
        }
        if len == 0 || len > MAX_STATE_LEN || instance.state.is_some() {
            return 0;
        }
        instance.state = Room::new(len);
        instance.state.as_ref().map_or(0, Room::address)
    })
}

/// Judges the head in the input, with the state that was written if there is one, which is then gone.
#[unsafe(no_mangle)]
extern "C" fn adopt(len: usize, now: f64) -> u32 {
    INSTANCE.with(outcome::MISUSE, |instance| {
        let state = instance.state.take();
        let Instance { input, verifier, .. } = instance;
        match (input.get(..len), verifier) {
            (Some(head), Some(verifier)) => {
                verifier.adopt(head, state.as_ref().map(AsRef::as_ref), millis(now))
            }
            _ => outcome::MISUSE,
        }
    })
}

/// Verifies the key in the input. The caller's address is part of the call, so that no other call can change it.
#[unsafe(no_mangle)]
extern "C" fn verify(
    len: usize,
    requirement: u32,
    now: f64,
    done: u32,
    question: u32,
    caller_0: u32,
    caller_1: u32,
    caller_2: u32,
    caller_3: u32,
) -> u32 {
    INSTANCE.with(outcome::MISUSE, |instance| {
        let Instance { input, verifier, .. } = instance;
        let (Some(key), Some(verifier)) = (input.get(..len), verifier) else {
            return outcome::MISUSE;
        };
        let done = Done {
            caller: match done & CALLER {
                CALLER_4 => Some(IpAddr::V4(Ipv4Addr::from_bits(caller_0))),
                CALLER_6 => Some(IpAddr::from(address(&[caller_0, caller_1, caller_2, caller_3]))),
                _ => None,
            },
            refresh: if done & REFRESH_FAILED == 0 { Refresh::NotTried } else { Refresh::Failed },
            registry: match done & REGISTRY {
                REGISTRY_FAILED => Asked::Failed,
                REGISTRY_ANSWERED => Asked::Answered(question),
                _ => Asked::Not,
            },
        };
        verifier.verify(key, requirement, millis(now), done)
    })
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
    INSTANCE.with(outcome::MISUSE, |instance| {
        let Instance { input, verifier, .. } = instance;
        match (input.get(..len), verifier) {
            (Some(echo), Some(verifier)) => verifier.answer(question, echo, verdict),
            _ => outcome::MISUSE,
        }
    })
}

/// What is known of the key that was verified last, 64 bytes and its base; 0 unless its tag was right and it was judged.
#[unsafe(no_mangle)]
extern "C" fn claims() -> usize {
    INSTANCE.with(0, |instance| {
        let Some((key, seen)) = instance.verifier.as_ref().and_then(Verifier::told) else {
            return 0;
        };
        lay_out(&mut instance.claims, &key, seen);
        instance.claims.as_ptr().addr()
    })
}

/// A figure of the verifier: see ABI.md; -1 where there is none.
#[unsafe(no_mangle)]
extern "C" fn figure(which: u32) -> f64 {
    INSTANCE.with(-1.0, |instance| {
        let Some(verifier) = &instance.verifier else { return -1.0 };
        let Some(key_set) = verifier.key_set() else { return -1.0 };
        let of_list =
            |read: fn(&Head) -> u64| verifier.list().map_or(-1.0, |list| read(list.head()) as f64);
        match which {
            0 => key_set.tenant().0.into(),
            1 => key_set.audience().0.into(),
            2 => key_set.version().into(),
            3 => key_set.bounds().fresh_for_ms() as f64,
            4 => of_list(Head::sequence),
            5 => of_list(|head| head.issued_at().0),
            6 => of_list(|head| head.current_key_set().into()),
            7 => of_list(|head| head.least_key_set().into()),
            _ => -1.0,
        }
    })
}

/// The host's clock. What is no number, or below 0, is 0: a clock that is far behind, by which nothing is allowed.
const fn millis(now: f64) -> UnixMillis {
    UnixMillis(now as u64)
}

fn address(words: &[u32; 4]) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (slot, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *slot = word.to_be_bytes();
    }
    bytes
}

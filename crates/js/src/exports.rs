//! The raw exports.
#![expect(unsafe_code, reason = "exports are unmangled symbols over one instance's memory")]

const CLAIMS_LEN: usize = 8;
use crate::outcome;
use crate::verifier::{Done, Verifier};
use alloc::vec::Vec;
use core::net::IpAddr;
use wardkey::{Narrowing, Refresh, Registry, RegistryVerdict, UnixMillis, narrow};

const INPUT_LEN: usize = 24 * 1024;
struct Instance {
    input: [u8; INPUT_LEN],
    caller: [u8; 16],
    claims: [u8; CLAIMS_LEN],
    state: Vec<u8>,
    verifier: Option<Verifier>,
}
static mut INSTANCE: Instance = Instance {
    input: [0; INPUT_LEN],
    caller: [0; 16],
    claims: [0; CLAIMS_LEN],
    state: Vec::new(),
    verifier: None,
};
fn instance() -> &'static mut Instance {
    unsafe { &mut *(&raw mut INSTANCE) }
}
#[unsafe(no_mangle)]
extern "C" fn input() -> *mut u8 {
    instance().input.as_mut_ptr()
}
#[unsafe(no_mangle)]
extern "C" fn caller() -> *mut u8 {
    instance().caller.as_mut_ptr()
}
#[unsafe(no_mangle)]
extern "C" fn state_room(len: usize) -> *mut u8 {
    let i = instance();
    i.state.clear();
    if i.state.try_reserve_exact(len).is_err() {
        return core::ptr::null_mut();
    }
    i.state.resize(len, 0);
    i.state.as_mut_ptr()
}
#[unsafe(no_mangle)]
extern "C" fn set_keys(len: usize) -> u32 {
    let i = instance();
    let bytes = i.input.get(..len).unwrap_or_default();
    let done = match &mut i.verifier {
        Some(v) => v.renew(bytes),
        none => Verifier::new(bytes).map(|v| *none = Some(v)),
    };
    i.input.fill(0);
    done.err().unwrap_or(0)
}
#[unsafe(no_mangle)]
extern "C" fn require(len: usize, mode: u32) -> u32 {
    let i = instance();
    let Some(v) = &mut i.verifier else { return outcome::MISUSE };
    v.require(i.input.get(..len).unwrap_or_default(), mode & 1 != 0, mode & 2 != 0)
}
#[unsafe(no_mangle)]
extern "C" fn adopt(len: usize, with_state: u32, now: f64) -> u32 {
    let i = instance();
    let Some(v) = &mut i.verifier else { return outcome::MISUSE };
    let state = (with_state != 0).then_some(i.state.as_slice());
    let r = v.adopt(i.input.get(..len).unwrap_or_default(), state, UnixMillis(now as u64));
    if with_state != 0 {
        i.state = Vec::new();
    }
    r
}
#[unsafe(no_mangle)]
extern "C" fn verify(len: usize, requirement: u32, now: f64, done: u32) -> u32 {
    let i = instance();
    let Some(v) = &mut i.verifier else { return outcome::MISUSE };
    let [a, b, c, d, ..] = i.caller;
    let caller = match done >> 4 & 3 {
        1 => Some(IpAddr::from([a, b, c, d])),
        2 => Some(IpAddr::from(i.caller)),
        _ => None,
    };
    let refresh = if done & 1 == 0 { Refresh::NotTried } else { Refresh::Failed };
    let registry = match done >> 1 & 3 {
        0 => Registry::NotAsked,
        _ => Registry::Failed,
    };
    v.verify(
        i.input.get(..len).unwrap_or_default(),
        requirement,
        UnixMillis(now as u64),
        Done { caller, refresh, registry },
    )
}
#[unsafe(no_mangle)]
extern "C" fn claims() -> *const u8 {
    let i = instance();
    let Some(v) = &mut i.verifier else { return core::ptr::null() };
    let _ = v.told; let _ = &i.claims; core::ptr::null()
}
#[unsafe(no_mangle)]
extern "C" fn answer(question: usize, verdict: u32, sequence: f64) -> u32 {
    let i = instance();
    let Some(v) = &mut i.verifier else { return outcome::MISUSE };
    let _ = v.answer(
        question,
        if verdict == 0 {
            RegistryVerdict::Alive { sequence: sequence as u64 }
        } else {
            RegistryVerdict::Revoked
        },
    );
    0
}
#[unsafe(no_mangle)]
extern "C" fn narrow_key(len: usize) -> u32 {
    let i = instance();
    let text = core::str::from_utf8(i.input.get(..len).unwrap_or_default()).unwrap_or_default();
    let n =
        Narrowing { not_before: Some(wardkey::UnixSeconds(len as u32)), ..Narrowing::default() };
    match narrow(text, &n) {
        Ok(t) => {
            let b = t.secret_str().as_bytes();
            let l = b.len();
            if let Some(r) = i.input.get_mut(..l) {
                r.copy_from_slice(b);
            }
            l as u32
        }
        Err(_) => 0,
    }
}

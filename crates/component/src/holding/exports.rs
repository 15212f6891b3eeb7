//! The exports of interface `holder`, as the canonical ABI flattens them: `wit/verify/holder.wit` is their manual.
#![expect(unsafe_code, reason = "exports are unmangled symbols, and take addresses")]
// WHY: native linkers refuse the exported names, and nobody calls them there.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only a wasm host calls exports")
)]

use wardkey_module::wipe_stack;

use crate::address::Network;
use crate::alone::Alone;
use crate::handed::{Given, Outcome, Told};
use crate::holding::narrowing::{NotNarrowed, asked};
use crate::holding::page::{Page, Unproven};
use crate::incoming;

/// More than narrowing or inspecting needs.
const STACK_LEN: usize = 32 * 1024;

/// Where answers stand until the host has read them.
struct Instance {
    page: Page,
    narrowed: Outcome<Told<u8>, NotNarrowed>,
    unproven: Outcome<Unproven, NotNarrowed>,
}

static ALONE: Alone<Instance> = Alone::new(Instance {
    page: Page::new(),
    narrowed: Outcome::Err(NotNarrowed::Malformed),
    unproven: Outcome::Err(NotNarrowed::Malformed),
});

/// Works in the instance, and wipes what the host has written for the call, and what that has left on the stack.
fn with<R>(work: impl FnOnce(&mut Instance) -> R) -> R {
    let done = ALONE.with(work);
    incoming::forget();
    wipe_stack::<STACK_LEN>();
    done
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "wardkey:verify/holder@0.1.0#narrow"))]
extern "C" fn narrow(
    key_start: *const u8,
    key_len: usize,
    has_scopes: u32,
    scopes_start: *const u8,
    scopes_len: usize,
    has_expires_at: u32,
    expires_at_s: u32,
    has_not_before: u32,
    not_before_s: u32,
    has_networks: u32,
    networks_start: *const Network,
    networks_len: usize,
) -> *const Outcome<Told<u8>, NotNarrowed> {
    // SAFETY: the host handed them in; options only where it says so.
    let key = unsafe { Given::new(key_start, key_len) };
    let scopes = (has_scopes != 0).then(|| unsafe { Given::new(scopes_start, scopes_len) });
    let networks = (has_networks != 0).then(|| unsafe { Given::new(networks_start, networks_len) });
    with(|Instance { page, narrowed, .. }| {
        let asked = asked(
            scopes.as_ref().map(Given::get),
            (has_expires_at != 0).then_some(expires_at_s),
            (has_not_before != 0).then_some(not_before_s),
            networks.as_ref().map(Given::get),
        );
        let key = str::from_utf8(key.get()).map_err(|_| NotNarrowed::Malformed);
        *narrowed = key.and_then(|key| page.narrow(key, &asked?)).into();
        &raw const *narrowed
    })
}

/// The host has read the narrowed key.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "cabi_post_wardkey:verify/holder@0.1.0#narrow")
)]
extern "C" fn narrow_read(_: *const Outcome<Told<u8>, NotNarrowed>) {
    ALONE.with(|Instance { page, .. }| page.forget());
}

#[cfg_attr(target_family = "wasm", unsafe(export_name = "wardkey:verify/holder@0.1.0#inspect"))]
extern "C" fn inspect(
    key_start: *const u8,
    key_len: usize,
) -> *const Outcome<Unproven, NotNarrowed> {
    // SAFETY: the host handed both in.
    let key = unsafe { Given::new(key_start, key_len) };
    with(|Instance { page, unproven, .. }| {
        let key = str::from_utf8(key.get()).map_err(|_| NotNarrowed::Malformed);
        *unproven = key.and_then(|key| page.inspect(key)).into();
        &raw const *unproven
    })
}

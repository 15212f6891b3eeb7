//! How long heads, states and changes are, against the figures of design.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rand_core::Rng as _;
use serde_json::{Value, json};
use wardkey::State;
use wardkey_registry::{Call, RegistryError, WireBytes};
use wardkey_testkit::{ListReader, seeded_rng};

use crate::tenant::{Tenant, failed};

/// Keys that come to an end in one step.
const FLIPS: usize = 100;

/// The figures of a list in which so many keys are dead. Its state goes into a file, for others to compress.
pub(crate) fn figures(tenant: &Tenant, dead: usize, file: &Path) -> Result<Value, RegistryError> {
    let reader = ListReader::new(&tenant.book, &tenant.admin)?;
    for key_id in drawn(tenant, dead, 1) {
        tenant.revoke(key_id)?;
    }
    let head_bytes = tenant.bytes(Call::Head)?;
    let head = reader.head(&tenant.book)?;
    let digest = WireBytes::new(head.state_digest());
    let bytes = tenant.bytes(Call::State { sequence: head.sequence(), digest })?;
    let state = State::parse(&bytes).map_err(failed)?;
    let bit_count = bytes.get(5..9).and_then(|four| four.try_into().ok()).map(u32::from_be_bytes);
    let bit_count = bit_count.ok_or_else(|| failed("the state is cut short"))?;
    let memory = State::<Vec<u8>>::memory_len(bit_count);
    // Positive control: what is compressed is what was revoked.
    let made = tenant.mint()?;
    let key = made.key.as_ref().ok_or_else(|| failed("no key"))?;
    let key = wardkey::inspect(key.secret_str()).map_err(|reason| failed(reason.as_str()))?;
    let living = key.base().status_index.0;
    if state.is_dead(living)
        || (0..bit_count).filter(|bit| state.is_dead(floor_of(&bytes) + bit)).count() < dead
    {
        return Err(failed("the state is not what was revoked"));
    }
    fs::write(file, &bytes).map_err(failed)?;
    tenant.settle()?;
    let (flips, change) = one_step(tenant)?;
    Ok(json!({
        "dead": dead,
        "indexes": bit_count,
        "head_bytes": head_bytes.len(),
        "state_bytes": bytes.len(),
        "memory_bits_per_index": (memory * 8) as f64 / f64::from(bit_count),
        "flips": flips,
        "change_bytes": change,
    }))
}

/// Ends the first generations of some keys in one step, all of them at the same deadline; answers how many, and how
/// long that change is in the head.
fn one_step(tenant: &Tenant) -> Result<(usize, usize), RegistryError> {
    let wanted = FLIPS.min(tenant.keys.len() / 4);
    let mut rotated = Vec::new();
    for key_id in drawn(tenant, wanted, 2) {
        match tenant.rotate(key_id) {
            Ok(created) => rotated.push(created),
            // One of those that are dead already.
            Err(RegistryError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    // All are first seen at one moment, from which the policy's overlap of a day runs.
    for created in &rotated {
        tenant.check(created)?;
    }
    tenant.settle()?;
    tenant.book.pass(24 * 3_600_000);
    let head = tenant.bytes(Call::Head)?;
    last_change(&head).ok_or_else(|| failed("the head has no change"))
}

/// Some keys by chance: at even distances they would compress to nothing.
fn drawn(tenant: &Tenant, wanted: usize, seed: u64) -> Vec<&str> {
    let mut rng = seeded_rng(seed);
    let mut places = BTreeSet::new();
    while places.len() < wanted {
        places.insert(rng.next_u64() as usize % tenant.keys.len());
    }
    places.iter().filter_map(|place| tenant.keys.get(*place)).map(String::as_str).collect()
}

/// Flips and bytes of the last change of a head.
fn last_change(head: &[u8]) -> Option<(usize, usize)> {
    const AUDIENCES_AT: usize = 63;
    let mut at = AUDIENCES_AT;
    let audiences = usize::from(*head.get(at)?);
    at += 1 + 13 * audiences;
    let dead = u16::from_be_bytes(head.get(at..at + 2)?.try_into().ok()?);
    at += 2 + 2 * usize::from(dead);
    let changes = u16::from_be_bytes(head.get(at..at + 2)?.try_into().ok()?);
    at += 2 + 8;
    let mut last = None;
    for _ in 0..changes {
        let start = at;
        grouped(head, &mut at)?;
        grouped(head, &mut at)?;
        let flips = grouped(head, &mut at)?;
        for _ in 0..flips {
            grouped(head, &mut at)?;
        }
        last = Some((flips, at - start));
    }
    // Behind the changes are the tags and nothing else.
    (at + 16 * audiences == head.len()).then_some(last)?
}

/// A number in groups of 7 bits.
fn grouped(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut value = 0;
    loop {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value = value << 7 | usize::from(byte & 0x7f);
        if byte < 0x80 {
            return Some(value);
        }
    }
}

fn floor_of(state: &[u8]) -> u32 {
    state.get(1..5).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

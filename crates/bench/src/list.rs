//! The revocation list's state, from ten thousand indexes to ten million.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use wardkey::{Adoption, List, State, UnixMillis, UnverifiedHead};
use wardkey_provision::{Change, ChangeLog};

use crate::issuer::{FLOOR, Issuer, ListParts, NOW, Verifier};
use crate::rounds::{Chance, Found, Row, Timer, repeated};

/// Sizes with their names.
pub(crate) const SIZES: [(&str, u32); 4] =
    [("10k", 10_000), ("100k", 100_000), ("1m", 1_000_000), ("10m", 10_000_000)];

/// Build, change and look-up.
pub(crate) fn rows() -> Result<Vec<Row>> {
    let issuer = Issuer::new(2)?;
    let mut rows = Vec::new();
    for (name, bit_count) in SIZES {
        let parts = issuer.list(bit_count)?;
        let row = |id: String, what: &str, time: Timer| Row {
            id,
            what: format!("{what}, {name} indexes"),
            base: None,
            peer_version: None,
            time,
        };
        let (state, bytes) = (State::parse(&parts.state)?, parts.state.clone());
        rows.push(row(
            format!("list.build_{name}_ns"),
            "state read and digested",
            repeated(move |_| State::parse(&bytes)),
        ));
        rows.push(row(
            format!("list.change_{name}_ns"),
            "head with 100 flips read, authenticated, followed",
            changes(&issuer, parts)?,
        ));
        rows.push(row(
            format!("list.lookup_{name}_ns"),
            "look-up, each waiting for the one before",
            look_ups(state, bit_count),
        ));
    }
    Ok(rows)
}

/// Bits of memory for an index: counted, not timed.
pub(crate) fn memory() -> Vec<Found> {
    SIZES
        .map(|(name, bit_count)| {
            let bytes = State::<Vec<u8>>::memory_len(bit_count) as f64;
            let bits = 8.0 * bytes / f64::from(bit_count);
            Found {
                id: format!("list.bits_per_index_{name}"),
                what: format!("memory of a state, digests included, {name} indexes"),
                ratio: None,
                median: bits,
                minimum: bits,
                unit: "bits",
                base: None,
                peer_version: None,
            }
        })
        .into()
}

/// Look-ups at random; the next place hangs on the last answer, so that none hides behind another.
fn look_ups(state: State<Vec<u8>>, bit_count: u32) -> Timer {
    let mut chance = Chance(11);
    let places: Vec<u32> = (0..1 << 16).map(|_| FLOOR + chance.below(bit_count - 1)).collect();
    let mut last = false;
    repeated(move |number| {
        let place = places.get(number & 0xffff).copied().unwrap_or_default();
        last = state.is_dead(place + u32::from(last));
        last
    })
}

/// Heads one after the other, each of which turns over the same hundred bits.
fn changes(issuer: &Issuer, parts: ListParts) -> Result<Timer> {
    let bit_count = u32::try_from(8 * (parts.state.len() - STATE_HEAD_LEN))?;
    let flips: Vec<u32> = (0..100).map(|n| n * (bit_count / 100) + 7).collect();
    let mut other = parts.state.clone();
    for flip in &flips {
        if let Some(byte) = other.get_mut(STATE_HEAD_LEN + *flip as usize / 8) {
            *byte ^= 1 << (flip % 8);
        }
    }
    let digests = [State::parse(&other)?.digest(), parts.head.state_digest];
    let heads: Vec<Vec<u8>> = (0..HEADS)
        .zip(digests.iter().cycle())
        .map(|(number, digest)| {
            let mut head = parts.head.clone();
            let from = head.sequence + number;
            head.sequence = from + 1;
            head.issued_at = UnixMillis(NOW.0 + 1 + number);
            head.state_digest = *digest;
            let change = Change { sequence: head.sequence, rise: 0, flips: flips.clone() };
            head.changes = ChangeLog { from, changes: vec![change] };
            Ok(head.sign(&issuer.secret)?)
        })
        .collect::<Result<_>>()?;
    ensure!(follow(issuer.verifier(Some(&parts))?, &heads).is_some(), "a head is not followed");
    let issuer = Issuer::new(2)?;
    Ok(Box::new(move |count| {
        let (mut left, mut spent) = (count, Duration::ZERO);
        while left > 0 {
            // A list never steps back: it is set up anew, outside the time that counts.
            let Ok(verifier) = issuer.verifier(Some(&parts)) else { break };
            let taken = left.min(HEADS);
            let heads = heads.get(..taken as usize).unwrap_or_default();
            spent += follow(verifier, heads).unwrap_or(Duration::MAX / 2);
            left -= taken;
        }
        spent
    }))
}

/// How long it takes to go on from head to head; `None` where one is not adopted.
fn follow(verifier: Verifier, heads: &[Vec<u8>]) -> Option<Duration> {
    let Verifier { key_set, mut list, .. } = verifier;
    let now = UnixMillis(NOW.0 + HEADS);
    let start = Instant::now();
    for head in heads {
        let head = UnverifiedHead::parse(head).ok()?.authenticate(&key_set).ok()?;
        let adoption = List::adopt(&mut list, &head, None, now, key_set.bounds());
        if adoption != Ok(Adoption::Adopted) {
            return None;
        }
    }
    Some(start.elapsed())
}

/// Heads before the list is set up anew.
const HEADS: u64 = 64;
/// Bytes of a state before its bits.
const STATE_HEAD_LEN: usize = 9;

//! Experiments of the security review.

use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use wardkey::{
    Adoption, AuthenticHead, Bounds, List, ListError, State, StateMemory, UnverifiedHead,
    chunk_digest, state_digest,
};
use wardkey_provision::{Change, ChangeLog, HeadBody, state_bytes};

use crate::tenant::{NOW, Tenant};

const CHUNK: u32 = 32_768;

fn head_of(sequence: u64, digest: [u8; 32], changes: ChangeLog) -> Vec<u8> {
    let tenant = Tenant::new();
    HeadBody { sequence, state_digest: digest, changes, ..tenant.head }
        .sign(&tenant.secret)
        .expect("a head")
}

fn read(bytes: &[u8]) -> AuthenticHead<'_> {
    let verifier = Tenant::new().verifier();
    UnverifiedHead::parse(bytes)
        .expect("a head")
        .authenticate(&verifier.key_set)
        .expect("authentic")
}

fn adopt<M: StateMemory>(
    list: &mut Option<List<M>>,
    head: &[u8],
    state: Option<State<M>>,
) -> Result<Adoption, ListError> {
    List::adopt(list, &read(head), state, NOW, &Bounds::DEFAULT)
}

fn list(sequence: u64, bytes: &[u8]) -> Option<List<Vec<u8>>> {
    let state = State::parse(bytes).expect("a state");
    let head = head_of(sequence, state.digest(), ChangeLog::default());
    let mut list = None;
    assert_eq!(adopt(&mut list, &head, Some(state)), Ok(Adoption::Adopted));
    list
}

/// FORMAT.md 4.3: "A change cannot be applied where … the bit count would pass 2³² − 1."
#[test]
fn a_change_that_passes_the_last_bit_count_cannot_be_applied_even_if_a_later_one_rises() {
    let mut list = list(10, &state_bytes(0, 0, &[]));
    let changes = vec![
        Change { sequence: 11, rise: 0, flips: vec![u32::MAX] },
        Change { sequence: 12, rise: 131_071, flips: vec![] },
    ];
    let mut bits = vec![0; 4096];
    bits[4095] = 0x80;
    let digest = state_digest(131_071 * CHUNK, CHUNK, [chunk_digest(&bits)]);
    let head = head_of(12, digest, ChangeLog { from: 10, changes });
    assert_eq!(adopt(&mut list, &head, None), Ok(Adoption::StateNeeded));
}

/// Every advance one behind the other on the same memory: what is kept of chunks stays right.
#[test]
fn two_thousand_advances_on_one_memory() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut floor = 800_u32;
    let mut dead: Vec<bool> = vec![];
    let bytes = |floor: u32, dead: &[bool]| {
        let mut bits = vec![0; dead.len().div_ceil(8)];
        for (place, _) in dead.iter().enumerate().filter(|(_, dead)| **dead) {
            bits[place / 8] |= 1 << (place % 8);
        }
        state_bytes(floor, u32::try_from(dead.len()).expect("few"), &bits)
    };
    let mut memory = vec![0xa5; 16 * State::<&mut [u8]>::memory_len(1)];
    let state = State::parse_into(&bytes(floor, &dead), memory.as_mut_slice()).expect("a state");
    let mut sequence = 1;
    let mut list = None;
    let head = head_of(sequence, state.digest(), ChangeLog::default());
    assert_eq!(adopt(&mut list, &head, Some(state)), Ok(Adoption::Adopted));
    let mut followed = 0;
    for _ in 0..2_000 {
        let mut log = ChangeLog { from: sequence, changes: vec![] };
        for _ in 0..1 + rng.next_u32() % 4 {
            sequence += 1 + u64::from(rng.next_u32() % 3);
            let rise = if rng.next_u32() % 5 == 0 { rng.next_u32() % 4 } else { 0 };
            floor += rise * CHUNK;
            dead.drain(..dead.len().min((rise * CHUNK) as usize));
            let mut flips: Vec<u32> = vec![];
            for _ in 0..rng.next_u32() % 4 {
                let len = dead.len() as u32;
                let place = match rng.next_u32() % 8 {
                    0 => (len + rng.next_u32() % (2 * CHUNK)).min(14 * CHUNK),
                    1 => len + rng.next_u32() % 9,
                    2 => len.saturating_sub(1),
                    3 => (len / CHUNK) * CHUNK + CHUNK - 1,
                    4 => (len / CHUNK) * CHUNK,
                    _ => rng.next_u32() % len.max(1),
                };
                flips.push(place.min(16 * CHUNK - 1));
            }
            flips.sort_unstable();
            flips.dedup();
            for place in &flips {
                let place = *place as usize;
                if place >= dead.len() {
                    dead.resize(place + 1, false);
                }
                dead[place] = !dead[place];
            }
            log.changes.push(Change { sequence, rise, flips });
        }
        let expected = State::parse(&bytes(floor, &dead)).expect("a state");
        let head = head_of(sequence, expected.digest(), log);
        assert_eq!(adopt(&mut list, &head, None), Ok(Adoption::Adopted));
        followed += 1;
        let state = list.as_ref().expect("a list").state();
        assert_eq!(state.digest(), expected.digest());
        for _ in 0..200 {
            let place = rng.next_u32() % (dead.len() as u32 + 9);
            let is = dead.get(place as usize).copied().unwrap_or(false);
            assert_eq!(state.is_dead(floor + place), is);
        }
    }
    assert_eq!(followed, 2_000);
}

fn timed(what: &str, bit_count: u32, flips: Vec<u32>) {
    let bits = vec![0_u8; (bit_count as usize).div_ceil(8)];
    let mut list = list(10, &state_bytes(0, bit_count, &bits));
    let count = flips.len();
    let changes = vec![Change { sequence: 11, rise: 0, flips }];
    let head = head_of(11, [9; 32], ChangeLog { from: 10, changes });
    let read = read(&head);
    let start = Instant::now();
    let outcome = List::adopt(&mut list, &read, None, NOW, &Bounds::DEFAULT);
    println!(
        "{what}: {bit_count} bits, {count} flips, head of {}: {outcome:?} in {:?}",
        head.len(),
        start.elapsed()
    );
}

#[test]
#[ignore = "timings"]
fn how_long_an_honest_mass_revocation_takes() {
    let bit_count = 10_000_000_u32;
    let mut bits = vec![0_u8; (bit_count as usize).div_ceil(8)];
    let old = state_bytes(0, bit_count, &bits);
    for (what, changes) in [
        ("one of 1,950", vec![(0..1_950_u32).map(|n| n * 5_000).collect::<Vec<_>>()]),
        ("500 of one each", (0..500_u32).map(|n| vec![n * 20_000 + 1]).collect()),
    ] {
        let mut list = list(10, &old);
        for place in changes.iter().flatten() {
            bits[*place as usize / 8] ^= 1 << (place % 8);
        }
        let new = state_bytes(0, bit_count, &bits);
        let start = Instant::now();
        let state = State::parse(&new).expect("a state");
        let parse = start.elapsed();
        let changes = (11..)
            .zip(&changes)
            .map(|(sequence, flips)| Change { sequence, rise: 0, flips: flips.clone() })
            .collect::<Vec<_>>();
        let last = changes.last().expect("one").sequence;
        let head = head_of(last, state.digest(), ChangeLog { from: 10, changes });
        let read = read(&head);
        let start = Instant::now();
        let outcome = List::adopt(&mut list, &read, None, NOW, &Bounds::DEFAULT);
        println!(
            "{what}: head {}, {outcome:?} in {:?}; the whole state parsed in {parse:?}",
            head.len(),
            start.elapsed()
        );
        for place in 0..bits.len() {
            bits[place] = 0;
        }
    }
}

#[test]
#[ignore = "timings"]
fn how_long_an_advance_may_take() {
    timed("ten million, one flip", 10_000_000, vec![5]);
    timed("ten million, 3,950 in one chunk", 10_000_000, (0..3_950).collect());
    timed("ten million, 1,950 all over", 10_000_000, (0..1_950).map(|n| n * 5_000).collect());
    timed("2^28, 3,950 in one chunk", 1 << 28, (0..3_950).collect());
    timed("2^31, 3,950 in one chunk", 1 << 31, (0..3_950).collect());
    timed("few bits, one flip at the end", 8, vec![u32::MAX - 1]);
    timed("few bits, many flips and one at the end", 8, (0..3_900).chain([u32::MAX - 1]).collect());
}

/// Not a bug of `verify`, but what a host may make of its answer: a scope of level strict stands in an allow
/// that rests on a list 59 minutes old, and nobody has asked the registry.
#[test]
fn an_allow_tells_scopes_that_were_not_judged_at_their_level() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let now = NOW.plus(59 * 60_000);
    let decision = verifier.decide_after(
        Some(&tenant.list()),
        &tenant.key(),
        &verifier.low(),
        now,
        wardkey::Refresh::Failed,
        wardkey::Registry::NotAsked,
    );
    let wardkey::Decision::Allow(allow) = decision else { panic!("{decision:?}") };
    assert!(allow.scopes.contains(9), "invoice:void is strict");
    assert_eq!(allow.list.zone, wardkey::Zone::MustAsk);
}

/// What a holder of the list key can do to others of its audience with 113 bytes.
#[test]
#[ignore = "takes 541 MB"]
fn one_flip_far_away_takes_all_memory() {
    let mut list = list(10, &state_bytes(0, 8, &[0]));
    let zeros = chunk_digest(&[0; 4096]);
    let mut last = vec![0; 4096];
    last[4095] = 0x40;
    let digests = std::iter::repeat_n(zeros, 131_071).chain([chunk_digest(&last)]);
    let digest = state_digest(0, u32::MAX, digests);
    let changes = vec![Change { sequence: 11, rise: 0, flips: vec![u32::MAX - 1] }];
    let head = head_of(11, digest, ChangeLog { from: 10, changes });
    let start = Instant::now();
    assert_eq!(adopt(&mut list, &head, None), Ok(Adoption::Adopted));
    println!(
        "a head of {} bytes: {:?}, {} bytes kept",
        head.len(),
        start.elapsed(),
        State::<Vec<u8>>::memory_len(u32::MAX)
    );
}

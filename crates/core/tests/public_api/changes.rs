//! Following the head's changes: from any sequence in the log to the head's own state.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use wardkey::{Adoption, State};
use wardkey_provision::{Change, ChangeLog};

use crate::list_model::{CHUNK, Model, adopt, head, list, read};

/// Heads that one list follows.
const ADVANCES: u32 = 300;
/// Logs that are tried.
const ROUNDS: u32 = 6;

fn random_change(rng: &mut ChaCha20Rng, sequence: u64, bits: usize) -> Change {
    let mut flips: Vec<u32> = vec![];
    for _ in 0..rng.next_u32() % 4 {
        let reach = match rng.next_u32() % 8 {
            0 => bits + 3 * CHUNK as usize,
            1 => bits + 9,
            _ => bits.max(1),
        };
        flips.push(rng.next_u32() % u32::try_from(reach).expect("few"));
    }
    flips.sort_unstable();
    flips.dedup();
    let rise = if rng.next_u32().is_multiple_of(6) { rng.next_u32() % 4 } else { 0 };
    Change { sequence, rise, flips }
}

#[test]
fn a_verifier_may_start_at_any_sequence_of_the_log() {
    let mut rng = ChaCha20Rng::seed_from_u64(20_261_124);
    let mut adopted = 0;
    for _ in 0..ROUNDS {
        let mut model = Model { floor: 800, dead: vec![] };
        model.apply(&Change { sequence: 0, rise: 0, flips: (0..50).map(|n| n * 997).collect() });
        let mut models = vec![(10, model.clone())];
        let mut log = ChangeLog { from: 10, changes: vec![] };
        for step in 0..12 {
            let sequence =
                models.last().expect("one").0 + 1 + u64::from(rng.next_u32() % 300) * step;
            let change = random_change(&mut rng, sequence, model.dead.len());
            model.apply(&change);
            models.push((sequence, model.clone()));
            log.changes.push(change);
        }
        let (newest, _) = *models.last().expect("one");
        let head = head(newest, &model, log);
        for (sequence, start) in models.iter().filter(|(sequence, _)| *sequence < newest) {
            let mut list = list(*sequence, start);
            assert_eq!(adopt(&mut list, &head, None), Ok(Adoption::Adopted), "from {sequence}");
            let list = list.expect("a list");
            assert_eq!(list.head(), read(&head).head());
            for (place, dead) in model.dead.iter().enumerate() {
                let index = model.floor + u32::try_from(place).expect("few");
                assert_eq!(list.state().is_dead(index), *dead, "{index}");
            }
            assert_eq!(list.state().digest(), model.state().digest());
            adopted += 1;
        }
    }
    assert_eq!(adopted, ROUNDS * 12);
}

#[test]
fn a_change_of_nothing_but_the_sequence_is_followed() {
    let model = Model { floor: 800, dead: vec![false, true] };
    let mut list = list(10, &model);
    let empty = |sequence| Change { sequence, ..Change::default() };
    let log = ChangeLog { from: 10, changes: vec![empty(11), empty(12)] };
    assert_eq!(adopt(&mut list, &head(12, &model, log), None), Ok(Adoption::Adopted));
    // Killed and brought back between two looks.
    let twice = ChangeLog {
        from: 12,
        changes: vec![
            Change { sequence: 13, rise: 0, flips: vec![0] },
            Change { sequence: 14, rise: 0, flips: vec![0] },
        ],
    };
    assert_eq!(adopt(&mut list, &head(14, &model, twice), None), Ok(Adoption::Adopted));
}

/// Every advance one behind the other on the same memory: what is kept of chunks stays right.
#[test]
fn hundreds_of_advances_on_one_memory_keep_every_digest_right() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut model = Model { floor: 800, dead: vec![] };
    let mut memory = vec![0xa5; 16 * State::<&mut [u8]>::memory_len(1)];
    let state = State::parse_into(&model.bytes(), memory.as_mut_slice()).expect("a state");
    let (mut sequence, mut list) = (1, None);
    let first = head(sequence, &model, ChangeLog::default());
    assert_eq!(adopt(&mut list, &first, Some(state)), Ok(Adoption::Adopted));
    for _ in 0..ADVANCES {
        let mut log = ChangeLog { from: sequence, changes: vec![] };
        for _ in 0..1 + rng.next_u32() % 4 {
            sequence += 1 + u64::from(rng.next_u32() % 3);
            let rise = if rng.next_u32().is_multiple_of(5) { rng.next_u32() % 4 } else { 0 };
            let len = u32::try_from(model.dead.len()).expect("few").saturating_sub(rise * CHUNK);
            let mut flips: Vec<u32> = vec![];
            for _ in 0..rng.next_u32() % 4 {
                // Far ahead, at the end, at the edges of chunks, anywhere.
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
            let change = Change { sequence, rise, flips };
            model.apply(&change);
            log.changes.push(change);
        }
        let newer = head(sequence, &model, log);
        assert_eq!(adopt(&mut list, &newer, None), Ok(Adoption::Adopted));
        let state = list.as_ref().expect("a list").state();
        assert_eq!(state.digest(), model.state().digest());
        for _ in 0..50 {
            let place = rng.next_u32() % (u32::try_from(model.dead.len()).expect("few") + 9);
            let dead = model.dead.get(place as usize).copied().unwrap_or(false);
            assert_eq!(state.is_dead(model.floor + place), dead);
        }
    }
}

#[test]
fn a_head_tells_as_many_changes_as_fit_into_4096_bytes() {
    let mut model = Model { floor: 800, dead: vec![] };
    let mut log = ChangeLog { from: 1, changes: vec![] };
    let mut models = vec![(1, model.clone())];
    for sequence in 2..400 {
        let change =
            Change { sequence, rise: 0, flips: vec![(sequence as u32 * 7_919) % 100_000; 1] };
        model.apply(&change);
        models.push((sequence, model.clone()));
        log.changes.push(change);
    }
    // 30 flips each: about 60 bytes a change.
    for sequence in 400..500 {
        let flips = (0..30).map(|n| n * 3_000 + sequence as u32).collect();
        let change = Change { sequence, rise: 0, flips };
        model.apply(&change);
        models.push((sequence, model.clone()));
        log.changes.push(change);
    }
    let head = head(499, &model, log);
    assert!(head.len() <= 4096 && head.len() > 3_900, "{}", head.len());
    let follows = |sequence: u64| {
        let (_, start) = models.iter().find(|(made, _)| *made == sequence).expect("made");
        let mut list = list(sequence, start);
        adopt(&mut list, &head, None) == Ok(Adoption::Adopted)
    };
    assert!(follows(498) && follows(450));
    assert!(!follows(1) && !follows(399), "the oldest were dropped");
}

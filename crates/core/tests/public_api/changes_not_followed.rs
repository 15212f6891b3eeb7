//! Changes that a list cannot follow leave it as it is, and the state is asked for.

use wardkey::{Adoption, List, State, StateError, chunk_digest, state_digest};
use wardkey_provision::{Change, ChangeLog, state_bytes};

use crate::list_model::{CHUNK, Model, adopt, head, head_over, list};

#[test]
fn a_verifier_outside_the_log_needs_the_state() {
    let mut model = Model { floor: 800, dead: vec![] };
    let start = model.clone();
    let changes = vec![
        Change { sequence: 12, rise: 0, flips: vec![3] },
        Change { sequence: 15, rise: 0, flips: vec![9] },
    ];
    changes.iter().for_each(|change| model.apply(change));
    let head = head(15, &model, ChangeLog { from: 10, changes });
    for (sequence, expected) in [
        (9, Adoption::StateNeeded),
        (10, Adoption::Adopted),
        (11, Adoption::StateNeeded),
        (13, Adoption::StateNeeded),
        (14, Adoption::StateNeeded),
    ] {
        let mut list = list(sequence, &start);
        assert_eq!(adopt(&mut list, &head, None), Ok(expected), "{sequence}");
        let mut none: Option<List<Vec<u8>>> = None;
        assert_eq!(adopt(&mut none, &head, None), Ok(Adoption::StateNeeded));
        if expected == Adoption::StateNeeded {
            assert_eq!(list.as_ref().map(|list| list.head().sequence()), Some(sequence));
            assert_eq!(adopt(&mut list, &head, Some(model.state())), Ok(Adoption::Adopted));
        }
    }
}

#[test]
fn changes_that_do_not_lead_to_the_digest_change_nothing() {
    let mut model = Model { floor: 800, dead: vec![false; 40_000] };
    model.apply(&Change { sequence: 0, rise: 0, flips: vec![1, 8, 32_767, 32_768, 39_999] });
    let start = model.clone();
    let change = Change { sequence: 20, rise: 0, flips: vec![8, 35_000] };
    model.apply(&change);
    let wrong = [
        Change { flips: vec![8], ..change.clone() },
        Change { flips: vec![8, 35_001], ..change.clone() },
        Change { flips: vec![], ..change.clone() },
        Change { flips: vec![8, 35_000, 70_000], ..change.clone() },
        Change { rise: 1, ..change.clone() },
        Change { rise: 9, ..change.clone() },
        Change { rise: 131_070, ..change.clone() },
        Change { flips: vec![8, u32::MAX], ..change.clone() },
        Change { rise: 131_071, flips: vec![u32::MAX], ..change.clone() },
    ];
    for wrong in wrong {
        let mut list = list(10, &start);
        let forged = head(20, &model, ChangeLog { from: 10, changes: vec![wrong.clone()] });
        assert_eq!(adopt(&mut list, &forged, None), Ok(Adoption::StateNeeded), "{wrong:?}");
        let kept = list.as_ref().expect("a list");
        assert_eq!(kept.head().sequence(), 10);
        assert_eq!(kept.state().digest(), start.state().digest());
        for (place, dead) in start.dead.iter().enumerate() {
            assert_eq!(kept.state().is_dead(800 + u32::try_from(place).expect("few")), *dead);
        }
        // The old head stays in force until the state has come, and right changes still apply.
        let right = head(20, &model, ChangeLog { from: 10, changes: vec![change.clone()] });
        assert_eq!(adopt(&mut list, &right, None), Ok(Adoption::Adopted));
    }
}

#[test]
fn a_state_grows_no_further_than_its_memory_and_then_asks_for_the_state() {
    let start = Model { floor: 800, dead: vec![true; 9] };
    let mut model = start.clone();
    let change = Change { sequence: 20, rise: 0, flips: vec![CHUNK] };
    model.apply(&change);
    let head = head(20, &model, ChangeLog { from: 10, changes: vec![change] });
    for (chunks, expected) in [(1, Adoption::StateNeeded), (2, Adoption::Adopted)] {
        let mut memory = vec![0xff; chunks * State::<&mut [u8]>::memory_len(1)];
        let first = {
            let state = State::parse_into(&start.bytes(), memory.as_mut_slice()).expect("a state");
            let head = crate::list_model::head(10, &start, ChangeLog::default());
            let mut list = None;
            assert_eq!(adopt(&mut list, &head, Some(state)), Ok(Adoption::Adopted));
            list
        };
        let mut list = first;
        assert_eq!(adopt(&mut list, &head, None), Ok(expected));
        let list = list.expect("a list");
        assert_eq!(list.state().is_dead(800 + CHUNK), expected == Adoption::Adopted);
        assert!(
            !list.state().is_dead(800 + CHUNK - 1),
            "memory that held anything holds zeros now"
        );
    }
    let bytes = start.bytes();
    assert_eq!(State::parse_into(&bytes, [0; 4127].as_mut_slice()).err(), Some(StateError::Memory));
    assert!(State::parse_into(&bytes, [0; 4128].as_mut_slice()).is_ok());
    assert!(State::parse_into(&state_bytes(5, 0, &[]), [].as_mut_slice()).is_ok());
    assert_eq!(State::<Vec<u8>>::memory_len(0), 0);
    assert_eq!(State::<Vec<u8>>::memory_len(CHUNK), 4128);
    assert_eq!(State::<Vec<u8>>::memory_len(CHUNK + 1), 2 * 4128);
}

/// FORMAT.md 4.3: "A change cannot be applied where … the bit count would pass 2³² − 1."
#[test]
fn a_change_that_passes_the_last_bit_count_cannot_be_applied_even_if_a_later_one_rises() {
    let mut list = list(10, &Model::default());
    let changes = vec![
        Change { sequence: 11, rise: 0, flips: vec![u32::MAX] },
        Change { sequence: 12, rise: 131_071, flips: vec![] },
    ];
    let mut bits = vec![0; 4096];
    bits[4095] = 0x80;
    let digest = state_digest(131_071 * CHUNK, CHUNK, [chunk_digest(&bits)]);
    let head = head_over(12, digest, ChangeLog { from: 10, changes });
    assert_eq!(adopt(&mut list, &head, None), Ok(Adoption::StateNeeded));
}

/// A hundred bytes from a holder of the list key must not cost the others half a gigabyte.
#[test]
fn a_flip_further_away_than_256_chunks_asks_for_the_state() {
    let start = Model { floor: 0, dead: vec![false; 8] };
    let zeros = chunk_digest(&[0; 4096]);
    for (chunk, expected) in [(256, Adoption::Adopted), (257, Adoption::StateNeeded)] {
        let place = chunk * CHUNK + 7;
        let digests = std::iter::repeat_n(zeros, chunk as usize).chain([chunk_digest(&[0x80])]);
        let digest = state_digest(0, place + 1, digests);
        let changes = vec![Change { sequence: 11, rise: 0, flips: vec![place] }];
        let newer = head_over(11, digest, ChangeLog { from: 10, changes });
        assert_eq!(adopt(&mut list(10, &start), &newer, None), Ok(expected), "{chunk}");
    }
}

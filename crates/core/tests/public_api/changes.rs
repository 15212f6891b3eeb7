//! The head's changes: from any sequence in the log to the head's own state, or not at all.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use wardkey::{
    Adoption, AuthenticHead, Bounds, HeadError, List, ListError, State, StateError, StateMemory,
    UnverifiedHead, chunk_digest, state_digest,
};
use wardkey_provision::{Change, ChangeLog, state_bytes};

use crate::tenant::{AUDIENCE, NOW, Tenant};

/// Heads that one list follows.
const ADVANCES: u32 = 300;
/// Logs that are tried.
const ROUNDS: u32 = 6;
/// Indexes of a chunk.
const CHUNK: u32 = 32_768;

/// A list as a stranger would keep it: one byte an index.
#[derive(Clone, Default)]
struct Model {
    floor: u32,
    dead: Vec<bool>,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        let dropped = (change.rise as usize * CHUNK as usize).min(self.dead.len());
        self.dead.drain(..dropped);
        self.floor += change.rise * CHUNK;
        for place in &change.flips {
            let place = *place as usize;
            if place >= self.dead.len() {
                self.dead.resize(place + 1, false);
            }
            self.dead[place] = !self.dead[place];
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bits = vec![0; self.dead.len().div_ceil(8)];
        for (place, _) in self.dead.iter().enumerate().filter(|(_, dead)| **dead) {
            bits[place / 8] |= 1 << (place % 8);
        }
        state_bytes(self.floor, u32::try_from(self.dead.len()).expect("few"), &bits)
    }

    fn state(&self) -> State<Vec<u8>> {
        State::parse(&self.bytes()).expect("a state")
    }
}

/// A head of this sequence over this state.
fn head(sequence: u64, model: &Model, changes: ChangeLog) -> Vec<u8> {
    head_over(sequence, model.state().digest(), changes)
}

/// A head of this sequence over the state of this digest.
fn head_over(sequence: u64, digest: [u8; 32], changes: ChangeLog) -> Vec<u8> {
    let tenant = Tenant::new();
    let body =
        wardkey_provision::HeadBody { sequence, state_digest: digest, changes, ..tenant.head };
    body.sign(&tenant.secret).expect("a head")
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

/// A list in force, of this sequence.
fn list(sequence: u64, model: &Model) -> Option<List<Vec<u8>>> {
    let mut list = None;
    let head = head(sequence, model, ChangeLog::default());
    assert_eq!(adopt(&mut list, &head, Some(model.state())), Ok(Adoption::Adopted));
    list
}

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
            let head = crate::changes::head(10, &start, ChangeLog::default());
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

/// The body of a head with this log, and its tag.
fn with_log(log: &[u8]) -> Vec<u8> {
    let tenant = Tenant::new();
    let mut bytes = tenant.head_bytes();
    // Count of changes, then the tag.
    let body_len = bytes.len() - 2 - 16;
    bytes.truncate(body_len);
    bytes.extend(log);
    let tag = tenant.secret.list_key(AUDIENCE).tag(&bytes);
    bytes.extend(tag.secret_bytes());
    bytes
}

#[test]
fn a_log_in_another_spelling_is_refused_though_the_tag_is_right() {
    // The usual head's sequence is 5.
    let log = |count: u16, from: u64, rest: &[u8]| {
        [&count.to_be_bytes()[..], &from.to_be_bytes(), rest].concat()
    };
    for good in [
        vec![0, 0],
        log(1, 4, &[1, 0, 0]),
        log(1, 0, &[5, 0, 0]),
        log(2, 2, &[1, 0, 2, 7, 1, 2, 3, 0]),
        log(1, 4, &[1, 0x87, 0xff, 0x7f, 0]),
        log(1, 4, &[1, 0, 1, 0x8f, 0xff, 0xff, 0xff, 0x7f]),
    ] {
        assert!(UnverifiedHead::parse(&with_log(&good)).is_ok(), "{good:?}");
    }
    for (case, bad) in [
        ("step 0", log(1, 5, &[0, 0, 0])),
        ("not the head's sequence", log(1, 3, &[1, 0, 0])),
        ("beyond the head's sequence", log(1, 4, &[2, 0, 0])),
        ("a sequence beyond u64", log(2, u64::MAX, &[6, 0, 0, 1, 0, 0])),
        ("a long spelling of the step", log(1, 4, &[0x80, 1, 0, 0])),
        ("a place twice", log(1, 4, &[1, 0, 2, 7, 0])),
        ("a place beyond u32", log(1, 4, &[1, 0, 1, 0x90, 0x80, 0x80, 0x80, 0])),
        ("places that pass u32", log(1, 4, &[1, 0, 2, 0x8f, 0xff, 0xff, 0xff, 0x7f, 1])),
        ("a rise beyond u32", log(1, 4, &[1, 0x88, 0x80, 0, 0])),
        ("rises that pass u32", log(2, 3, &[1, 0x87, 0xff, 0x7f, 0, 1, 1, 0])),
        (
            "a rise beyond everything",
            log(1, 4, &[1, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]),
        ),
    ] {
        assert_eq!(
            UnverifiedHead::parse(&with_log(&bad)).err(),
            Some(HeadError::Changes),
            "{case}"
        );
    }
    let behind = [log(1, 4, &[1, 0, 0]), vec![0]].concat();
    for (case, bad) in [("a byte behind", behind), ("a byte behind nothing", vec![0, 0, 0])] {
        assert_eq!(UnverifiedHead::parse(&with_log(&bad)).err(), Some(HeadError::Length), "{case}");
    }
    // A head that ends within the log, without even a tag.
    let whole = with_log(&log(1, 4, &[1, 0, 1, 0x81, 0x80, 0]));
    let log_start = whole.len() - 16 - 16;
    for len in log_start..whole.len() {
        assert_eq!(UnverifiedHead::parse(&whole[..len]).err(), Some(HeadError::Length), "{len}");
    }
    // What the log promises is looked for in the tag's bytes, and not found beyond them.
    let endless = log(1, 4, &[1, 0, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(UnverifiedHead::parse(&with_log(&endless)).is_err());
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

//! Section 4.3: changes that cannot be applied, of too many new chunks or past the last index, and the last that can.

use super::{Lists, alone, told};
use crate::head_bytes::{Change, Head, T0, change, head};
use crate::state::State;

impl Lists {
    /// One flip far away would have a small head make every verifier digest half a gigabyte.
    pub(super) fn chunks_that_are_added(&mut self) {
        const CHUNK: u64 = 32_768;
        let comes = |old: &State, changes: Vec<Change>, new: &State, applied: bool| {
            let before = Head { sequence: 10, ..head() }.of(old);
            let newer = head().at(T0 + 1).of(new).with_changes(10, changes);
            let force = Some((&before, old));
            if applied {
                told(force, &[alone(&newer)], &["adopted"], Some((&newer, new)))
            } else {
                told(force, &[alone(&newer)], &["state_needed"], force)
            }
        };
        for (name, old, last) in [
            ("one chunk", State::with_dead(800, 10, &[1]), 257 * CHUNK - 1),
            ("no chunk", State::with_dead(800, 0, &[]), 256 * CHUNK - 1),
            ("two chunks", State::with_dead(800, 32_769, &[1]), 258 * CHUNK - 1),
        ] {
            let case = |place: u64, applied| {
                let kept = if old.bit_count == 0 { &[][..] } else { &[1] };
                let new = risen_to(800, &[kept, &[narrow(place)]].concat());
                comes(&old, vec![change(11, 0, &[place])], &new, applied)
            };
            let around = [case(last - 1, true), case(last, true), case(last + 1, false)];
            self.file.around("4.3", &format!("256 chunks more than {name}"), around);
        }
        let old = State::with_dead(800, 10, &[1]);
        let far = 257 * CHUNK;
        let risen = risen_to(800 + 32_768, &[narrow(far - CHUNK)]);
        let changes = vec![change(11, 0, &[far]), change(12, 1, &[])];
        self.add(
            "4.3",
            "257 chunks more, of which one falls away",
            comes(&old, changes, &risen, true),
        );
        let new = risen_to(800, &[1, narrow(far)]);
        let changes = vec![change(11, 0, &[far - 1]), change(12, 0, &[far - 1, far])];
        self.add("4.3", "257 chunks more in two changes", comes(&old, changes, &new, false));
    }

    pub(super) fn what_cannot_be_applied(&mut self) {
        const FLOOR: u32 = 0xffff_0000;
        let state = State::with_dead(FLOOR, 8, &[0]);
        let before = Head { sequence: 10, ..head() }.of(&state);
        let force = Some((&before, &state));
        // The head names the state that a careless implementation would come to.
        let newer =
            |changes: Vec<Change>, new: &State| head().at(T0 + 1).of(new).with_changes(10, changes);
        let good = |changes: Vec<Change>, new: &State| {
            let newer = newer(changes, new);
            told(force, &[alone(&newer)], &["adopted"], Some((&newer, new)))
        };
        let bad = |changes: Vec<Change>, new: &State| {
            told(force, &[alone(&newer(changes, new))], &["state_needed"], force)
        };
        // 65,536 indexes are left: the last place is 65,535, or 32,767 after a rise, and a second rise is one too many.
        let risen = |place: u32| State::with_dead(FLOOR + 32_768, place + 1, &[place]);
        let around = [
            good(vec![change(11, 1, &[32_766])], &risen(32_766)),
            good(vec![change(11, 1, &[32_767])], &risen(32_767)),
            bad(vec![change(11, 1, &[32_768])], &risen(32_768)),
        ];
        self.file.around("4.3", "a place at the last index", around);
        let no_bits = |floor| State::with_dead(floor, 0, &[]);
        let around = [
            good(vec![change(11, 0, &[])], &state),
            good(vec![change(11, 1, &[])], &no_bits(FLOOR + 32_768)),
            bad(vec![change(11, 2, &[])], &no_bits(u32::MAX)),
        ];
        self.file.around("4.3", "the last rise of this floor", around);
        let two_rises = || vec![change(11, 1, &[]), change(12, 1, &[])];
        for (name, changes, new) in [
            ("a floor that wraps around", vec![change(11, 2, &[])], no_bits(0)),
            (
                "a floor that wraps around to a dead bit",
                vec![change(11, 2, &[0])],
                risen_to(0, &[0]),
            ),
            (
                "a floor that stops to a dead bit",
                vec![change(11, 2, &[0])],
                risen_to(u32::MAX, &[0]),
            ),
            ("two rises, and the floor wraps around", two_rises(), no_bits(0)),
            ("two rises, and the floor stops", two_rises(), no_bits(u32::MAX)),
            (
                "the largest rise, and the floor stops",
                vec![change(11, 131_071, &[])],
                no_bits(u32::MAX),
            ),
            (
                "a place past the last index",
                vec![change(11, 0, &[65_536])],
                State::with_dead(FLOOR, 65_537, &[0, 65_536]),
            ),
            ("the last place there is", vec![change(11, 0, &[u64::from(u32::MAX)])], no_bits(0)),
            (
                "a good change before one that is not",
                vec![change(11, 0, &[3]), change(12, 0, &[65_536])],
                State::with_dead(FLOOR, 65_537, &[0, 3, 65_536]),
            ),
        ] {
            let case = bad(changes, &new);
            self.add("4.3", &format!("cannot be applied: {name}"), case);
        }
        let last = state_at_the_end();
        let before = Head { sequence: 10, ..head() }.of(&last);
        let force = Some((&before, &last));
        let none = State::with_dead(u32::MAX, 0, &[]);
        let risen = head().at(T0 + 1).of(&none).with_changes(10, vec![change(11, 1, &[])]);
        self.one(
            "4.3",
            "a floor that rises to the last index",
            force,
            alone(&risen),
            "adopted",
            Some((&risen, &none)),
        );
        let one = State::with_dead(u32::MAX, 1, &[0]);
        let risen = head().at(T0 + 1).of(&one).with_changes(10, vec![change(11, 1, &[0])]);
        self.one(
            "4.3",
            "a floor at the last index, which dies",
            force,
            alone(&risen),
            "adopted",
            Some((&risen, &one)),
        );
        let low = State::with_dead(0, 8, &[0]);
        let before = Head { sequence: 10, ..head() }.of(&low);
        let last = vec![change(11, 0, &[u64::from(u32::MAX)])];
        let all = head().at(T0 + 1).of(&no_bits(0)).with_changes(10, last);
        let force = Some((&before, &low));
        self.one(
            "4.3",
            "cannot be applied: one bit more than a bit count holds",
            force,
            alone(&all),
            "state_needed",
            force,
        );
        let good = Head { sequence: 12, ..head().at(T0 + 2) }.of(&low);
        let steps = [alone(&all), alone(&good)];
        let case = told(force, &steps, &["state_needed", "adopted"], Some((&good, &low)));
        self.add("4.5 step 6", "what cannot be applied leaves the state as it was", case);
    }
}

/// Dead bits from a floor on.
fn risen_to(floor: u32, places: &[u32]) -> State {
    State::with_dead(floor, places.iter().max().map_or(0, |last| last + 1), places)
}

/// Its floor is one chunk before the last index.
fn state_at_the_end() -> State {
    State::with_dead(u32::MAX - 32_768, 8, &[7])
}

/// A place of a change as one of a state, which are all below 2³².
fn narrow(place: u64) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

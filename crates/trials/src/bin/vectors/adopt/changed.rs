//! Step 6: the changes of a head, and what they do to a state.

use super::{Lists, Step, alone, told, with};
use crate::head_bytes::{Change, Head, T0, change, head};
use crate::state::State;

impl Lists {
    /// Lists at each place of a log of changes.
    pub(super) fn changes(&mut self) {
        let stage = "4.5 step 6";
        let states = [&[1][..], &[1, 9], &[9], &[3, 9], &[3, 9, 12]]
            .map(|dead| State::with_dead(800, 16, dead));
        let log = vec![
            change(20, 0, &[9]),
            change(30, 0, &[1]),
            change(31, 0, &[3]),
            change(50, 0, &[12]),
        ];
        let [first, second, third, fourth, last] = &states;
        let newest = head().at(T0 + 9).of(last).with_changes(10, log);
        let made = |sequence, state: &State| Head { sequence, ..head() }.of(state);
        for (sequence, state) in [(10, first), (20, second), (30, third), (31, fourth)] {
            let head = made(sequence, state);
            let (force, after) = (Some((&head, state)), Some((&newest, last)));
            self.one(
                stage,
                &format!("from sequence {sequence} on"),
                force,
                alone(&newest),
                "adopted",
                after,
            );
        }
        let same = made(50, last);
        self.one(
            "4.5 step 5",
            "from the head's own sequence on",
            Some((&same, last)),
            alone(&newest),
            "adopted",
            Some((&newest, last)),
        );
        let case = |sequence, state| {
            let head = made(sequence, state);
            let force = Some((&head, state));
            if sequence == 10 {
                told(force, &[alone(&newest)], &["adopted"], Some((&newest, last)))
            } else {
                told(force, &[alone(&newest)], &["state_needed"], force)
            }
        };
        let around = [case(9, first), case(10, first), case(11, first)];
        self.file.around(stage, "the sequence that the changes are from", around);
        let case = |sequence, state| {
            let head = made(sequence, state);
            let force = Some((&head, state));
            if sequence == 30 {
                told(force, &[alone(&newest)], &["adopted"], Some((&newest, last)))
            } else {
                told(force, &[alone(&newest)], &["state_needed"], force)
            }
        };
        let around = [case(29, third), case(30, third), case(32, third)];
        self.file.around(stage, "the sequence of a change in the middle", around);
        for sequence in [0, 19, 21, 49] {
            let head = made(sequence, first);
            let force = Some((&head, first));
            self.one(
                "4.5 step 7",
                &format!("sequence {sequence} is not in the log"),
                force,
                alone(&newest),
                "state_needed",
                force,
            );
            self.one(
                "4.5 step 8",
                &format!("sequence {sequence} is not in the log, but the state is there"),
                force,
                with(&newest, last),
                "adopted",
                Some((&newest, last)),
            );
        }
        for sequence in [51, u64::MAX] {
            let head = made(sequence, first);
            let force = Some((&head, first));
            self.one(
                "4.5 step 4",
                &format!("sequence {sequence} is past the log"),
                force,
                alone(&newest),
                "older",
                force,
            );
        }
        let before = made(10, first);
        let middle = head()
            .at(T0 + 1)
            .of(third)
            .with_changes(10, vec![change(20, 0, &[9]), change(30, 0, &[1])]);
        let steps = [alone(&middle), alone(&newest), alone(&newest)];
        let case = told(
            Some((&before, first)),
            &steps,
            &["adopted", "adopted", "in_force"],
            Some((&newest, last)),
        );
        self.add(stage, "two logs that overlap, one after the other", case);
        let unreadable = Step { state: Some(vec![0]), ..alone(&newest) };
        self.one(
            stage,
            "a state that cannot be read, and changes that serve",
            Some((&before, first)),
            unreadable,
            "adopted",
            Some((&newest, last)),
        );
        let other = with(&newest, third);
        self.one(
            stage,
            "another state, and changes that serve",
            Some((&before, first)),
            other,
            "adopted",
            Some((&newest, last)),
        );
    }

    pub(super) fn wrong_changes(&mut self) {
        let (old, new) = (State::with_dead(800, 16, &[1]), State::with_dead(800, 16, &[1, 9]));
        let before = Head { sequence: 10, ..head() }.of(&old);
        let force = Some((&before, &old));
        let newer = |changes: Vec<Change>| head().at(T0 + 1).of(&new).with_changes(10, changes);
        let right = newer(vec![change(11, 0, &[9])]);
        for (name, wrong) in [
            ("of another bit", newer(vec![change(11, 0, &[8])])),
            ("of no bit", newer(vec![change(11, 0, &[])])),
            ("of one bit too many", newer(vec![change(11, 0, &[9, 10])])),
            ("that lengthen the state", newer(vec![change(11, 0, &[9, 16])])),
            ("that raise the floor", newer(vec![change(11, 1, &[9])])),
            ("twice, which leaves nothing", newer(vec![change(11, 0, &[9]), change(12, 0, &[9])])),
        ] {
            self.one(
                "4.5 step 7",
                &format!("changes {name}"),
                force,
                alone(&wrong),
                "state_needed",
                force,
            );
            self.one(
                "4.5 step 8",
                &format!("changes {name}, but the state is there"),
                force,
                with(&wrong, &new),
                "adopted",
                Some((&wrong, &new)),
            );
            self.one(
                "4.5 step 8",
                &format!("changes {name}, and another state"),
                force,
                with(&wrong, &old),
                "other_state",
                force,
            );
        }
        let wrong = newer(vec![change(11, 1, &[8, 40_000])]);
        let steps = [alone(&wrong), alone(&right)];
        let right_later = right.clone();
        let case = told(force, &steps, &["state_needed", "adopted"], Some((&right_later, &new)));
        self.add("4.5 step 6", "changes that are undone, then the right ones", case);
        // The log serves lists at its beginning, and one at its end has another state than it should.
        let same = Head { sequence: 11, ..head() }.of(&old);
        let force = Some((&same, &old));
        self.one(
            "4.5 step 7",
            "the head's own sequence, but another state",
            force,
            alone(&right),
            "state_needed",
            force,
        );
    }

    /// Changes, each a rise and places, that make one state of another.
    fn moves(&mut self, name: &str, old: &State, changes: &[(u64, &[u64])], new: &State) {
        let before = Head { sequence: 10, ..head() }.of(old);
        let changes = (11..).zip(changes).map(|(n, (rise, places))| change(n, *rise, places));
        let newer = head().at(T0 + 1).of(new).with_changes(10, changes.collect());
        let (force, after) = (Some((&before, old)), Some((&newer, new)));
        self.one("4.3", name, force, alone(&newer), "adopted", after);
    }

    pub(super) fn what_a_change_does(&mut self) {
        let dead = State::with_dead;
        let small = dead(800, 10, &[1]);
        self.moves("the first bit", &small, &[(0, &[0])], &dead(800, 10, &[0, 1]));
        self.moves("a dead bit comes alive", &small, &[(0, &[1])], &dead(800, 10, &[]));
        self.moves("bits in two bytes", &small, &[(0, &[7, 8])], &dead(800, 10, &[1, 7, 8]));
        self.moves("the last bit", &small, &[(0, &[9])], &dead(800, 10, &[1, 9]));
        self.moves("one past the last bit", &small, &[(0, &[10])], &dead(800, 11, &[1, 10]));
        self.moves("some bits past the last one", &small, &[(0, &[23])], &dead(800, 24, &[1, 23]));
        self.moves(
            "two past the last one",
            &small,
            &[(0, &[10, 16])],
            &dead(800, 17, &[1, 10, 16]),
        );
        self.moves("a first bit", &dead(800, 0, &[]), &[(0, &[0])], &dead(800, 1, &[0]));
        self.moves(
            "back and forth, one bit longer",
            &small,
            &[(0, &[10]), (0, &[10])],
            &dead(800, 11, &[1]),
        );
        self.moves(
            "two changes of one bit, then a third",
            &small,
            &[(0, &[3]), (0, &[3]), (0, &[3])],
            &dead(800, 10, &[1, 3]),
        );
        self.moves(
            "a change of nothing between others",
            &small,
            &[(0, &[3]), (0, &[]), (0, &[4])],
            &dead(800, 10, &[1, 3, 4]),
        );
        self.moves(
            "the last bit of the first chunk",
            &small,
            &[(0, &[32_767])],
            &dead(800, 32_768, &[1, 32_767]),
        );
        self.moves(
            "the first bit of the second chunk",
            &small,
            &[(0, &[32_768])],
            &dead(800, 32_769, &[1, 32_768]),
        );
        let two = dead(800, 32_800, &[1, 32_767, 32_768, 32_790]);
        self.file.share("two chunks", two.hex());
        self.moves(
            "bits in both chunks",
            &two,
            &[(0, &[2, 32_770])],
            &dead(800, 32_800, &[1, 2, 32_767, 32_768, 32_770, 32_790]),
        );
        self.moves("the floor rises by a chunk", &two, &[(1, &[])], &dead(33_568, 32, &[0, 22]));
        self.moves(
            "the floor rises, and bits turn",
            &two,
            &[(1, &[0, 5])],
            &dead(33_568, 32, &[5, 22]),
        );
        self.moves(
            "the floor rises, and the state grows",
            &two,
            &[(1, &[40])],
            &dead(33_568, 41, &[0, 22, 40]),
        );
        self.moves("the floor rises past all bits", &two, &[(2, &[])], &dead(66_336, 0, &[]));
        self.moves(
            "the floor rises past all bits, and new ones come",
            &two,
            &[(2, &[3])],
            &dead(66_336, 4, &[3]),
        );
        self.moves(
            "a change of a chunk that falls away in the next",
            &two,
            &[(0, &[7]), (1, &[])],
            &dead(33_568, 32, &[0, 22]),
        );
        self.moves("two rises", &two, &[(1, &[1]), (1, &[0])], &dead(66_336, 1, &[0]));
        self.moves(
            "a rise before bits that lie behind it",
            &small,
            &[(1, &[9])],
            &dead(33_568, 10, &[9]),
        );
        let exact = dead(0, 32_768, &[0, 32_767]);
        self.moves("a whole chunk falls away", &exact, &[(1, &[])], &dead(32_768, 0, &[]));
        self.moves(
            "a chunk begins behind a whole one",
            &exact,
            &[(0, &[32_768])],
            &dead(0, 32_769, &[0, 32_767, 32_768]),
        );
    }

    pub(super) fn what_cannot_be_applied(&mut self) {
        const FLOOR: u32 = 0xffff_0000;
        let state = State::with_dead(FLOOR, 8, &[0]);
        let before = Head { sequence: 10, ..head() }.of(&state);
        let force = Some((&before, &state));
        let newer =
            |changes: Vec<Change>, new: &State| head().at(T0 + 1).of(new).with_changes(10, changes);
        // 65,536 indexes are left: the last place is 65,535, or 32,767 after a rise, and a second rise is one too many.
        let comes = |changes: Vec<Change>, new: Option<&State>| {
            let newer = newer(changes, new.unwrap_or(&State::with_dead(FLOOR, 8, &[])));
            match new {
                Some(new) => told(force, &[alone(&newer)], &["adopted"], Some((&newer, new))),
                None => told(force, &[alone(&newer)], &["state_needed"], force),
            }
        };
        let risen = |place: u32| State::with_dead(FLOOR + 32_768, place + 1, &[place]);
        let around = [
            comes(vec![change(11, 1, &[32_766])], Some(&risen(32_766))),
            comes(vec![change(11, 1, &[32_767])], Some(&risen(32_767))),
            comes(vec![change(11, 1, &[32_768])], None),
        ];
        self.file.around("4.3", "a place at the last index", around);
        let around = [
            comes(vec![change(11, 0, &[])], Some(&state)),
            comes(vec![change(11, 1, &[])], Some(&State::with_dead(FLOOR + 32_768, 0, &[]))),
            comes(vec![change(11, 2, &[])], None),
        ];
        self.file.around("4.3", "the last rise of this floor", around);
        let step = |changes| alone(&newer(changes, &State::with_dead(0, 0, &[])));
        for (name, changes) in [
            ("a floor that would wrap around to 0", vec![change(11, 2, &[0])]),
            (
                "two rises of which the second is too much",
                vec![change(11, 1, &[]), change(12, 1, &[])],
            ),
            ("the largest rise", vec![change(11, 131_071, &[])]),
            ("a place past the last index", vec![change(11, 0, &[65_536])]),
            ("the last place there is", vec![change(11, 0, &[u64::from(u32::MAX)])]),
            ("a good change before one that is not", vec![change(11, 0, &[3]), change(12, 2, &[])]),
        ] {
            self.one(
                "4.3",
                &format!("cannot be applied: {name}"),
                force,
                step(changes),
                "state_needed",
                force,
            );
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
        let empty = State::with_dead(0, 0, &[]);
        let before = Head { sequence: 10, ..head() }.of(&empty);
        let all = head().at(T0 + 1).with_changes(10, vec![change(11, 0, &[u64::from(u32::MAX)])]);
        let force = Some((&before, &empty));
        self.one(
            "4.3",
            "cannot be applied: one bit more than a bit count holds",
            force,
            alone(&all),
            "state_needed",
            force,
        );
        let good = Head { sequence: 12, ..head().at(T0 + 2) }.of(&empty);
        let steps = [alone(&all), alone(&good)];
        let case = told(force, &steps, &["state_needed", "adopted"], Some((&good, &empty)));
        self.add("4.5 step 6", "what cannot be applied leaves the state as it was", case);
    }
}

/// Its floor is one chunk before the last index.
fn state_at_the_end() -> State {
    State::with_dead(u32::MAX - 32_768, 8, &[7])
}

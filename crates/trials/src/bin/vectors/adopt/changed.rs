//! Step 6: changes from the list in force to the head's state, and changes that lead elsewhere.

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
}

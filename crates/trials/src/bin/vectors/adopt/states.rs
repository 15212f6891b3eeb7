//! Steps 5, 7 and 8: whether a head is of the state in force or of the one that comes with it.

use super::{Lists, Step, alone, told, with};
use crate::head_bytes::{Head, T0, change, example_state, head};
use crate::spelling::cut;
use crate::state::{State, state};

impl Lists {
    pub(super) fn first_head(&mut self) {
        let (head, state) = (head(), example_state());
        let other = State::with_dead(800, 10, &[1]);
        self.one(
            "4.5 step 7",
            "the first head, and no state",
            None,
            alone(&head),
            "state_needed",
            None,
        );
        self.one(
            "4.5 step 8",
            "the first head and its state",
            None,
            with(&head, &state),
            "adopted",
            Some((&head, &state)),
        );
        self.one(
            "4.5 step 8",
            "the first head and another state",
            None,
            with(&head, &other),
            "other_state",
            None,
        );
        let cut_state = Step { state: Some(cut(&state.bytes(), 10)), ..alone(&head) };
        self.one(
            "4.5 step 7",
            "the first head and a state that cannot be read",
            None,
            cut_state,
            "state_needed",
            None,
        );
        let spare = Step { state: Some([state.bytes(), vec![0]].concat()), ..alone(&head) };
        self.one(
            "4.5 step 7",
            "the first head and a state with a byte behind",
            None,
            spare,
            "state_needed",
            None,
        );
        let changed = Head { digest: state.digest(), ..head.clone() }
            .with_changes(T0 - 1, vec![change(T0, 0, &[9])]);
        self.one(
            "4.5 step 7",
            "the first head, with changes, and no state",
            None,
            alone(&changed),
            "state_needed",
            None,
        );
        let from_nothing =
            head.clone().of(&self::state(0, 0, &[])).with_changes(0, vec![change(1, 0, &[])]);
        self.one(
            "4.5 step 7",
            "a first head whose changes begin at sequence 0",
            None,
            alone(&from_nothing),
            "state_needed",
            None,
        );
        let tries = [alone(&head), with(&head, &other), with(&head, &state), alone(&head)];
        let outcomes = ["state_needed", "other_state", "adopted", "in_force"];
        let case = told(None, &tries, &outcomes, Some((&head, &state)));
        self.add("4.5", "asked for a state, handed another, then the right one", case);
        let stale = with(&head, &state).at(head.not_after + 1);
        self.one(
            "4.5",
            "a first head past its not-after",
            None,
            stale,
            "adopted",
            Some((&head, &state)),
        );
        let ages = with(&head, &state).at(u64::MAX);
        self.one(
            "4.5",
            "a first head at the end of time",
            None,
            ages,
            "adopted",
            Some((&head, &state)),
        );
    }

    pub(super) fn states(&mut self) {
        let (old, new) = (State::with_dead(800, 10, &[1]), example_state());
        let usual = head().of(&old);
        let force = Some((&usual, &old));
        let newer = Head { sequence: T0 + 1, ..head().at(T0 + 1) }.of(&new);
        self.one(
            "4.5 step 7",
            "a newer head of another state",
            force,
            alone(&newer),
            "state_needed",
            force,
        );
        self.one(
            "4.5 step 8",
            "a newer head and its state",
            force,
            with(&newer, &new),
            "adopted",
            Some((&newer, &new)),
        );
        self.one(
            "4.5 step 8",
            "a newer head and the state in force",
            force,
            with(&newer, &old),
            "other_state",
            force,
        );
        let unreadable = Step { state: Some(vec![]), ..alone(&newer) };
        self.one(
            "4.5 step 7",
            "a newer head and a state that cannot be read",
            force,
            unreadable,
            "state_needed",
            force,
        );
        let renewed = usual.clone().at(T0 + 1);
        let after = Some((&renewed, &old));
        self.one(
            "4.5 step 5",
            "the same state, issued anew",
            force,
            alone(&renewed),
            "adopted",
            after,
        );
        self.one(
            "4.5 step 5",
            "the same state, and another handed in",
            force,
            with(&renewed, &new),
            "adopted",
            after,
        );
        let unreadable = Step { state: Some(vec![1]), ..alone(&renewed) };
        self.one(
            "4.5 step 5",
            "the same state, and one that cannot be read",
            force,
            unreadable,
            "adopted",
            after,
        );
        let turned = Head { sequence: T0 + 2, ..renewed.clone() }
            .with_changes(T0, vec![change(T0 + 1, 0, &[9]), change(T0 + 2, 0, &[9])]);
        // Applied, the changes would leave 10 bits, and these are 10 bits already.
        self.one(
            "4.5 step 5",
            "the same state, and changes that undo themselves",
            force,
            alone(&turned),
            "adopted",
            Some((&turned, &old)),
        );
        let wrong = Head { sequence: T0 + 1, ..renewed.clone() }
            .with_changes(T0, vec![change(T0 + 1, 0, &[9])]);
        self.one(
            "4.5 step 5",
            "the same state, and changes that would leave another",
            force,
            alone(&wrong),
            "adopted",
            Some((&wrong, &old)),
        );
        let longer = State::with_dead(800, 11, &[1]);
        let more = Head { sequence: T0 + 1, ..head().at(T0 + 1) }.of(&longer);
        self.one(
            "4.5 step 7",
            "a state with one more bit of 0",
            force,
            alone(&more),
            "state_needed",
            force,
        );
        let moved = State::with_dead(801, 10, &[1]);
        let more = Head { sequence: T0 + 1, ..head().at(T0 + 1) }.of(&moved);
        self.one(
            "4.5 step 7",
            "a state with another floor",
            force,
            alone(&more),
            "state_needed",
            force,
        );
        let late = newer.clone().at(T0 + 1);
        let step = with(&late, &new).at(late.not_after + 9);
        self.one(
            "4.5 step 8",
            "a newer head past its not-after",
            force,
            step,
            "adopted",
            Some((&late, &new)),
        );
    }
}

//! `adopt.json`: adopting heads one after the other (FORMAT.md section 4.5).

use serde_json::{Value, json};

use crate::file::VectorFile;
use crate::head_bytes::{Audience, Change, HOUR, Head, T0, audience, change, example_state, head};
use crate::key_set_bytes::{KeySet, key_set, list_key};
use crate::spelling::{cut, flipped, hex, tag};
use crate::state::{State, state};

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "adopt.json",
        "Adopting heads: the word of 4.5 for each, or head: and the word of 4.4; then what is in force.",
    );
    file.share("keys", key_set().hex());
    file.share("state", example_state().hex());
    file.share("head", head().hex());
    let mut lists = Lists { file };
    lists.first_head();
    lists.clocks();
    lists.same_head();
    lists.older();
    lists.replays();
    lists.states();
    lists.changes();
    lists.wrong_changes();
    lists.what_a_change_does();
    lists.what_cannot_be_applied();
    lists.other_audiences();
    lists.heads_that_cannot_be_read();
    lists.file
}

struct Lists {
    file: VectorFile,
}

/// A head, perhaps a state, and now.
struct Step {
    head: Vec<u8>,
    state: Option<Vec<u8>>,
    now: u64,
}

/// A head that comes when it was made, alone.
fn alone(head: &Head) -> Step {
    Step { head: head.bytes(), state: None, now: head.issued_at }
}

/// The same with a state.
fn with(head: &Head, state: &State) -> Step {
    Step { state: Some(state.bytes()), ..alone(head) }
}

impl Step {
    fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }
}

/// A list in force: its head, its state.
type InForce<'s> = Option<(&'s Head, &'s State)>;

/// Steps from what is in force on, their outcomes, and what is then in force.
fn told(
    before: InForce<'_>,
    steps: &[Step],
    outcomes: &[&str],
    after: InForce<'_>,
) -> (Value, Value) {
    let list = before.map(|(head, state)| json!({ "head": head.hex(), "state": state.hex() }));
    let heads = steps.iter().map(|step| {
        let state = step.state.as_ref().map(|state| hex(state));
        json!({ "head": hex(&step.head), "state": state, "now": step.now })
    });
    let case = json!({
        "do": "adopt",
        "key_set": key_set().hex(),
        "in_force": list,
        "heads": heads.collect::<Value>(),
    });
    let expect = json!({
        "outcomes": outcomes,
        "sequence": after.map(|(head, _)| head.sequence),
        "digest": after.map(|(_, state)| hex(&state.digest())),
    });
    (expect, case)
}

impl Lists {
    fn add(&mut self, stage: &str, name: &str, (expect, case): (Value, Value)) {
        self.file.add(stage, name, expect, case);
    }

    /// One step.
    fn one(
        &mut self,
        stage: &str,
        name: &str,
        before: InForce<'_>,
        step: Step,
        outcome: &str,
        after: InForce<'_>,
    ) {
        let case = told(before, &[step], &[outcome], after);
        self.add(stage, name, case);
    }

    fn first_head(&mut self) {
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

    fn clocks(&mut self) {
        let stage = "4.5 step 2";
        let state = example_state();
        let head = head();
        let none = |now, outcome: &str| {
            let after = (outcome == "adopted").then_some((&head, &state));
            told(None, &[with(&head, &state).at(now)], &[outcome], after)
        };
        // The clock: more is later, so that below the boundary it is behind.
        let around = [
            none(T0 - 5_001, "clock_behind"),
            none(T0 - 5_000, "adopted"),
            none(T0 - 4_999, "adopted"),
        ];
        self.file.around(stage, "a clock that is max-skew behind", around);
        self.one(stage, "a clock at 0", None, with(&head, &state).at(0), "clock_behind", None);
        let last = head.clone().at(u64::MAX - 1);
        let last = Head { not_after: u64::MAX, ..last };
        let at = |now, outcome: &str| {
            let after = (outcome == "adopted").then_some((&last, &state));
            told(None, &[with(&last, &state).at(now)], &[outcome], after)
        };
        let around = [
            at(u64::MAX - 5_002, "clock_behind"),
            at(u64::MAX - 5_001, "adopted"),
            at(u64::MAX - 5_000, "adopted"),
        ];
        self.file.around(
            stage,
            "a clock that is max-skew behind the last millisecond but one",
            around,
        );
        self.one(
            stage,
            "a sum that would pass 64 bits",
            None,
            with(&last, &state).at(u64::MAX),
            "adopted",
            Some((&last, &state)),
        );
        let force = Some((&head, &state));
        self.one(
            stage,
            "the head in force, and the clock went back",
            force,
            alone(&head).at(T0 - 5_001),
            "clock_behind",
            force,
        );
        let older = Head { sequence: T0 - 1, ..head.clone() };
        self.one(
            stage,
            "an older head, and the clock went back",
            force,
            alone(&older).at(0),
            "clock_behind",
            force,
        );
        for max_skew in [0, 60_000] {
            let keys = KeySet { max_skew, ..key_set() };
            let skew = u64::from(max_skew);
            for (now, outcome) in [(T0 - skew - 1, "clock_behind"), (T0 - skew, "adopted")] {
                let after = (outcome == "adopted").then_some((&head, &state));
                let (expect, mut case) =
                    told(None, &[with(&head, &state).at(now)], &[outcome], after);
                if let Some(members) = case.as_object_mut() {
                    members.insert("key_set".into(), json!(keys.hex()));
                }
                self.add(
                    stage,
                    &format!("max-skew {max_skew}, and a clock {} ms behind", T0 - now),
                    (expect, case),
                );
            }
        }
    }

    fn same_head(&mut self) {
        let stage = "4.5 step 3";
        let state = example_state();
        let usual = head().telling(|own| (own.current, own.least, own.cut_off) = (4, 3, 7));
        let force = Some((&usual, &state));
        self.one(stage, "the very head in force", force, alone(&usual), "in_force", force);
        self.one(
            stage,
            "the very head in force, an hour later",
            force,
            alone(&usual).at(T0 + 9 * HOUR),
            "in_force",
            force,
        );
        let spoilt = Step { state: Some(vec![9]), ..alone(&usual) };
        self.one(
            stage,
            "the very head in force, and a state that cannot be read",
            force,
            spoilt,
            "in_force",
            force,
        );
        let other = State::with_dead(800, 10, &[1]);
        self.one(
            stage,
            "the very head in force, and another state",
            force,
            with(&usual, &other),
            "in_force",
            force,
        );
        for (name, same) in [
            (
                "the cut-off of the tenant, and none of the audience",
                Head { cut_off: 7, ..usual.clone() }.telling(|own| own.cut_off = 0),
            ),
            ("both cut-offs", Head { cut_off: 7, ..usual.clone() }),
            ("an earlier cut-off of the tenant", Head { cut_off: 6, ..usual.clone() }),
            (
                "other audiences",
                Head {
                    audiences: vec![
                        audience(1),
                        Audience { current: 4, least: 3, cut_off: 7, number: 2 },
                        audience(3),
                    ],
                    ..usual.clone()
                },
            ),
            ("dead signing keys of others", Head { dead: vec![(1, 1), (3, 1)], ..usual.clone() }),
            ("changes", usual.clone().with_changes(T0 - 1, vec![change(T0, 0, &[9])])),
        ] {
            self.one(
                stage,
                &format!("the head in force, told with {name}"),
                force,
                alone(&same),
                "in_force",
                force,
            );
        }
        for (name, other) in [
            ("digest", Head { digest: [7; 32], ..usual.clone() }),
            ("earlier not-after", Head { not_after: usual.not_after - 1, ..usual.clone() }),
            ("later cut-off of the tenant", Head { cut_off: 8, ..usual.clone() }),
            ("later cut-off", usual.clone().telling(|own| own.cut_off = 8)),
            ("earlier cut-off", usual.clone().telling(|own| own.cut_off = 6)),
            ("current version", usual.clone().telling(|own| own.current = 5)),
            ("least version", usual.clone().telling(|own| own.least = 4)),
            ("dead epoch", Head { dead: vec![(2, 1)], ..usual.clone() }),
        ] {
            self.one(
                "4.5 step 4",
                &format!("of the same moment with another {name}"),
                force,
                alone(&other),
                "older",
                force,
            );
        }
    }

    fn older(&mut self) {
        let stage = "4.5 step 4";
        let state = example_state();
        let usual = head();
        let force = Some((&usual, &state));
        let made = |sequence, issued_at| Head { sequence, ..head().at(issued_at) };
        let comes = |head: &Head, outcome: &str| {
            let after = if outcome == "adopted" { Some((head, &state)) } else { force };
            told(force, &[alone(head)], &[outcome], after)
        };
        let around = [
            comes(&made(T0 - 1, T0), "older"),
            comes(&made(T0, T0), "in_force"),
            comes(&made(T0 + 1, T0), "adopted"),
        ];
        self.file.around(stage, "the sequence in force", around);
        let around = [
            comes(&made(T0, T0 - 1), "older"),
            comes(&Head { not_after: T0 + 1, ..made(T0, T0) }, "older"),
            comes(&made(T0, T0 + 1), "adopted"),
        ];
        self.file.around(stage, "the issued-at in force, of the same sequence", around);
        for (name, head, outcome) in [
            ("an earlier sequence, issued later", made(T0 - 1, T0 + 1_000), "older"),
            ("a later sequence, issued earlier", made(T0 + 1, T0 - 1_000), "adopted"),
            ("a later sequence, issued at 0", made(T0 + 1, 0), "adopted"),
            ("sequence 0", made(0, T0 + 1), "older"),
            ("the last sequence", made(u64::MAX, T0), "adopted"),
        ] {
            let case = comes(&head, outcome);
            self.add(stage, name, case);
        }
    }

    fn replays(&mut self) {
        let stage = "4.5 step 4";
        let (alive, dead) = (State::with_dead(800, 10, &[1]), example_state());
        let first = Head { sequence: 5, ..head() }.of(&alive);
        let killed = Head { sequence: 6, ..head().at(T0 + 1) }.of(&dead);
        let steps =
            [with(&first, &alive), with(&killed, &dead), with(&first, &alive), alone(&killed)];
        let outcomes = ["adopted", "adopted", "older", "in_force"];
        let case = told(None, &steps, &outcomes, Some((&killed, &dead)));
        self.add(stage, "a list from before a revocation, played again", case);
        let renewed = first.clone().at(T0 + 10);
        let steps = [with(&killed, &dead), with(&renewed, &alive), alone(&first)];
        let case = told(None, &steps, &["adopted", "older", "older"], Some((&killed, &dead)));
        self.add(stage, "an earlier sequence, issued anew", case);
        let again = killed.clone().at(T0 + 2);
        let later = killed.clone().at(T0 + 3);
        let steps = [alone(&again), alone(&later), alone(&again), alone(&killed), alone(&later)];
        let outcomes = ["adopted", "adopted", "older", "older", "in_force"];
        let case = told(Some((&killed, &dead)), &steps, &outcomes, Some((&later, &dead)));
        self.add(stage, "renewals that come out of order", case);
    }

    fn states(&mut self) {
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

    /// Lists at each place of a log of changes.
    fn changes(&mut self) {
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

    fn wrong_changes(&mut self) {
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

    fn what_a_change_does(&mut self) {
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

    fn what_cannot_be_applied(&mut self) {
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

    fn other_audiences(&mut self) {
        let stage = "4.5 step 1";
        let state = example_state();
        let three = Head { audiences: vec![audience(1), audience(2), audience(3)], ..head() };
        let next = Head { sequence: T0 + 1, ..three.clone().at(T0 + 1) };
        let third = KeySet { audience: 3, list_key: list_key(3), ..key_set() };
        let stranger = KeySet { tenant: 8, ..key_set() };
        let strange = Head { tenant: 8, ..head() };
        let newer_keys = KeySet { version: 4, ..key_set() };
        for (name, keys, held, outcome) in [
            ("another audience's list", &third, &three, "other_audience"),
            ("another tenant's list", &stranger, &strange, "other_audience"),
            ("the list that an older key set proved", &newer_keys, &three, "adopted"),
        ] {
            let list = json!({ "head": held.hex(), "state": state.hex(), "key_set": keys.hex() });
            let after = if outcome == "adopted" { (&next, &state) } else { (held, &state) };
            for (when, now) in [("", next.issued_at), (", and the clock is behind", 0)] {
                let (outcome, after) = match (outcome, now) {
                    ("adopted", 0) => ("clock_behind", (held, &state)),
                    _ => (outcome, after),
                };
                let (expect, mut case) =
                    told(None, &[alone(&next).at(now)], &[outcome], Some(after));
                if let Some(members) = case.as_object_mut() {
                    members.insert("in_force".into(), list.clone());
                }
                self.add(stage, &format!("{name} is in force{when}"), (expect, case));
            }
        }
        let list = json!({ "head": three.hex(), "state": state.hex(), "key_set": third.hex() });
        let (expect, mut case) =
            told(None, &[alone(&three)], &["other_audience"], Some((&three, &state)));
        if let Some(members) = case.as_object_mut() {
            members.insert("in_force".into(), list);
        }
        self.add(stage, "the very head in force, but of another audience", (expect, case));
    }

    fn heads_that_cannot_be_read(&mut self) {
        let stage = "4.4";
        let state = example_state();
        let usual = head();
        let force = Some((&usual, &state));
        let newer = Head { sequence: T0 + 1, ..head().at(T0 + 1) };
        let bytes = newer.bytes();
        let two = Head { audiences: vec![audience(2), audience(3)], ..newer.clone() };
        let tags = |first, second| {
            [
                two.body(),
                tag(&list_key(first), &two.body()).into(),
                tag(&list_key(second), &two.body()).into(),
            ]
            .concat()
        };
        for (name, word, head) in [
            ("cut in its tag", "length", cut(&bytes, bytes.len() - 1)),
            ("cut before its tag", "length", cut(&bytes, bytes.len() - 16)),
            ("cut in its body", "length", cut(&bytes, 40)),
            ("no bytes", "length", vec![]),
            ("a byte behind", "length", [bytes.as_slice(), &[0]].concat()),
            ("of another version", "version", Head { format: 2, ..newer.clone() }.bytes()),
            (
                "good for too long",
                "not_after",
                Head { not_after: T0 + HOUR + 2, ..newer.clone() }.bytes(),
            ),
            ("out of order", "order", Head { dead: vec![(2, 2), (2, 1)], ..newer.clone() }.bytes()),
            (
                "of wrong changes",
                "changes",
                Head {
                    sequence: 1,
                    ..newer.clone().with_changes(T0, vec![change(T0 + 1, 0, &[])])
                }
                .bytes(),
            ),
            ("of another tenant", "tenant", Head { tenant: 8, ..newer.clone() }.bytes()),
            (
                "for another audience",
                "audience",
                Head { audiences: vec![audience(3)], ..newer.clone() }.bytes(),
            ),
            ("of a wrong tag", "tag", flipped(&bytes, bytes.len() - 1, 1)),
            ("of swapped tags", "tag", tags(3, 2)),
        ] {
            let step = Step { head, state: Some(state.bytes()), now: T0 + 1 };
            self.one(stage, &format!("a head {name}"), force, step, &format!("head:{word}"), force);
        }
        let good = Step { head: tags(2, 3), state: None, now: T0 + 1 };
        self.one(
            "4.5 step 5",
            "a head of tags in their order",
            force,
            good,
            "adopted",
            Some((&two, &state)),
        );
        let steps = [
            Step { head: vec![], state: Some(state.bytes()), now: T0 },
            with(&usual, &state),
            Step { head: flipped(&bytes, 60, 1), state: None, now: T0 + 1 },
            alone(&newer),
        ];
        let case = told(
            None,
            &steps,
            &["head:length", "adopted", "head:tag", "adopted"],
            Some((&newer, &state)),
        );
        self.add(stage, "heads that cannot be read between others", case);
    }
}

/// Its floor is one chunk before the last index.
fn state_at_the_end() -> State {
    State::with_dead(u32::MAX - 32_768, 8, &[7])
}

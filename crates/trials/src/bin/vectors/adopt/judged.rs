//! Steps 2 to 4: whether a head is from ahead of the clock, the one in force, or older than it.

use serde_json::json;

use super::{Lists, Step, alone, told, with};
use crate::head_bytes::{Audience, HOUR, Head, T0, audience, change, example_state, head};
use crate::key_set_bytes::{KeySet, key_set};
use crate::state::State;

impl Lists {
    pub(super) fn clocks(&mut self) {
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

    pub(super) fn same_head(&mut self) {
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

    pub(super) fn older(&mut self) {
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

    pub(super) fn replays(&mut self) {
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
}

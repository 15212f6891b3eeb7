//! Step 1, and heads that cannot be read.

use serde_json::json;

use super::{Lists, Step, alone, told, with};
use crate::head_bytes::{HOUR, Head, T0, audience, change, example_state, head};
use crate::key_set_bytes::{KeySet, key_set, list_key};
use crate::spelling::{cut, flipped, tag};

impl Lists {
    pub(super) fn other_audiences(&mut self) {
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

    pub(super) fn heads_that_cannot_be_read(&mut self) {
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

//! What changes may be made of (4.3).

use super::{Heads, bad, good, refused};
use crate::head_bytes::{Head, T0, change, head};
use crate::spelling::{cut, var, var_in};

impl Heads {
    /// What changes may be made of.
    pub(super) fn changes(&mut self) {
        let stage = "4.3";
        for (name, from, changes) in [
            ("an empty change", 4, vec![change(5, 0, &[])]),
            ("a change that only rises", 4, vec![change(5, 1, &[])]),
            ("a change of place 0", 4, vec![change(5, 0, &[0])]),
            ("a change of three places", 4, vec![change(5, 0, &[0, 1, 900])]),
            ("steps of more than 1", 4, vec![change(400, 0, &[1]), change(70_000, 0, &[2])]),
            ("the first and the last sequence", 0, vec![change(u64::MAX, 0, &[])]),
            (
                "three changes",
                1,
                vec![change(2, 1, &[7]), change(3, 0, &[]), change(9, 2, &[0, 128])],
            ),
            (
                "places of 1 to 5 bytes",
                1,
                vec![change(2, 0, &[127, 255, 16_639, 2_113_791, 270_549_247])],
            ),
        ] {
            self.reads(stage, name, &head().with_changes(from, changes));
        }
        // One change behind sequence T0 - 1, spelled by hand: count, from, then step, rise, count, places.
        let one = |bytes: &[u8]| {
            let from = (T0 - 1).to_be_bytes();
            head().with_change_bytes(&[&[0, 1], from.as_slice(), bytes].concat())
        };
        self.reads(
            stage,
            "a change spelled by hand",
            &head().with_changes(T0 - 1, vec![change(T0, 0, &[5])]),
        );
        let long = |value: u64| [&[0x80], var(value).as_slice()].concat();
        for (name, bytes) in [
            ("a step longer than the shortest", [long(1), vec![0, 0]].concat()),
            ("a rise longer than the shortest", [vec![1], long(0), vec![0]].concat()),
            ("a count longer than the shortest", [vec![1, 0], long(1), vec![5]].concat()),
            ("a place longer than the shortest", [vec![1, 0, 1], long(5)].concat()),
            ("a second place longer than the shortest", [vec![1, 0, 2, 5], long(1)].concat()),
            ("a rise beyond 64 bits", [vec![1], var_in(10, 1 << 64), vec![0]].concat()),
            ("a count beyond 64 bits", [vec![1, 0], var_in(10, 1 << 64)].concat()),
            ("a place beyond 64 bits", [vec![1, 0, 1], var_in(10, 1 << 64)].concat()),
            ("a step of 70 bits", [vec![0xff; 9], vec![0x7f, 0, 0]].concat()),
        ] {
            self.refuses(stage, name, "changes", &one(&bytes));
        }
        let steps = |step: u64| good(&head().with_changes(4, vec![change(4 + step, 0, &[])]));
        let around = [refused("changes", &one(&[0, 0, 0])), steps(1), steps(2)];
        self.file.around(stage, "a step of 1", around);
        let last = |step| good(&head().with_changes(0, vec![change(step, 0, &[])]));
        let beyond = one(&[var_in(10, 1 << 64), vec![0, 0]].concat());
        let around = [last(u64::MAX - 1), last(u64::MAX), refused("changes", &beyond)];
        self.file.around(stage, "the last step", around);
        let places =
            |places: &[u64]| good(&head().with_changes(T0 - 1, vec![change(T0, 0, places)]));
        let around = [refused("changes", &one(&[1, 0, 2, 5, 0])), places(&[5, 6]), places(&[5, 7])];
        self.file.around(stage, "a second place behind the first by 1", around);
        for (name, bytes) in [
            ("as many places as there can be numbers", [vec![1, 0], var(u64::MAX)].concat()),
            ("one place more than follows", vec![1, 0, 2, 5]),
            ("no rise", vec![1]),
            ("no count", vec![1, 0]),
        ] {
            // Without tags, so that nothing but the end follows.
            let whole = one(&bytes);
            self.refuses(stage, name, "length", &cut(&whole, whole.len() - 16));
        }
        let none = head().with_change_bytes(&[&[0, 0], T0.to_be_bytes().as_slice()].concat());
        self.refuses(stage, "a sequence before no changes", "length", &none);
    }

    pub(super) fn sequences_rises_and_places(&mut self) {
        let stage = "4.3";
        let ending = |from, last| head().with_changes(from, vec![change(last, 0, &[])]);
        let around = [
            bad("changes", &Head { sequence: 5, ..ending(3, 4) }),
            good(&Head { sequence: 5, ..ending(3, 5) }),
            bad("changes", &Head { sequence: 5, ..ending(3, 6) }),
        ];
        self.file.around(stage, "a last change of the head's own sequence", around);
        let around = [
            good(&ending(u64::MAX - 2, u64::MAX - 1)),
            good(&ending(u64::MAX - 2, u64::MAX)),
            // The step wraps around: 2 behind the last but one.
            bad("changes", &Head { sequence: 0, ..ending(u64::MAX - 1, 0) }),
        ];
        self.file.around(stage, "the last sequence", around);
        let rising = |rises: &[u64]| {
            let sequences = 1_u64..;
            head().with_changes(
                0,
                sequences.zip(rises).map(|(n, rise)| change(n, *rise, &[])).collect(),
            )
        };
        let around = [
            good(&rising(&[131_070])),
            good(&rising(&[131_071])),
            bad("changes", &rising(&[131_072])),
        ];
        self.file.around(stage, "a rise of 131,071 chunks", around);
        let around = [
            good(&rising(&[131_070, 0])),
            good(&rising(&[131_070, 1])),
            bad("changes", &rising(&[131_070, 2])),
        ];
        self.file.around(stage, "rises of 131,071 chunks together", around);
        let case = bad("changes", &rising(&[u64::MAX]));
        self.add(stage, "the largest rise", case);
        let case = bad("changes", &rising(&[1, u64::MAX]));
        self.add(stage, "rises whose sum passes 64 bits", case);
        let placed = |places: &[u64]| head().with_changes(0, vec![change(1, 0, places)]);
        const LAST: u64 = u32::MAX as u64;
        let around = [
            good(&placed(&[LAST - 1])),
            good(&placed(&[LAST])),
            bad("changes", &placed(&[LAST + 1])),
        ];
        self.file.around(stage, "the last place", around);
        let around = [
            good(&placed(&[LAST - 5, LAST - 1])),
            good(&placed(&[LAST - 5, LAST])),
            bad("changes", &placed(&[LAST - 5, LAST + 1])),
        ];
        self.file.around(stage, "the last place behind another", around);
        let case = bad("changes", &placed(&[5, 4]));
        self.add(stage, "a second place before the first, by a step of 64 bits", case);
        let both = head().with_changes(0, vec![change(1, 131_071, &[LAST])]);
        self.reads(stage, "the largest rise and the last place, each by itself", &both);
    }
}

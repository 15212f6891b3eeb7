//! Section 4.3: what a change does to a state.

use super::{Lists, alone};
use crate::head_bytes::{Head, T0, change, head};
use crate::state::State;

impl Lists {
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
        // Places and rises at each width of a `var`, and as many places as fit a head.
        for place in [127, 128, 16_383, 16_384] {
            let new = dead(800, place + 1, &[1, place]);
            self.moves(&format!("place {place}"), &small, &[(0, &[place.into()])], &new);
            let places = [5, u64::from(5 + place)];
            let new = dead(800, 6 + place, &[1, 5, 5 + place]);
            self.moves(&format!("a place {place} behind another"), &small, &[(0, &places)], &new);
        }
        for rise in [127, 128, 16_383, 16_384] {
            let new = dead(800 + rise * 32_768, 1, &[0]);
            self.moves(&format!("a rise of {rise} chunks"), &small, &[(rise.into(), &[0])], &new);
        }
        for count in [127, 128, 3_987] {
            let places: Vec<u64> = (0..count.into()).collect();
            // The one that was dead comes alive.
            let new: Vec<u32> = (0..count).filter(|place| *place != 1).collect();
            let new = dead(800, count, &new);
            self.moves(&format!("{count} places"), &small, &[(0, &places)], &new);
        }
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

    /// Changes, each a rise and places, that make one state of another.
    fn moves(&mut self, name: &str, old: &State, changes: &[(u64, &[u64])], new: &State) {
        let before = Head { sequence: 10, ..head() }.of(old);
        let changes = (11..).zip(changes).map(|(n, (rise, places))| change(n, *rise, places));
        let newer = head().at(T0 + 1).of(new).with_changes(10, changes.collect());
        let (force, after) = (Some((&before, old)), Some((&newer, new)));
        self.one("4.3", name, force, alone(&newer), "adopted", after);
    }
}

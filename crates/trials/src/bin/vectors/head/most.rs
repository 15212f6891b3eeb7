//! As many audiences, changes and places as fit a head (4.2, 4.3), and numbers at each width of a `var` (1).

use serde_json::json;

use super::{Heads, good, refused};
use crate::head_bytes::{Head, T0, audience, change, head};
use crate::key_set_bytes::{KeySet, key_set, list_key};
use crate::spelling::{cut, var, var_in};

impl Heads {
    pub(super) fn as_many_as_fit(&mut self) {
        // 29 bytes each, and 68 of all the rest. Ours comes last, so that its tag does, too.
        let own = KeySet { audience: 255, list_key: list_key(255), ..key_set() };
        let of = |count: u8| {
            let numbers = (1..count).chain([255]);
            let head = Head { audiences: numbers.map(audience).collect(), ..head() };
            head.telling_last(|own| (own.current, own.least, own.cut_off) = (9, 8, 7))
        };
        let case =
            |head: &Head| json!({ "do": "read_head", "key_set": own.hex(), "bytes": head.hex() });
        let reads = |head: Head| (head.told(255), case(&head));
        let around =
            [reads(of(137)), reads(of(138)), (json!({ "error": "length" }), case(&of(139)))];
        self.file.around("4.2 audiences", "138 audiences, ours the last", around);
        for count in [127, 128] {
            let (expect, case) = reads(of(count));
            self.file.add(
                "4.2 audiences",
                format!("{count} audiences, ours the last"),
                expect,
                case,
            );
        }

        let pairs = (1..=255).flat_map(|audience| (1..=255).map(move |epoch| (audience, epoch)));
        for count in [127, 128, 255, 256, 257] {
            let head = Head { dead: pairs.clone().take(count).collect(), ..head() };
            self.reads("4.2 dead signing keys", &format!("{count} dead signing keys"), &head);
        }

        // 105 bytes and 3 for each empty change.
        let empty =
            |count: u64| head().with_changes(0, (1..=count).map(|n| change(n, 0, &[])).collect());
        for count in [127, 128, 255, 256, 257] {
            self.reads("4.3", &format!("{count} changes"), &empty(count));
        }
        let around =
            [good(&empty(1_329)), good(&empty(1_330)), refused("length", &empty(1_331).bytes())];
        self.file.around("4.3", "1,330 changes, the most that fit", around);

        // 109 bytes and 1 for each place that is near the one before.
        let placed = |count: u64| head().with_changes(0, vec![change(1, 0, &places(count))]);
        for count in [1, 2, 127, 128] {
            self.reads("4.3", &format!("{count} places in a change"), &placed(count));
        }
        let around =
            [good(&placed(3_986)), good(&placed(3_987)), refused("length", &placed(3_988).bytes())];
        self.file.around("4.3", "3,987 places in a change, the most that fit", around);
    }

    pub(super) fn widths(&mut self) {
        let stage = "1 var";
        // Each is the last of its width, or the first of the next.
        for value in [127, 128, 16_383, 16_384] {
            for (name, from, change) in [
                ("a step", 4, change(4 + value, 0, &[5])),
                ("a rise", 4, change(5, value, &[5])),
                ("a first place", 4, change(5, 0, &[value])),
                ("a step between places", 4, change(5, 0, &[7, 7 + value])),
            ] {
                let name = format!("{name} of {value}");
                self.reads(stage, &name, &head().with_changes(from, vec![change]));
            }
        }
        for count in [127_u64, 128] {
            let changes = vec![change(1, 0, &places(count)), change(2, 0, &[5])];
            self.reads(stage, &format!("a count of {count}"), &head().with_changes(0, changes));
        }
        // No head has room for so many places.
        for count in [16_383, 16_384] {
            let whole = spelled(&[vec![1, 0], var(count), vec![1; 3_900]].concat());
            let bytes = cut(&whole, whole.len() - 16);
            self.refuses(stage, &format!("a count of {count}"), "length", &bytes);
        }
        for (value, groups) in [(0, 2), (127, 2), (16_383, 3)] {
            let long = || var_in(groups, value);
            for (name, bytes) in [
                ("a step", [long(), vec![0, 0]].concat()),
                ("a rise", [vec![1], long(), vec![0]].concat()),
                ("a count", [vec![1, 0], long(), vec![1; 200]].concat()),
                ("a first place", [vec![1, 0, 1], long()].concat()),
                ("a step between places", [vec![1, 0, 2, 7], long()].concat()),
            ] {
                let name = format!("{name} of {value} in {groups} bytes");
                self.refuses(stage, &name, "changes", &spelled(&bytes));
            }
        }
    }
}

/// So many places, one behind the other.
fn places(count: u64) -> Vec<u64> {
    (0..count).collect()
}

/// One change behind sequence T0 - 1, spelled by hand: step, rise, count, places.
fn spelled(bytes: &[u8]) -> Vec<u8> {
    head().with_change_bytes(&[&[0, 1], (T0 - 1).to_be_bytes().as_slice(), bytes].concat())
}

//! Which word is told, and when: heads that are cut, too long, or wrong in several places (4.4).

use super::{Heads, good, read, refused};
use crate::head_bytes::{Head, T0, audience, change, head};
use crate::spelling::cut;

impl Heads {
    /// Cut within and behind every row.
    pub(super) fn cuts(&mut self) {
        let stage = "4.4 step 1";
        let whole = Head { dead: vec![(2, 9)], ..head() }
            .with_changes(T0 - 5_000, vec![change(T0 - 1, 1, &[9]), change(T0, 0, &[300, 301])]);
        let bytes = whole.bytes();
        let mut len = 0;
        let names = [
            "the version",
            "the tenant",
            "the sequence",
            "the digest",
            "issued-at",
            "not-after",
            "the cut-off",
            "the count of audiences",
            "the audience",
            "the count of dead signing keys",
            "the dead signing key",
            "the count of changes",
            "the changes' from",
            "the first change",
            "the last change",
        ];
        for (name, row) in names.into_iter().zip(whole.rows()) {
            self.refuses(stage, &format!("cut before {name}"), "length", &cut(&bytes, len));
            len += row.len();
            if row.len() > 1 {
                self.refuses(stage, &format!("cut within {name}"), "length", &cut(&bytes, len - 1));
            }
        }
        self.refuses(stage, "cut before the tag", "length", &cut(&bytes, len));
        let longer = [bytes.as_slice(), &[0]].concat();
        let around =
            [refused("length", &cut(&bytes, len + 15)), good(&whole), refused("length", &longer)];
        self.file.around(stage, "16 bytes of tag", around);
        self.refuses(stage, "a second tag", "length", &[bytes.as_slice(), &[0; 16]].concat());
        let nobody = Head { audiences: vec![], ..head() };
        let bytes = [nobody.bytes(), vec![0; 16]].concat();
        self.refuses(stage, "a tag for nobody", "length", &bytes);
    }

    pub(super) fn lengths(&mut self) {
        let stage = "4.4 step 1";
        // 97 bytes and 2 for each dead signing key; 11 more for a change.
        let dead = |count: usize| {
            let pairs =
                (1..=255).flat_map(|audience| (1..=255).map(move |epoch| (audience, epoch)));
            Head { dead: pairs.take(count).collect(), ..head() }
        };
        let changed = dead(1_994).with_changes(0, vec![change(1, 0, &[])]);
        let (below, above) = (dead(1_999).bytes(), dead(2_000).bytes());
        let around =
            [(dead(1_999).told(2), read(&below)), good(&changed), refused("length", &above)];
        self.file.around(stage, "4096 bytes", around);
        self.refuses(stage, "4097 bytes of another version", "length", &[2; 4_097]);
        self.refuses(stage, "4096 bytes of another version", "version", &[2; 4_096]);
    }

    /// What is told of a head with several faults.
    pub(super) fn order_of_telling(&mut self) {
        let stage = "4.4 step 1";
        self.refuses(stage, "no bytes", "length", &[]);
        self.refuses(stage, "only another version", "version", &[2]);
        let late = Head { not_after: T0, ..head() };
        let len_to_not_after = 1 + 2 + 8 + 32 + 8 + 8;
        self.refuses(
            stage,
            "not-after is wrong, and nothing follows",
            "not_after",
            &cut(&late.bytes(), len_to_not_after),
        );
        self.refuses(
            stage,
            "not-after is wrong, and cut",
            "length",
            &cut(&late.bytes(), len_to_not_after - 1),
        );
        let disordered = Head { audiences: vec![audience(0)], ..late.clone() };
        self.refuses(stage, "not-after before order", "not_after", &disordered.bytes());
        let zero = Head { audiences: vec![audience(0)], ..head() };
        self.refuses(
            stage,
            "audience 0, and nothing follows",
            "order",
            &cut(&zero.bytes(), len_to_not_after + 6),
        );
        let twice = Head { audiences: vec![audience(2), audience(2)], ..head() };
        self.refuses(
            stage,
            "audience 2 again, and nothing follows",
            "order",
            &cut(&twice.bytes(), len_to_not_after + 5 + 13 + 1),
        );
        let dead = Head { dead: vec![(0, 1), (2, 0)], ..head() };
        let behind = len_to_not_after + 5 + 13 + 2;
        self.refuses(
            stage,
            "half a dead signing key of audience 0",
            "length",
            &cut(&dead.bytes(), behind + 1),
        );
        self.refuses(
            stage,
            "a dead signing key of audience 0, and nothing follows",
            "order",
            &cut(&dead.bytes(), behind + 2),
        );
        let audiences =
            Head { dead: vec![(0, 1)], audiences: vec![audience(2), audience(1)], ..head() };
        self.refuses(stage, "audiences before dead signing keys", "order", &audiences.bytes());
        let from = (T0 - 1).to_be_bytes();
        let changes = |count: u8, bytes: &[u8]| {
            let count = [0, count];
            let whole = head().with_change_bytes(&[&count, from.as_slice(), bytes].concat());
            cut(&whole, whole.len() - 16)
        };
        for (name, word, bytes) in [
            ("a step longer than the shortest, at its first byte", "changes", changes(1, &[0x80])),
            ("a step cut short", "length", changes(1, &[0x81])),
            ("a step of nine bytes cut short", "length", changes(1, &[0xff; 9])),
            (
                "a step beyond 64 bits, at the byte that makes it so",
                "changes",
                changes(1, &[0xff; 10]),
            ),
            ("a step of 0, and nothing follows", "changes", changes(1, &[0])),
            (
                "a rise that is too large, and nothing follows",
                "changes",
                changes(1, &[1, 0x88, 0x80, 0]),
            ),
            ("a rise that is too large, cut short", "length", changes(1, &[1, 0x88, 0x80])),
            (
                "a second place that is the first, and nothing follows",
                "changes",
                changes(1, &[1, 0, 3, 5, 0]),
            ),
            ("a place that is missing", "length", changes(1, &[1, 0, 3, 5, 1])),
            ("a second change that is missing", "length", changes(2, &[1, 0, 0])),
            ("another last sequence, and no tag follows", "changes", changes(1, &[2, 0, 0])),
            ("another sequence before the last", "length", changes(2, &[2, 0, 0])),
        ] {
            self.refuses(stage, name, word, &bytes);
        }
        let step_passes = Head { sequence: 5, ..head() }
            .with_change_bytes(&[&[0, 1], u64::MAX.to_be_bytes().as_slice(), &[1, 0, 0]].concat());
        self.refuses(stage, "a step past the last sequence", "changes", &step_passes);
    }
}

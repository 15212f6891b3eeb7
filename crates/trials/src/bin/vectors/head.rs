//! `head.json`: reading a head (FORMAT.md sections 4.2 to 4.4).

use serde_json::{Value, json};

use crate::file::VectorFile;
use crate::head_bytes::{Audience, Head, T0, audience, change, head};
use crate::key_set_bytes::{KeySet, key_set, list_key, signing_key};
use crate::spelling::{cut, flipped, hex, tag, var, var_in};

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "head.json",
        "Reading a head. The words are those of 4.4; where a head has several faults, the first row that is wrong tells.",
    );
    file.share("keys", key_set().hex());
    let mut heads = Heads { file };
    heads.examples();
    heads.numbers();
    heads.audiences();
    heads.dead_signing_keys();
    heads.changes();
    heads.sequences_rises_and_places();
    heads.cuts();
    heads.lengths();
    heads.order_of_telling();
    heads.step_2();
    heads.file
}

struct Heads {
    file: VectorFile,
}

fn read(bytes: &[u8]) -> Value {
    json!({ "do": "read_head", "key_set": key_set().hex(), "bytes": hex(bytes) })
}

fn good(head: &Head) -> (Value, Value) {
    (head.told(2), read(&head.bytes()))
}

fn bad(word: &str, head: &Head) -> (Value, Value) {
    refused(word, &head.bytes())
}

fn refused(word: &str, bytes: &[u8]) -> (Value, Value) {
    (json!({ "error": word }), read(bytes))
}

impl Heads {
    fn add(&mut self, stage: &str, name: &str, (expect, case): (Value, Value)) {
        self.file.add(stage, name, expect, case);
    }

    fn reads(&mut self, stage: &str, name: &str, head: &Head) {
        let case = good(head);
        self.add(stage, name, case);
    }

    fn refuses(&mut self, stage: &str, name: &str, word: &str, bytes: &[u8]) {
        let case = refused(word, bytes);
        self.add(stage, name, case);
    }

    fn examples(&mut self) {
        let killed = vec![change(T0, 0, &[9])];
        let example = Head { dead: vec![(2, 9)], ..head() }.with_changes(T0 - 5_000, killed);
        self.reads("7", "the worked example", &example);
        self.reads("4.2", "no changes and nothing dead", &head());
    }

    fn numbers(&mut self) {
        for format in [0, 2, 255] {
            self.refuses(
                "4.2 version",
                &format!("format version {format}"),
                "version",
                &Head { format, ..head() }.bytes(),
            );
        }
        for sequence in [0, 1, u64::MAX] {
            self.reads("4.2", &format!("sequence {sequence}"), &Head { sequence, ..head() });
        }
        for byte in [0, 255] {
            self.reads(
                "4.2",
                &format!("a digest of bytes {byte}"),
                &Head { digest: [byte; 32], ..head() },
            );
        }
        for cut_off in [1, u32::MAX] {
            self.reads("4.2", &format!("cut-off {cut_off}"), &Head { cut_off, ..head() });
        }
        let stage = "4.2 not-after";
        let lasting = |issued_at, not_after| Head { issued_at, not_after, ..head() };
        let around = [
            bad("not_after", &lasting(T0, T0 - 1)),
            bad("not_after", &lasting(T0, T0)),
            good(&lasting(T0, T0 + 1)),
        ];
        self.file.around(stage, "not-after as issued-at", around);
        let around = [
            good(&lasting(T0, T0 + 3_599_999)),
            good(&lasting(T0, T0 + 3_600_000)),
            bad("not_after", &lasting(T0, T0 + 3_600_001)),
        ];
        self.file.around(stage, "3,600,000 ms from issued-at to not-after", around);
        for (name, head) in [
            ("the first millisecond", lasting(0, 1)),
            ("the first hour", lasting(0, 3_600_000)),
            ("the last millisecond", lasting(u64::MAX - 1, u64::MAX)),
            ("the last hour", lasting(u64::MAX - 3_600_000, u64::MAX)),
        ] {
            self.reads(stage, &format!("good for {name}"), &head);
        }
        for (name, head) in [
            ("no time at all", lasting(0, 0)),
            ("no time at the end", lasting(u64::MAX, u64::MAX)),
            ("an hour that only a sum of 64 bits sees", lasting(u64::MAX, 3_599_999)),
            ("all of time", lasting(0, u64::MAX)),
            ("less than no time", lasting(u64::MAX, 0)),
        ] {
            self.refuses(stage, &format!("good for {name}"), "not_after", &head.bytes());
        }
    }

    fn audiences(&mut self) {
        let stage = "4.2 audiences";
        let of = |numbers: &[u8]| Head {
            audiences: numbers.iter().map(|number| audience(*number)).collect(),
            ..head()
        };
        for numbers in [&[1, 2][..], &[2, 3], &[1, 2, 3], &[1, 2, 255], &[2, 3, 4, 5, 6, 7, 8, 9]] {
            self.reads(stage, &format!("audiences {numbers:?}"), &of(numbers));
        }
        for numbers in
            [&[0][..], &[0, 2], &[2, 0], &[2, 2], &[3, 2], &[1, 2, 2], &[2, 3, 1], &[255, 2]]
        {
            self.refuses(stage, &format!("audiences {numbers:?}"), "order", &of(numbers).bytes());
        }
        let around = [bad("order", &of(&[2, 1])), bad("order", &of(&[2, 2])), good(&of(&[2, 3]))];
        self.file.around(stage, "a second audience that is the first", around);
        for (current, least) in [(0, 0), (3, 4), (0, u32::MAX), (u32::MAX, u32::MAX), (u32::MAX, 0)]
        {
            let head = head().telling(|own| (own.current, own.least) = (current, least));
            self.reads(stage, &format!("current {current}, least {least}"), &head);
        }
        let head = head().telling(|own| own.cut_off = u32::MAX);
        self.reads(stage, "the last cut-off of an audience", &head);
    }

    fn dead_signing_keys(&mut self) {
        let stage = "4.2 dead signing keys";
        let dead = |pairs: &[(u8, u8)]| Head { dead: pairs.to_vec(), ..head() };
        for pairs in [
            &[(1, 1)][..],
            &[(2, 1)],
            &[(2, 1), (2, 2)],
            &[(1, 255), (2, 1)],
            &[(2, 255), (3, 1)],
            &[(255, 255)],
            &[(1, 1), (2, 1), (3, 1)],
        ] {
            self.reads(stage, &format!("dead are {pairs:?}"), &dead(pairs));
        }
        for pairs in [
            &[(0, 1)][..],
            &[(1, 0)],
            &[(0, 0)],
            &[(2, 1), (2, 0)],
            &[(2, 1), (2, 1)],
            &[(2, 2), (2, 1)],
            &[(3, 1), (2, 2)],
            &[(2, 1), (3, 0)],
        ] {
            self.refuses(stage, &format!("dead are {pairs:?}"), "order", &dead(pairs).bytes());
        }
        let around = [
            bad("order", &dead(&[(2, 5), (2, 4)])),
            bad("order", &dead(&[(2, 5), (2, 5)])),
            good(&dead(&[(2, 5), (2, 6)])),
        ];
        self.file.around(stage, "a second dead signing key that is the first", around);
    }

    /// What changes may be made of.
    fn changes(&mut self) {
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
            ("a step of 0", vec![0, 0, 0]),
            ("a step longer than the shortest", [long(1), vec![0, 0]].concat()),
            ("a rise longer than the shortest", [vec![1], long(0), vec![0]].concat()),
            ("a count longer than the shortest", [vec![1, 0], long(1), vec![5]].concat()),
            ("a place longer than the shortest", [vec![1, 0, 1], long(5)].concat()),
            ("a second place that is the first", vec![1, 0, 2, 5, 0]),
            ("a second place longer than the shortest", [vec![1, 0, 2, 5], long(1)].concat()),
            ("a step beyond 64 bits", [var_in(10, 1 << 64), vec![0, 0]].concat()),
            ("a rise beyond 64 bits", [vec![1], var_in(10, 1 << 64), vec![0]].concat()),
            ("a count beyond 64 bits", [vec![1, 0], var_in(10, 1 << 64)].concat()),
            ("a place beyond 64 bits", [vec![1, 0, 1], var_in(10, 1 << 64)].concat()),
            ("a step of 70 bits", [vec![0xff; 9], vec![0x7f, 0, 0]].concat()),
        ] {
            self.refuses(stage, name, "changes", &one(&bytes));
        }
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

    fn sequences_rises_and_places(&mut self) {
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

    /// Cut within and behind every row.
    fn cuts(&mut self) {
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
        self.refuses(stage, "cut within the tag", "length", &cut(&bytes, len + 15));
        self.refuses(stage, "a byte behind the tag", "length", &[bytes.as_slice(), &[0]].concat());
        self.refuses(stage, "a second tag", "length", &[bytes.as_slice(), &[0; 16]].concat());
        let nobody = Head { audiences: vec![], ..head() };
        let bytes = [nobody.bytes(), vec![0; 16]].concat();
        self.refuses(stage, "a tag for nobody", "length", &bytes);
    }

    fn lengths(&mut self) {
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
    fn order_of_telling(&mut self) {
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

    fn step_2(&mut self) {
        let stage = "4.4 step 2";
        for tenant in [0, 6, 8, u16::MAX] {
            self.refuses(
                stage,
                &format!("of tenant {tenant}"),
                "tenant",
                &Head { tenant, ..head() }.bytes(),
            );
        }
        let of = |numbers: &[u8]| Head {
            audiences: numbers.iter().map(|number| audience(*number)).collect(),
            ..head()
        };
        for numbers in [&[][..], &[1], &[3], &[1, 3]] {
            self.refuses(
                stage,
                &format!("for audiences {numbers:?}"),
                "audience",
                &of(numbers).bytes(),
            );
        }
        let stranger = Head { tenant: 8, ..of(&[3]) };
        self.refuses(
            stage,
            "of another tenant and for another audience",
            "tenant",
            &stranger.bytes(),
        );
        let unsigned = |head: &Head, tags: &[u8]| [head.body().as_slice(), tags].concat();
        self.refuses(
            stage,
            "of another tenant, and no right tag",
            "tenant",
            &unsigned(&Head { tenant: 8, ..head() }, &[0; 16]),
        );
        self.refuses(
            stage,
            "for another audience, and no right tag",
            "audience",
            &unsigned(&of(&[3]), &[0; 16]),
        );
        let bytes = head().bytes();
        let last = bytes.len() - 1;
        for (name, at, bits) in [
            ("the tag's first bit", last - 15, 0x80),
            ("a bit in the middle of the tag", last - 7, 0x08),
            ("the tag's last bit", last, 0x01),
            ("the sequence's last bit", 10, 0x01),
            ("the digest's first bit", 11, 0x80),
            ("the cut-off's last bit", 62, 0x01),
            ("the current version's last bit", 68, 0x01),
        ] {
            self.refuses(stage, &format!("changed: {name}"), "tag", &flipped(&bytes, at, bits));
        }
        let body = head().body();
        for (name, made) in [
            ("zeros", [0; 16]),
            ("the tag of another audience's list key", tag(&list_key(3), &body)),
            ("the tag of the signing key", tag(&signing_key(1), &body)),
            ("the tag of another head", tag(&list_key(2), &Head { cut_off: 1, ..head() }.body())),
        ] {
            self.refuses(stage, &format!("under {name}"), "tag", &unsigned(&head(), &made));
        }
        let three = of(&[1, 2, 3]);
        let tags: Vec<Vec<u8>> =
            [1, 2, 3].map(|number| tag(&list_key(number), &three.body()).to_vec()).into();
        let in_order = |places: [usize; 3]| {
            let tags = places.into_iter().filter_map(|place| tags.get(place)).flatten();
            unsigned(&three, &tags.copied().collect::<Vec<_>>())
        };
        self.refuses(
            stage,
            "with two audiences' tags swapped, one of them ours",
            "tag",
            &in_order([1, 0, 2]),
        );
        self.file.add(
            stage,
            "with two other audiences' tags swapped",
            three.told(2),
            read(&in_order([2, 1, 0])),
        );
        self.refuses(stage, "with our tag for everybody", "tag", &in_order([1, 2, 1]));
        self.file.add(
            stage,
            "with our tag in our place only",
            three.told(2),
            read(&in_order([1, 1, 1])),
        );
        for number in [1, 2, 3, 255] {
            let own = KeySet { audience: number, list_key: list_key(number), ..key_set() };
            let other = Audience { current: 9, least: 8, cut_off: 7, ..audience(number) };
            let mut head = of(&[1, 2, 3, 255]);
            head.audiences
                .iter_mut()
                .filter(|one| one.number == number)
                .for_each(|one| *one = other.clone());
            let case = json!({ "do": "read_head", "key_set": own.hex(), "bytes": head.hex() });
            self.file.add(stage, format!("read by audience {number}"), head.told(number), case);
        }
    }
}

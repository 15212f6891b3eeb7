//! `head.json`: reading a head (FORMAT.md sections 4.2 to 4.4).

mod changes;
mod most;
mod telling;

use serde_json::{Value, json};

use crate::file::VectorFile;
use crate::head_bytes::{Audience, Head, T0, audience, change, head};
use crate::key_set_bytes::{KeySet, key_set, list_key, signing_key};
use crate::spelling::{flipped, hex, tag};

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
    heads.as_many_as_fit();
    heads.widths();
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
        let of = |format| bad("version", &Head { format, ..head() });
        self.file.around("4.2 version", "format version 1", [of(0), good(&head()), of(2)]);
        self.add("4.2 version", "format version 255", of(255));
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
        let around = [bad("order", &of(&[0, 2])), good(&of(&[1, 2])), good(&of(&[2, 3]))];
        self.file.around(stage, "a first audience of 1", around);
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
        let around =
            [bad("order", &dead(&[(0, 1)])), good(&dead(&[(1, 1)])), good(&dead(&[(2, 1)]))];
        self.file.around(stage, "a dead signing key of audience 1", around);
        let around =
            [bad("order", &dead(&[(2, 0)])), good(&dead(&[(2, 1)])), good(&dead(&[(2, 2)]))];
        self.file.around(stage, "a dead signing key of epoch 1", around);
        let around = [
            bad("order", &dead(&[(2, 5), (2, 4)])),
            bad("order", &dead(&[(2, 5), (2, 5)])),
            good(&dead(&[(2, 5), (2, 6)])),
        ];
        self.file.around(stage, "a second dead signing key that is the first", around);
    }

    fn step_2(&mut self) {
        let stage = "4.4 step 2";
        for tenant in [0, 1, 255, 256, u16::MAX] {
            let own = KeySet { tenant, ..key_set() };
            let head = Head { tenant, ..head() };
            let case = json!({ "do": "read_head", "key_set": own.hex(), "bytes": head.hex() });
            self.file.add(stage, format!("of our tenant {tenant}"), head.told(2), case);
            // The same number with its bytes in the other order is another tenant.
            let swapped = Head { tenant: tenant.swap_bytes(), ..head };
            if swapped.tenant != tenant {
                let bytes = swapped.hex();
                let case = json!({ "do": "read_head", "key_set": own.hex(), "bytes": bytes });
                let name = format!("of tenant {}, and ours is {tenant}", swapped.tenant);
                self.file.add(stage, name, json!({ "error": "tenant" }), case);
            }
        }
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

//! A key has one spelling: over keys of every length, every change of one character is refused, and several
//! foreign characters that could hide each other.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wardkey::{Base, Decision, Query, Reason, Refresh, Registry, Requirement};

use crate::chance::Chance;
use crate::drawn::{Aim, DrawnKey, drawn_caller, drawn_narrowing};
use crate::fixture::{NOW, word};
use crate::good_keys::worlds;
use crate::issuer::World;
use crate::spelling::{self, ALPHABET, LENIENT};
use crate::suite::{Cases, Stretch, Suite};
use crate::tally::Tally;

pub(crate) const SUITE: Suite = Suite {
    name: "one-spelling",
    cases: Cases::Drawn { smoke: 2, test: 300, test_in_wasm: 30, deep: 30_000, deep_in_wasm: 600 },
    piece: 10,
    must: &[],
    run,
};

/// A case is one good key, with every change of [`Kind::ALL`] at every place.
fn run(stretch: Stretch, tally: &mut Tally) {
    let Some(worlds) = worlds(stretch.seed) else {
        return tally.expect(false, "issuers", String::new);
    };
    for case in stretch.cases() {
        let mut chance = Chance::new(stretch.seed, case);
        let holder = chance.pick(&worlds).and_then(|world| Holder::drawn(world, &mut chance));
        match holder {
            Some(holder) => holder.try_all(case, tally),
            None => tally.expect(false, "a good key", || format!("case {case}")),
        }
    }
}

/// A key, and where it is good.
struct Holder<'w> {
    world: &'w World,
    key: String,
    prefix_len: usize,
    base: Base,
    required: Requirement,
    caller: IpAddr,
}

/// How a text differs from the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Changed,
    OtherCase,
    Inserted,
    Removed,
    Swapped,
    Cut,
    Alias,
    Hidden,
}

impl Kind {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Changed, "one character changed"),
        (Self::OtherCase, "one letter in the other case"),
        (Self::Inserted, "one character inserted"),
        (Self::Removed, "one character removed"),
        (Self::Swapped, "two neighbours swapped"),
        (Self::Cut, "cut at the front or at the end"),
        (Self::Alias, "an alias: the same bytes to a lenient decoder"),
        (Self::Hidden, "characters in one group of four that no key holds"),
    ];
}

impl<'w> Holder<'w> {
    fn drawn(world: &'w World, chance: &mut Chance) -> Option<Self> {
        let scope = world.issuer.catalog.first()?;
        let required = Requirement::all_of(&world.catalog()?, [&*scope.name]).ok()?;
        let caller = drawn_caller(chance);
        let aim = Aim { now: NOW, caller, core: &[scope.number], kind: true };
        let index = world.living(chance)?;
        let mut key = DrawnKey::minted(&world.issuer, index, aim, chance)?;
        for _ in 0..chance.below(5) {
            let narrowed = key.narrowed(drawn_narrowing(&world.issuer, aim, chance));
            key = narrowed.unwrap_or(key);
        }
        let prefix_len = spelling::prefix_len(&key.text)?;
        let (key, base) = (key.text, key.base);
        Some(Self { world, key, prefix_len, base, required, caller })
    }

    /// The same key, narrowed by nobody, with other bytes in its id.
    fn with_id(&self, id: [u8; 3]) -> Option<Self> {
        let Self { world, prefix_len, mut base, caller, .. } = *self;
        base.key_id.0.iter_mut().skip(1).zip(id).for_each(|(byte, other)| *byte = other);
        let key = world.issuer.mint(&base)?.secret_str().to_owned();
        Some(Self { world, key, prefix_len, base, required: self.required, caller })
    }

    fn decide(&self, text: &str) -> Decision {
        let query = Query {
            required: &self.required,
            now: NOW,
            caller: Some(self.caller),
            refresh: Refresh::NotTried,
            registry: Registry::NotAsked,
        };
        wardkey::verify(&self.world.key_set, Some(&self.world.list), text, query)
    }

    fn try_all(&self, case: u64, tally: &mut Tally) {
        let unchanged = self.decide(&self.key);
        let allowed = matches!(unchanged, Decision::Allow(_));
        let spare_bits = match (self.key.len() - self.prefix_len) % 4 {
            0 => 0,
            2 => 4,
            _ => 2,
        };
        let what = format!("a key with {spare_bits} spare bits, allowed");
        tally.expect(allowed, &what, || format!("case {case}: {}", word(&unchanged)));
        tally.control("a change that is none", allowed);
        tally.outcome(self.key.as_bytes());

        let mut sums = Sums::default();
        self.each(|kind, text| {
            sums.add(kind, &self.decide(text), case, tally);
            sums.lenient += u64::from(kind == Kind::Alias && self.is_the_same_to_a_lenient(text));
        });
        if self.try_hidden(case, &mut sums, tally).is_none() {
            tally.expect(false, "keys of other ids", || format!("case {case}"));
        }
        sums.tell(tally);
    }

    /// Characters that no key holds at one to four places of a group, where a decoder that takes any bits for
    /// theirs finds those of the key: if it forgets what it saw, nothing else is wrong.
    fn try_hidden(&self, case: u64, sums: &mut Sums, tally: &mut Tally) -> Option<()> {
        for bits in BITS_OF_FOREIGN {
            for places in 1..16_u8 {
                let foreign = [0, 1, 2, 3].map(|place| places >> place & 1 == 1);
                let holder = self.with_id(group(foreign.map(|is| if is { bits } else { 5 })))?;
                let unchanged = holder.decide(&holder.key);
                let allowed = matches!(unchanged, Decision::Allow(_));
                tally.expect(allowed, "a key of another id, allowed", || format!("case {case}"));
                for with in HIDING {
                    let mut text = holder.key.clone().into_bytes();
                    // Bytes 6 to 8 of the payload.
                    let digits = text.iter_mut().skip(self.prefix_len + 8);
                    for (digit, _) in digits.zip(foreign).filter(|(_, is)| *is) {
                        *digit = with;
                    }
                    let text = str::from_utf8(&text).ok()?;
                    sums.add(Kind::Hidden, &holder.decide(text), case, tally);
                    sums.hidden += u64::from(
                        hides(text.get(self.prefix_len..)?, bits)
                            == unspelt(&holder.key, self.prefix_len),
                    );
                }
            }
        }
        Some(())
    }

    /// Every text that differs from the key by one step.
    fn each(&self, mut try_it: impl FnMut(Kind, &str)) {
        let key = self.key.as_str();
        let mut text = String::with_capacity(key.len() * 2);
        let mut try_parts = |kind, parts: &[&str]| {
            text.clear();
            text.extend(parts.iter().copied());
            if text != key {
                try_it(kind, &text);
            }
        };
        let part = |from: usize, to: usize| key.get(from..to).unwrap_or_default();
        let len = key.len();
        let digits = str::from_utf8(ALPHABET).unwrap_or_default();
        let digits = (0..digits.len()).filter_map(|place| digits.get(place..=place));
        let foreign = foreign();
        for place in 0..=len {
            let (front, here) = (part(0, place), part(place, place + 1));
            let (behind, next) = (part(place + 1, len), part(place + 1, place + 2));
            for with in digits.clone().chain(foreign.iter().map(String::as_str)) {
                try_parts(Kind::Inserted, &[front, with, here, behind]);
                if place == len {
                    continue;
                }
                let other_case = here.eq_ignore_ascii_case(with);
                let kind = if other_case { Kind::OtherCase } else { Kind::Changed };
                try_parts(kind, &[front, with, behind]);
            }
            if place < len {
                try_parts(Kind::Removed, &[front, behind]);
                try_parts(Kind::Swapped, &[front, next, here, part(place + 2, len)]);
                try_parts(Kind::Cut, &[front]);
                try_parts(Kind::Cut, &[behind]);
            }
        }
        let (front, last) = (part(0, len - 1), part(len - 1, len));
        for alias in aliases(last, (len - self.prefix_len) % 4) {
            try_parts(Kind::Alias, &[front, alias]);
        }
        for padding in ["=", "==", "===", "===="] {
            try_parts(Kind::Alias, &[key, padding]);
        }
    }

    /// Whether the text is the key to a decoder that ignores spare bits and padding.
    fn is_the_same_to_a_lenient(&self, text: &str) -> bool {
        let payload = |text: &str| LENIENT.decode(text.get(self.prefix_len..)?).ok();
        payload(text).is_some_and(|bytes| payload(&self.key) == Some(bytes))
    }
}

/// What came out, by kind: `malformed` and `bad_checksum`.
#[derive(Default)]
struct Sums {
    words: [[u64; 2]; Kind::ALL.len()],
    seen: Vec<u8>,
    lenient: u64,
    hidden: u64,
}

impl Sums {
    fn add(&mut self, kind: Kind, decision: &Decision, case: u64, tally: &mut Tally) {
        let place = match decision {
            Decision::Deny(denial) if denial.authentic.is_none() => match denial.reason {
                Reason::Malformed => Some(0),
                // Its tag and checksum fit what a careless decoder makes of it.
                Reason::BadChecksum if kind != Kind::Hidden => Some(1),
                _ => None,
            },
            _ => None,
        };
        match place.and_then(|place| self.words.get_mut(kind as usize)?.get_mut(place)) {
            Some(times) => *times += 1,
            None => tally.expect(false, "another spelling is refused", || {
                format!("case {case}, text {}: {}", self.seen.len(), word(decision))
            }),
        }
        self.seen.push(place.unwrap_or(2) as u8);
    }

    fn tell(self, tally: &mut Tally) {
        tally.outcome(&self.seen);
        for ((_, name), [malformed, bad_checksum]) in Kind::ALL.into_iter().zip(self.words) {
            tally.count_many(&format!("{name}: malformed"), malformed);
            tally.count_many(&format!("{name}: bad_checksum"), bad_checksum);
        }
        tally.controls_many("a decoder that ignores spare bits and padding", self.lenient);
        tally.controls_many("a decoder for which two wrongs make a right", self.hidden);
    }
}

/// What a decoder makes of a group of four that looks at nothing but these bits.
fn group([a, b, c, d]: [u8; 4]) -> [u8; 3] {
    [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]
}

/// Decodes whole groups with a table that holds `foreign` for what is no digit, and whose highest bit says so:
/// looked at once, at the end, and wrongly, because one hides another.
fn hides(encoded: &str, foreign: u8) -> Option<Vec<u8>> {
    let value = |byte: &u8| {
        let digit = ALPHABET.iter().position(|digit| digit == byte);
        digit.map_or((foreign, 1), |digit| (digit as u8, 0))
    };
    let (groups, _) = encoded.as_bytes().as_chunks::<4>();
    let (mut bytes, mut strange) = (vec![], 0);
    for digits in groups {
        let values = digits.each_ref().map(value);
        strange ^= values.iter().fold(0, |strange, (_, is)| strange ^ is);
        bytes.extend(group(values.map(|(bits, _)| bits)));
    }
    (strange == 0).then_some(bytes)
}

/// The bytes of whole groups.
fn unspelt(key: &str, prefix_len: usize) -> Option<Vec<u8>> {
    let encoded = key.get(prefix_len..)?;
    URL_SAFE_NO_PAD.decode(encoded.get(..encoded.len() / 4 * 4)?).ok()
}

/// All of ASCII that is no digit, some of what lenient decoders skip, and some more of two to four bytes.
fn foreign() -> Vec<String> {
    let ascii = (0..128_u8).filter(|byte| !ALPHABET.contains(byte)).map(char::from);
    ascii.chain(WIDE).map(String::from).collect()
}

/// The digits that differ from the last one in spare bits only, for so many characters behind whole groups.
fn aliases(last: &str, rest: usize) -> impl Iterator<Item = &'static str> {
    let spare = match rest {
        2 => 15,
        3 => 3,
        _ => 0,
    };
    let value = ALPHABET.iter().position(|digit| last.as_bytes() == [*digit]).unwrap_or(0);
    (1..=spare).filter_map(move |bits| {
        let place = value & !spare | bits;
        str::from_utf8(ALPHABET.get(place..=place)?).ok()
    })
}

/// The first and the last of two, three and four bytes, and some that are taken for nothing or for a digit.
const WIDE: [char; 11] = [
    '\u{80}',
    '\u{a0}',
    'é',
    '\u{7ff}',
    '\u{800}',
    '\u{200b}',
    'Ａ',
    '\u{ffff}',
    '\u{10000}',
    '🔑',
    '\u{10ffff}',
];
/// Characters of one byte that stand for others where one shall not show.
const HIDING: [u8; 4] = [b'!', b'=', b'\n', 0x7f];
/// What tables of digits may hold for what is none.
const BITS_OF_FOREIGN: [u8; 4] = [0x80, 0x40, 0xc0, 0xff];

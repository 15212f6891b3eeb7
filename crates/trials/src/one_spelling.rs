//! A key has one spelling: over keys of every length, every change of one character is refused.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use wardkey::{Decision, Query, Reason, Refresh, Registry, Requirement};

use crate::chance::Chance;
use crate::drawn::{Aim, DrawnKey, drawn_caller, drawn_narrowing};
use crate::fixture::{NOW, word};
use crate::good_keys::worlds;
use crate::issuer::World;
use crate::spelling::ALPHABET;
use crate::suite::{Cases, Stretch, Suite};
use crate::tally::Tally;

pub(crate) const SUITE: Suite = Suite {
    name: "one-spelling",
    cases: Cases::Drawn {
        smoke: 2,
        test: 500,
        test_in_wasm: 50,
        deep: 50_000,
        deep_in_wasm: 1_000,
    },
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
}

impl Kind {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Changed, "one character changed"),
        (Self::OtherCase, "one letter in the other case"),
        (Self::Inserted, "one character inserted"),
        (Self::Removed, "one character removed"),
        (Self::Swapped, "two neighbours swapped"),
        (Self::Cut, "cut at the front or at the end"),
        (Self::Alias, "an alias: the same bytes to a lenient decoder"),
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
        let prefix_len = key.text.match_indices('_').nth(1)?.0 + 1;
        Some(Self { world, key: key.text, prefix_len, required, caller })
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

        let (mut sums, mut seen) = ([[0; 2]; Kind::ALL.len()], vec![]);
        let mut lenient = 0;
        self.each(|kind, text| {
            let decision = self.decide(text);
            let place = match &decision {
                Decision::Deny(denial) if denial.authentic.is_none() => match denial.reason {
                    Reason::Malformed => Some(0),
                    Reason::BadChecksum => Some(1),
                    _ => None,
                },
                _ => None,
            };
            match place.and_then(|place| sums.get_mut(kind as usize)?.get_mut(place)) {
                Some(times) => *times += 1,
                None => tally.expect(false, "another spelling is refused", || {
                    format!("case {case}, text {}: {}", seen.len(), word(&decision))
                }),
            }
            seen.push(place.unwrap_or(2) as u8);
            lenient += u64::from(kind == Kind::Alias && self.is_the_same_to_a_lenient(text));
        });
        tally.outcome(&seen);
        for ((_, name), [malformed, bad_checksum]) in Kind::ALL.into_iter().zip(sums) {
            tally.count_many(&format!("{name}: malformed"), malformed);
            tally.count_many(&format!("{name}: bad_checksum"), bad_checksum);
        }
        tally.controls_many("a decoder that ignores spare bits and padding", lenient);
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
        for place in 0..=len {
            let (front, here) = (part(0, place), part(place, place + 1));
            let (behind, next) = (part(place + 1, len), part(place + 1, place + 2));
            for with in digits.clone().chain(FOREIGN) {
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

/// Characters that no key holds, some that lenient decoders take or skip, some of two to four bytes.
const FOREIGN: [&str; 14] =
    ["=", "+", "/", ".", " ", "\n", "\r", "\t", "\0", "%", "~", "é", "\u{200b}", "🔑"];

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

//! Narrowings of chance: a narrowed key is decided as an independent model says, and never allowed what the
//! key before it was not.

use std::net::IpAddr;

use wardkey::{
    Decision, MAX_KEY_LEN, NarrowError, Query, Refresh, Registry, Requirement, RiskLevel, ScopeSet,
    UnixMillis, UnixSeconds, narrow,
};

use crate::chance::Chance;
use crate::drawn::{Aim, DrawnKey, drawn_caller, drawn_narrowing};
use crate::fixture::{NOW, word};
use crate::good_keys::worlds;
use crate::issuer::World;
use crate::model::{Asked, Left, Parts, strictest};
use crate::spelling;
use crate::suite::{Cases, Stretch, Suite};
use crate::tally::Tally;

pub(crate) const SUITE: Suite = Suite {
    name: "narrowings",
    cases: Cases::Drawn {
        smoke: 1_000,
        test: 10_000_000,
        test_in_wasm: 200_000,
        deep: 100_000_000,
        deep_in_wasm: 2_000_000,
    },
    piece: 100_000,
    must: &[
        "allow, then allow",
        "allow, then narrowed",
        "allow, then expired",
        "allow, then not_yet_valid",
        "allow, then address_not_allowed",
        "allow, then refused: too long",
        "scope_missing, then scope_missing",
        "ask registry, then ask registry",
    ],
    run,
};

/// A case is one narrowing of a key that has been narrowed up to three times, and one question.
fn run(stretch: Stretch, tally: &mut Tally) {
    let drawn = worlds(stretch.seed);
    let Some(worlds) = drawn.as_ref().and_then(|worlds| Holders::of(worlds, stretch.seed)) else {
        return tally.expect(false, "holders", String::new);
    };
    let mut sums = Sums::default();
    for case in stretch.cases() {
        let mut chance = Chance::new(stretch.seed, case);
        let right =
            chance.pick(&worlds).and_then(|holders| holders.try_one(case, &mut chance, &mut sums));
        if let Some(wrong) = right.unwrap_or(Some("no case")) {
            tally.expect(false, "decided as the model does", || format!("case {case}: {wrong}"));
        }
    }
    sums.tell(tally);
}

/// Holders of one issuer's keys, and what may be asked of them.
struct Holders<'w> {
    world: &'w World,
    /// Each with questions to which it is likely to be good.
    keys: Vec<(DrawnKey, Vec<Question>)>,
    office: IpAddr,
}

struct Question {
    required: Requirement,
    level: RiskLevel,
    scopes: Vec<u8>,
    any: bool,
}

/// What came out, by the word for the key before and the word for the narrowed one.
#[derive(Default)]
struct Sums {
    words: Vec<(&'static str, &'static str, u64)>,
    seen: Vec<u8>,
    taken: u64,
    bent: [u64; Bent::ALL.len()],
}

/// A model that is wrong on purpose.
#[derive(Clone, Copy)]
enum Bent {
    LastHolder,
    Scopes,
    Expiry,
    NotBefore,
    Networks,
    Mode,
}

impl Bent {
    const ALL: [(Self, &'static str); 6] = [
        (Self::LastHolder, "a model that forgets the last holder"),
        (Self::Scopes, "a model that forgets the last holder's scopes"),
        (Self::Expiry, "a model that forgets the last holder's expiry"),
        (Self::NotBefore, "a model that forgets the last holder's not-before"),
        (Self::Networks, "a model that forgets the last holder's networks"),
        (Self::Mode, "a model that takes all of and any of for each other"),
    ];

    /// The parts and the question as such a model sees them.
    fn seen<'a>(self, parts: &Parts, asked: &Asked<'a>) -> (Option<Parts>, Asked<'a>) {
        let (mut parts, mut asked) = (parts.clone(), asked.clone());
        match self {
            Self::LastHolder => return (None, asked),
            Self::Scopes => parts.scopes = None,
            Self::Expiry => parts.expires_at = None,
            Self::NotBefore => parts.not_before = None,
            Self::Networks => parts.networks = None,
            Self::Mode => asked.any = !asked.any,
        }
        (Some(parts), asked)
    }
}

impl<'w> Holders<'w> {
    fn of(worlds: &'w [World], seed: u64) -> Option<Vec<Self>> {
        let holders = |(number, world): (usize, &'w World)| {
            let mut chance = Chance::new(!seed, number as u64);
            let office = drawn_caller(&mut chance);
            let mut keys = vec![];
            for place in 0..KEYS {
                // So long that one more narrowing often makes them too long.
                let long = place % 8 == 7;
                let tries = if long { LONGEST_OF } else { 1 };
                let low = world.issuer.catalog.first()?.number;
                let core = if long || place % 2 == 0 { &[low][..] } else { &[] };
                let kind = long || place % 4 < 2;
                let aim = Aim { now: NOW, caller: office, core, kind };
                let mut key = longest_of(tries, || {
                    let index = world.living(&mut chance)?;
                    DrawnKey::minted(&world.issuer, index, aim, &mut chance)
                })?;
                for _ in 0..place % 4 {
                    let narrowed = longest_of(tries, || {
                        key.narrowed(drawn_narrowing(&world.issuer, aim, &mut chance))
                    });
                    key = narrowed.unwrap_or(key);
                }
                let questions = (0..QUESTIONS).map(|_| Question::drawn(world, &key, &mut chance));
                let questions = questions.collect::<Option<_>>()?;
                keys.push((key, questions));
            }
            Some(Self { world, keys, office })
        };
        worlds.iter().enumerate().map(holders).collect()
    }

    /// `Some(None)` if all came out as the model says; else what did not.
    fn try_one(
        &self,
        case: u64,
        chance: &mut Chance,
        sums: &mut Sums,
    ) -> Option<Option<&'static str>> {
        let (key, questions) = chance.pick(&self.keys)?;
        let question = chance.pick(questions)?;
        let caller = match chance.below(8) {
            0 => None,
            1 => Some(drawn_caller(chance)),
            _ => Some(self.office),
        };
        // The list is fresh then.
        let now = UnixMillis(NOW.0 + chance.below(u64::from(self.world.issuer.bounds[0]) + 1));
        let aim = Aim { now, caller: self.office, core: &question.scopes, kind: chance.one_in(2) };
        let parts = drawn_narrowing(&self.world.issuer, aim, chance);
        let decide = |text: &str| {
            let (refresh, registry) = (Refresh::NotTried, Registry::NotAsked);
            let query = Query { required: &question.required, now, caller, refresh, registry };
            wardkey::verify(&self.world.key_set, Some(&self.world.list), text, query)
        };
        let before = decide(&key.text);
        let too_long = is_too_long(key, &parts);
        let text = match narrow(&key.text, &parts.narrowing()?) {
            Ok(_) if too_long => return Some(Some("a key that is too long")),
            Ok(text) => text,
            Err(error) => {
                sums.count(word(&before), "refused: too long");
                let right = error == NarrowError::KeyTooLong && too_long;
                return Some((!right).then_some("narrowing was refused"));
            }
        };
        let after = decide(text.secret_str());
        let asked = Asked {
            scopes: &question.scopes,
            any: question.any,
            now_ms: now.0,
            skew_ms: self.world.key_set.bounds().max_skew_ms(),
            caller,
        };
        sums.count(word(&before), word(&after));
        for (decision, parts) in [(&before, None), (&after, Some(&parts))] {
            if !question.is_answered_by(decision, key, parts, &asked) {
                return Some(Some("not what the model says"));
            }
        }
        if is_wider(&before, &after) {
            return Some(Some("wider than before"));
        }
        sums.taken += u64::from(is_wider(&after, &before));
        if case.is_multiple_of(8) {
            for ((bent, _), noticed) in Bent::ALL.into_iter().zip(&mut sums.bent) {
                let (parts, asked) = bent.seen(&parts, &asked);
                let same = question.is_answered_by(&after, key, parts.as_ref(), &asked);
                *noticed += u64::from(!same);
            }
        }
        Some(None)
    }
}

impl Question {
    fn drawn(world: &World, key: &DrawnKey, chance: &mut Chance) -> Option<Self> {
        let (catalog, any) = (world.catalog()?, chance.one_in(2));
        let named = &world.issuer.catalog;
        let own: Vec<_> = named.iter().filter(|s| key.base.scopes.contains(s.number)).collect();
        let scopes = (0..1 + chance.below(3)).map(|_| {
            let other = if chance.one_in(6) { None } else { chance.pick(&own).copied() };
            other.or_else(|| chance.pick(named))
        });
        let scopes: Vec<_> = scopes.flatten().collect();
        let names = scopes.iter().map(|scope| &*scope.name);
        let required = if any {
            Requirement::any_of(&catalog, names)
        } else {
            Requirement::all_of(&catalog, names)
        };
        Some(Self {
            required: required.ok()?,
            level: strictest(scopes.iter().map(|scope| scope.risk)),
            scopes: scopes.iter().map(|scope| scope.number).collect(),
            any,
        })
    }

    fn is_answered_by(
        &self,
        decision: &Decision,
        key: &DrawnKey,
        parts: Option<&Parts>,
        asked: &Asked<'_>,
    ) -> bool {
        let said = &key.said;
        let expected = match said.untimely(parts, asked) {
            Some(word) => Err(word),
            None => said.left(parts, asked),
        };
        let strict = self.level == RiskLevel::Strict;
        match (decision, expected) {
            (Decision::Allow(allow), Ok(Left { scopes, expires_at })) => {
                !strict
                    && allow.scopes == ScopeSet::from_iter(scopes)
                    && allow.expires_at == UnixSeconds(expires_at)
                    && allow.narrowed == (parts.is_some() || !said.holders.is_empty())
                    && (allow.subject, allow.key_id) == (key.base.subject, key.base.key_id)
            }
            (Decision::Ask(_), Ok(_)) => strict && word(decision) == "ask registry",
            (Decision::Deny(denial), Err(reason)) => denial.reason.as_str() == reason,
            _ => false,
        }
    }
}

/// The longest one of some.
fn longest_of(tries: u64, mut draw: impl FnMut() -> Option<DrawnKey>) -> Option<DrawnKey> {
    (0..tries).filter_map(|_| draw()).max_by_key(|key| key.text.len())
}

/// Whether the second may do something that the first may not.
fn is_wider(one: &Decision, other: &Decision) -> bool {
    match (one, other) {
        (Decision::Allow(one), Decision::Allow(other)) => {
            !one.scopes.contains_all(&other.scopes) || other.expires_at > one.expires_at
        }
        // Two questions to the registry.
        (Decision::Ask(_), Decision::Ask(_)) | (_, Decision::Deny(_)) => false,
        _ => true,
    }
}

/// Whether the narrowed key would be more than 512 characters.
fn is_too_long(key: &DrawnKey, parts: &Parts) -> bool {
    let prefix_len = spelling::prefix_len(&key.text).unwrap_or(0);
    let payload_len = (key.text.len() - prefix_len) * 3 / 4 + parts.block_len();
    prefix_len + (payload_len * 4).div_ceil(3) > MAX_KEY_LEN
}

impl Sums {
    fn count(&mut self, before: &'static str, after: &'static str) {
        let known = self.words.iter().position(|(one, other, _)| (*one, *other) == (before, after));
        let place = known.unwrap_or(self.words.len());
        match self.words.get_mut(place) {
            Some((_, _, times)) => *times += 1,
            None => self.words.push((before, after, 1)),
        }
        // Places are given in the order of the cases, and so the same on every machine.
        self.seen.push(place as u8);
    }

    fn tell(mut self, tally: &mut Tally) {
        tally.outcome(&self.seen);
        self.words.sort_unstable();
        for (before, after, times) in self.words {
            tally.count_many(&format!("{before}, then {after}"), times);
        }
        for ((_, name), noticed) in Bent::ALL.into_iter().zip(self.bent) {
            tally.controls_many(name, noticed);
        }
        tally.controls_many("before and after taken for each other", self.taken);
    }
}

/// Keys of each issuer.
const KEYS: u64 = 64;
/// Keys that the longest one is chosen from.
const LONGEST_OF: u64 = 12;
/// Questions to each of them.
const QUESTIONS: u64 = 6;

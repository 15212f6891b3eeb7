//! Scopes, from end to end: every set held, every set required, all of it or any, after no, one or two
//! narrowings to every set, against an oracle that knows names and nothing else: up to three scopes under all risks,
//! four under some, five under one.

use std::collections::BTreeSet;

use wardkey::{
    Base, Decision, KeyId, Narrowing, Query, Refresh, Registry, Requirement, RiskLevel, ScopeSet,
    StatusIndex, Subject, UnixMillis, UnixSeconds, narrow,
};

use crate::chance::Chance;
use crate::fixture::{NOW, word};
use crate::issuer::{Issuer, Scope, World, state_bytes};
use crate::model::strictest;
use crate::suite::{Cases, Stretch, Suite};
use crate::tally::Tally;

pub(crate) const SUITE: Suite = Suite {
    name: "scopes-exhaustive",
    cases: Cases::Every { all: CASES, in_wasm: SMALL + 16, smoke: 30 },
    piece: 4,
    must: &[],
    run,
};

/// A case is a catalog with its risks and a set that a key holds; all the rest is tried for each.
fn run(stretch: Stretch, tally: &mut Tally) {
    for case in stretch.cases() {
        let tried = Catalogue::of(case).and_then(|(catalogue, held)| {
            let mut sums = Sums::default();
            let right = catalogue.try_all(held, &mut sums)?;
            Some((catalogue.risks.len(), sums, right))
        });
        match tried {
            Some((scopes, sums, Ok(()))) => sums.tell(scopes, tally),
            Some((_, _, Err(wrong))) => {
                tally.expect(false, "as the oracle says", || format!("case {case}: {wrong}"));
            }
            None => tally.expect(false, "a case", || format!("case {case}")),
        }
    }
}

/// The scopes of an audience, by their risks.
struct Catalogue {
    risks: Vec<RiskLevel>,
    world: World,
}

/// What is required.
struct Question {
    required: Requirement,
    names: BTreeSet<&'static str>,
    any: bool,
    level: RiskLevel,
}

/// When, counted from the list's time, and after which refresh.
type Moment = (u64, Refresh);

#[derive(Default)]
struct Sums {
    words: Vec<(&'static str, u64)>,
    seen: Vec<u8>,
    any_for_all: u64,
    narrowing_forgotten: u64,
    risk_forgotten: u64,
    unnamed_forgotten: u64,
}

impl Catalogue {
    /// The catalogue and the set held of a case.
    fn of(case: u64) -> Option<(Self, u64)> {
        let mut left = case;
        for (scopes, all) in [(1, 4), (2, 16), (3, 64), (4, FOURS.len() as u64), (5, 1)] {
            let sets = 1 << scopes;
            if left >= all * sets {
                left -= all * sets;
                continue;
            }
            let (number, held) = (left / sets, left % sets);
            let risk = |place: u32| match scopes {
                4 => FOURS.get(number as usize)?.get(place as usize).copied(),
                5 => RiskLevel::ALL.get(place as usize % 4).copied(),
                // All there are: the number, with four for its base.
                _ => RiskLevel::ALL.get((number >> (2 * place)) as usize % 4).copied(),
            };
            let risks: Vec<_> = (0..scopes).map(risk).collect::<Option<_>>()?;
            return Some((Self { world: world(&risks)?, risks }, held));
        }
        None
    }

    /// `None` if nothing could be tried; an error for what came out otherwise than it should.
    fn try_all(&self, held: u64, sums: &mut Sums) -> Option<Result<(), String>> {
        let sets = 0..1_u64 << self.risks.len();
        let questions = self.questions()?;
        let once = sets.clone().map(|set| vec![set]);
        let twice = sets.clone().flat_map(|one| sets.clone().map(move |other| vec![one, other]));
        let root = self.world.issuer.mint(&self.base(held)?)?.secret_str().to_owned();
        for narrowings in std::iter::once(vec![]).chain(once).chain(twice) {
            let mut key = root.clone();
            for set in &narrowings {
                let scopes = Some(numbers_of_block(*set));
                let narrowing = Narrowing { scopes, ..Narrowing::default() };
                key = narrow(&key, &narrowing).ok()?.secret_str().to_owned();
            }
            let held_names = names(held);
            let mut left = held_names.clone();
            for set in &narrowings {
                let only = names(*set);
                left.retain(|name| only.contains(name));
            }
            // A block that names nothing of the catalog's leaves it the one scope beyond.
            let unnamed_left = narrowings.iter().all(|set| *set == 0);
            // The third is about the list and hardly about scopes.
            let moments = if self.risks.len() < 3 { &MOMENTS[..] } else { &MOMENTS[..2] };
            for question in &questions {
                for moment in moments.iter().copied() {
                    let decision = self.decide(&key, question, moment);
                    let right =
                        question.is_answered_by(&decision, &held_names, &left, moment, sums)
                            && tells(&decision, &left, unnamed_left);
                    sums.unnamed_forgotten += u64::from(!tells(&decision, &left, !unnamed_left));
                    sums.count(word(&decision));
                    if !right {
                        return Some(Err(format!(
                            "held {held:b}, narrowed to {narrowings:?}, required {:?}, any: {}, {} ms: {}",
                            question.names,
                            question.any,
                            moment.0,
                            word(&decision)
                        )));
                    }
                }
            }
        }
        Some(Ok(()))
    }

    fn questions(&self) -> Option<Vec<Question>> {
        let catalog = self.world.catalog()?;
        let mut questions = vec![];
        for set in 1..1_u64 << self.risks.len() {
            for any in [false, true] {
                let names = names(set);
                let risks = self.risks.iter().enumerate();
                let level = strictest(
                    risks.filter(|(place, _)| set >> place & 1 == 1).map(|(_, risk)| *risk),
                );
                let required = names.iter().copied();
                let required = if any {
                    Requirement::any_of(&catalog, required)
                } else {
                    Requirement::all_of(&catalog, required)
                };
                questions.push(Question { required: required.ok()?, names, any, level });
            }
        }
        Some(questions)
    }

    fn base(&self, held: u64) -> Option<Base> {
        let second = NOW.second()?.0;
        let mut scopes = numbers(held);
        scopes.insert(UNNAMED);
        Some(Base {
            signing_key: self.world.issuer.id(self.world.issuer.signers.first()?),
            key_id: KeyId([0; 8]),
            status_index: StatusIndex(0),
            issued_at: UnixSeconds(second - 10),
            expires_at: UnixSeconds(second + 10_000),
            subject: Subject::new("s").ok()?,
            scopes,
            constraints: wardkey::Constraints::default(),
        })
    }

    fn decide(&self, key: &str, question: &Question, (later, refresh): Moment) -> Decision {
        let (required, now) = (&question.required, UnixMillis(NOW.0 + later));
        let query = Query { required, now, caller: None, refresh, registry: Registry::NotAsked };
        wardkey::verify(&self.world.key_set, Some(&self.world.list), key, query)
    }
}

impl Question {
    fn is_answered_by(
        &self,
        decision: &Decision,
        held: &BTreeSet<&str>,
        left: &BTreeSet<&str>,
        moment: Moment,
        sums: &mut Sums,
    ) -> bool {
        let expected = self.answer(held, left, moment, self.any, self.level);
        let bent = |any, level, left| self.answer(held, left, moment, any, level) != expected;
        sums.any_for_all += u64::from(bent(!self.any, self.level, left));
        sums.narrowing_forgotten += u64::from(bent(self.any, self.level, held));
        sums.risk_forgotten += u64::from(bent(self.any, RiskLevel::Low, left));
        word(decision) == expected
    }

    /// The oracle.
    fn answer(
        &self,
        held: &BTreeSet<&str>,
        left: &BTreeSet<&str>,
        (later, refresh): Moment,
        any: bool,
        level: RiskLevel,
    ) -> &'static str {
        let most = match level {
            RiskLevel::Low => 3_600_000,
            RiskLevel::Standard => 300_000,
            RiskLevel::High => 30_000,
            RiskLevel::Strict => u64::MAX,
        };
        if level != RiskLevel::Strict && later > 5_000 {
            if refresh == Refresh::NotTried {
                return "ask refresh";
            }
            if later > most {
                return "list_stale";
            }
        }
        let met = |scopes: &BTreeSet<&str>| {
            let mut found = 0;
            for name in &self.names {
                if scopes.contains(name) {
                    found += 1;
                }
            }
            if any { found > 0 } else { found == self.names.len() }
        };
        match (met(held), met(left)) {
            (false, _) => "scope_missing",
            (true, false) => "narrowed",
            (true, true) if level == RiskLevel::Strict => "ask registry",
            (true, true) => "allow",
        }
    }
}

impl Sums {
    fn count(&mut self, word: &'static str) {
        let known = self.words.iter().position(|(one, _)| *one == word);
        let place = known.unwrap_or(self.words.len());
        match self.words.get_mut(place) {
            Some((_, times)) => *times += 1,
            None => self.words.push((word, 1)),
        }
        self.seen.push(place as u8);
    }

    fn tell(self, scopes: usize, tally: &mut Tally) {
        tally.outcome(&self.seen);
        for (word, times) in self.words {
            tally.count_many(&format!("{scopes} scopes: {word}"), times);
        }
        tally.controls_many("all of and any of taken for each other", self.any_for_all);
        tally.controls_many("narrowings forgotten", self.narrowing_forgotten);
        tally.controls_many("every scope taken for a low one", self.risk_forgotten);
        tally.controls_many("the scope beyond the catalog left out", self.unnamed_forgotten);
    }
}

/// Whether an allow tells exactly these scopes, and the one beyond the catalog if it is left.
fn tells(decision: &Decision, left: &BTreeSet<&str>, unnamed_left: bool) -> bool {
    let Decision::Allow(allow) = decision else { return true };
    let named = NAMES.iter().zip(NUMBERS).filter(|(name, _)| left.contains(*name));
    let mut expected: BTreeSet<u8> = named.map(|(_, number)| number).collect();
    if unnamed_left {
        expected.insert(UNNAMED);
    }
    allow.scopes.iter().eq(expected)
}

/// The scopes of a set, by bits.
fn names(set: u64) -> BTreeSet<&'static str> {
    NAMES.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, name)| *name).collect()
}

fn numbers(set: u64) -> ScopeSet {
    let held = NUMBERS.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
    held.map(|(_, number)| *number).collect()
}

/// A block cannot name nothing: it names what the catalog does not, which the key has, too.
fn numbers_of_block(set: u64) -> ScopeSet {
    let mut numbers = numbers(set);
    if set == 0 {
        numbers.insert(UNNAMED);
    }
    numbers
}

fn world(risks: &[RiskLevel]) -> Option<World> {
    let mut issuer = Issuer::drawn(&mut Chance::new(1, 1), NOW)?;
    issuer.bounds = wardkey::Bounds::DEFAULT.figures();
    let scopes = risks.iter().zip(NUMBERS).zip(NAMES);
    let scope = |((risk, number), name): ((&RiskLevel, u8), &str)| Scope {
        number,
        risk: *risk,
        name: name.into(),
    };
    issuer.catalog = scopes.map(scope).collect();
    World::new(issuer, 1, NOW, state_bytes(0, 0, &[]))
}

/// At both ends of a byte and of the set.
const NUMBERS: [u8; 5] = [0, 7, 8, 200, 255];
/// Each begins with another.
const NAMES: [&str; 5] = ["a:a", "a:aa", "a:ab", "aa:a", "b:a"];
/// A scope that every key has and no catalog names.
const UNNAMED: u8 = 9;

const MOMENTS: [Moment; 3] =
    [(0, Refresh::NotTried), (100_000, Refresh::Failed), (10_000, Refresh::NotTried)];

const LOW: RiskLevel = RiskLevel::Low;
const STANDARD: RiskLevel = RiskLevel::Standard;
const HIGH: RiskLevel = RiskLevel::High;
const STRICT: RiskLevel = RiskLevel::Strict;
/// Risks of catalogs of four scopes.
const FOURS: [[RiskLevel; 4]; 4] = [
    [LOW, STANDARD, HIGH, STRICT],
    [STRICT, HIGH, STANDARD, LOW],
    [LOW, LOW, LOW, LOW],
    [HIGH, LOW, HIGH, LOW],
];

/// Cases of catalogs of one to three scopes, under all risks.
const SMALL: u64 = 4 * 2 + 16 * 4 + 64 * 8;
const CASES: u64 = SMALL + FOURS.len() as u64 * 16 + 32;

//! Mutants of good keys by someone who knows the format and holds keys, but no signing key: none is allowed.

mod careless;
mod draft;
mod payload;
mod pool;
mod provenance;
mod spelled;

use serde_json::{Value, json};
use wardkey::{Decision, Reason, ScopeSet, UnixSeconds};

use self::careless::Mistake;
use self::draft::Draft;
use self::payload::{From, OPERATORS};
use self::pool::Pool;
use self::provenance::Provenance;
use crate::chance::Chance;
use crate::fixture::word;
use crate::spelling::hex;
use crate::suite::{Cases, Scale, Stretch, Suite};
use crate::tally::Tally;

pub(crate) const SUITE: Suite = Suite {
    name: "mutants",
    cases: Cases::Drawn {
        smoke: 10_000,
        test: cases_with(10_000_000),
        test_in_wasm: cases_with(1_000_000),
        deep: cases_with(1_000_000_000),
        deep_in_wasm: cases_with(10_000_000),
    },
    piece: 100_000,
    must: &[],
    run,
};

/// Cases that have so many real mutants among them. About 109 of a thousand are none, by design: nothing was
/// changed, or only what a holder may change.
const fn cases_with(mutants: u64) -> u64 {
    mutants / 8 * 9
}

/// A case is one mutant. What the verifier finds authentic must be a good key, or one that a holder narrowed,
/// by its very bytes, and is then allowed what the model leaves it and no more.
fn run(stretch: Stretch, tally: &mut Tally) {
    let mut drawn: Option<(u64, Pool)> = None;
    let (mut draft, mut sums) = (Draft::default(), Sums::default());
    for case in stretch.cases() {
        let number = case / OF_A_POOL;
        if drawn.as_ref().is_none_or(|(of, _)| *of != number) {
            drawn = Pool::new(stretch.seed, number).map(|pool| (number, pool));
        }
        let Some((_, pool)) = &drawn else {
            return tally.expect(false, "a pool", || format!("case {case}"));
        };
        let mutant = mutant(stretch.seed, case, pool, &mut draft);
        let text = mutant.text;
        let decision = pool.decide(text);
        let outcome = Outcome::of(&decision, mutant, pool);
        if let Outcome::Wrong(what) = outcome {
            tally.expect(false, "no forgery is allowed", || {
                format!("case {case}: {what}, {}", word(&decision))
            });
        }
        sums.add(outcome, text);
        // The same judge over decisions that are wrong on purpose.
        match outcome {
            _ if case % 8 != 0 => {}
            Outcome::Refused(reason) => {
                for mistake in Mistake::for_reason(reason) {
                    if let Some(missed) = sums.try_careless(*mistake, mutant, pool) {
                        tally.expect(false, "whoever lets a forgery pass is caught", || {
                            format!("case {case}: {} and {missed}", mistake.name())
                        });
                    }
                }
            }
            Outcome::Good => sums.good_refused += u64::from(mutant.is_missed_by(pool)),
            Outcome::Narrowed(_) => sums.narrowed_refused += u64::from(mutant.is_missed_by(pool)),
            Outcome::Wrong(_) => {}
        }
    }
    sums.tell(tally);
}

/// So many mutants, made as those of a run are but all of its first issuer, with the core's decisions: the
/// setting first, then each with its text and its word, as `wardkey_format.mutants` reads them. `None` never.
pub fn sample(scale: Scale, seed: u64, count: u64) -> Option<(Value, impl Iterator<Item = Value>)> {
    let (both, rest) = SUITE.stretches(scale, seed);
    let all = both.count + rest.count;
    let pool = Pool::new(seed, 0)?;
    let setting = json!({
        "key_set": hex(&pool.world.issuer.key_set_bytes()),
        "list": { "head": hex(&pool.world.head_bytes), "state": hex(&pool.world.state_bytes) },
        "required": { "scopes": [pool.scope.1], "mode": "all_of" },
        "now": pool.now.0,
        "caller": pool.caller.to_string(),
        "seed": seed.to_string(),
        "count": count.min(all),
    });
    let mut draft = Draft::default();
    let mut chance = Chance::new(!seed, 0);
    // One of each stretch of the same length.
    let step = all.checked_div(count).unwrap_or(0).max(1);
    let mutants = (0..count.min(all)).map(move |number| {
        let text = mutant(seed, number * step + chance.below(step), &pool, &mut draft).text;
        json!([text, word(&pool.decide(text))])
    });
    Some((setting, mutants))
}

/// A text, and what its maker knows of it.
#[derive(Clone, Copy)]
struct Mutant<'d> {
    text: &'d str,
    /// Nothing was done to one of the verifier's keys but what a holder may do.
    lawful: bool,
}

impl Mutant<'_> {
    /// Whether a verifier that calls it `bad_tag` is told that this is wrong.
    fn is_missed_by(self, pool: &Pool) -> bool {
        matches!(Outcome::of(&pool.refused, self, pool), Outcome::Wrong(_))
    }
}

/// The mutant of a case.
fn mutant<'d>(seed: u64, case: u64, pool: &Pool, draft: &'d mut Draft) -> Mutant<'d> {
    let mut chance = Chance::new(seed, case);
    let own = pool.keys.get(..pool.own).unwrap_or_default();
    let key = if chance.one_in(8) { chance.pick(&pool.keys) } else { chance.pick(own) };
    let (Some(key), Some(other)) = (key, chance.pick(&pool.keys)) else {
        return Mutant { text: "", lawful: false };
    };
    let from = From { key, other, pool };
    draft.begin(key);
    let plan = chance.below(64);
    let operators = match plan {
        // Nothing, appending or respelling alone.
        0..=11 => 0,
        12..=46 => 1,
        47..=58 => 2,
        _ => 3,
    };
    for _ in 0..operators {
        if let Some(operator) = chance.pick(&OPERATORS) {
            operator(draft, from, &mut chance);
        }
    }
    match plan {
        1..=4 | 12..=13 => payload::append(draft, from, &mut chance),
        14..=18 | 47..=48 => payload::tag_with_a_wrong_key(draft, from, &mut chance),
        _ => {}
    }
    let bent = if plan == 5 || chance.one_in(32) { 1 << chance.below(32) } else { 0 };
    draft.spell(bent);
    let respelled = (6..=11).contains(&plan) || chance.one_in(32);
    if respelled {
        spelled::respell(&mut draft.text, &mut chance);
    }
    let text = str::from_utf8(&draft.text).unwrap_or_default();
    Mutant { text, lawful: plan <= 4 && bent == 0 && !respelled }
}

/// What came of a mutant.
#[derive(Clone, Copy)]
enum Outcome {
    /// Not authentic.
    Refused(Reason),
    /// By chance or design nothing was changed.
    Good,
    /// A holder's right, and decided as the model decides it.
    Narrowed(&'static str),
    Wrong(&'static str),
}

impl Outcome {
    fn of(decision: &Decision, Mutant { text, lawful }: Mutant<'_>, pool: &Pool) -> Self {
        if let Decision::Deny(denial) = decision
            && denial.authentic.is_none()
        {
            // WHY: only of what is likely to be good, because it takes longer than to decide.
            let good = if lawful {
                !matches!(Provenance::of(text, pool), Provenance::Forged)
            } else {
                pool.own(text).is_some()
            };
            if good {
                return Self::Wrong("a good key is not authentic");
            }
            return match denial.reason {
                Reason::Malformed
                | Reason::BadChecksum
                | Reason::UnknownSigningKey
                | Reason::PrefixMismatch
                | Reason::BadTag => Self::Refused(denial.reason),
                _ => Self::Wrong("refused for what only an authentic key can be"),
            };
        }
        let provenance = Provenance::of(text, pool);
        let expected = match (decision, provenance.left(pool)) {
            (_, Err("forged")) => return Self::Wrong(FORGERY),
            (Decision::Allow(allow), Ok(left)) => {
                allow.scopes == ScopeSet::from_iter(left.scopes)
                    && allow.expires_at == UnixSeconds(left.expires_at)
            }
            (Decision::Deny(denial), Err(reason)) => denial.reason.as_str() == reason,
            _ => false,
        };
        match provenance {
            _ if !expected => Self::Wrong("not what the model leaves"),
            Provenance::Narrowed(_) => Self::Narrowed(word(decision)),
            _ => Self::Good,
        }
    }
}

/// Counted without a map and digested at the end, because there are so many.
#[derive(Default)]
struct Sums {
    refused: [u64; Reason::ALL.len()],
    good: u64,
    narrowed: Vec<(&'static str, u64)>,
    careless: [u64; Mistake::ALL.len()],
    good_refused: u64,
    narrowed_refused: u64,
    seen: Vec<u8>,
}

impl Sums {
    fn add(&mut self, outcome: Outcome, text: &str) {
        let told = match outcome {
            Outcome::Refused(reason) => {
                if let Some(times) = self.refused.get_mut(reason as usize) {
                    *times += 1;
                }
                reason as u8
            }
            Outcome::Good => {
                self.good += 1;
                100
            }
            Outcome::Narrowed(word) => {
                match self.narrowed.iter_mut().find(|(known, _)| *known == word) {
                    Some((_, times)) => *times += 1,
                    None => self.narrowed.push((word, 1)),
                }
                101
            }
            Outcome::Wrong(_) => 102,
        };
        self.seen.push(told);
        self.seen.extend(mixed(text.as_bytes()).to_be_bytes());
    }

    /// Has a careless verifier decide; what the judge says of it if that is not that it let a forgery pass.
    fn try_careless(
        &mut self,
        mistake: Mistake,
        mutant: Mutant<'_>,
        pool: &Pool,
    ) -> Option<&'static str> {
        if !mistake.accepts(mutant.text, pool) {
            return None;
        }
        match Outcome::of(&pool.allowed, mutant, pool) {
            Outcome::Wrong(FORGERY) => {
                if let Some(times) = self.careless.get_mut(mistake as usize) {
                    *times += 1;
                }
                None
            }
            Outcome::Wrong(other) => Some(other),
            Outcome::Good => Some("taken for a good key"),
            Outcome::Narrowed(_) => Some("taken for a narrowed key"),
            Outcome::Refused(_) => Some("taken for refused"),
        }
    }

    fn tell(self, tally: &mut Tally) {
        tally.outcome(&self.seen);
        for reason in Reason::ALL {
            let times = self.refused.get(reason as usize).copied().unwrap_or(0);
            tally.count_many(&format!("mutant: {}", reason.as_str()), times);
        }
        tally.count_many("no mutant: a good key after all, allowed", self.good);
        for (word, times) in &self.narrowed {
            tally.count_many(&format!("no mutant: narrowed by its holder, {word}"), *times);
        }
        let narrowed: u64 = self.narrowed.iter().map(|(_, times)| times).sum();
        tally.sum("mutants, all of them refused", self.refused.iter().sum());
        tally.sum("cases that are no mutants", self.good + narrowed);
        tally.controls_many("a mutant that is none", self.good);
        tally.controls_many("a verifier refuses a good key", self.good_refused);
        tally.controls_many("a verifier refuses a narrowed key", self.narrowed_refused);
        for (mistake, times) in Mistake::ALL.into_iter().zip(self.careless) {
            tally.controls_many(mistake.name(), times);
        }
    }
}

/// Cases whose mutants are made of one pool's keys, and decided by its one verifier.
const OF_A_POOL: u64 = 300_000;

const FORGERY: &str = "a forgery is authentic";

/// Mixes a text into 64 bits: enough to tell whether two machines made the same mutant, and quick.
fn mixed(text: &[u8]) -> u64 {
    let (groups, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    groups.iter().chain([&last]).fold(text.len() as u64, |mixed, group| {
        (mixed ^ u64::from_be_bytes(*group)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

//! Time and rollback: whatever list is in force, whatever head and state come, whenever: the outcome and then
//! every decision are what FORMAT.md says.

mod heads;
mod model;

use std::collections::BTreeMap;

use wardkey::{
    Adoption, Base, Constraints, Decision, HeadError, KeyId, List, ListError, Query, Refresh,
    Registry as Answer, Requirement, RiskLevel, ScopeSet, State, StatusIndex, Subject, UnixMillis,
    UnixSeconds, UnverifiedHead,
};

use self::heads::{BEFORE, BIT_OF_NEWER, Before, FLOOR, ISSUED, Incoming, Registry, USUAL};
use self::model::{Bent, Bits, InForce, Key, Rules};
use crate::fixture::{list_at, word};
use crate::issuer::World;
use crate::suite::{Cases, Stretch, Suite};
use crate::tally::Tally;

pub(crate) const SUITE: Suite = Suite {
    name: "rollback",
    cases: Cases::Every {
        all: BEFORE * STATES * PARTS,
        in_wasm: BEFORE * STATES * PARTS,
        smoke: BEFORE * STATES,
    },
    piece: 4,
    run,
};

/// A case is a list in force, what state comes with the heads, and one part of the times at which they come;
/// every head is tried at every time of that part.
fn run(stretch: Stretch, tally: &mut Tally) {
    let Some(matrix) = Matrix::new() else {
        return tally.expect(false, "a matrix", String::new);
    };
    for case in stretch.cases() {
        let (before, rest) = (case % BEFORE, case / BEFORE);
        let mut sums = Sums::default();
        match matrix.try_all(before, rest % STATES, rest / STATES, &mut sums) {
            Some(Ok(())) => sums.tell(tally),
            Some(Err(wrong)) => {
                tally.expect(false, "as the model says", || format!("case {case}: {wrong}"));
            }
            None => tally.expect(false, "a case", || format!("case {case}")),
        }
    }
}

/// The verifier, its keys, and who makes its heads.
struct Matrix {
    registry: Registry,
    world: World,
    rules: Rules,
    keys: Vec<(Key, String)>,
    required: Vec<(RiskLevel, Requirement)>,
}

#[derive(Default)]
struct Sums {
    words: BTreeMap<(&'static str, &'static str), u64>,
    seen: Vec<u8>,
    noticed: [u64; Bent::ALL.len()],
}

impl Matrix {
    fn new() -> Option<Self> {
        let registry = Registry::new()?;
        let issuer = registry.issuer.clone();
        let rules = Rules { bounds: issuer.bounds, version: issuer.version };
        // Only its key set counts here: the lists are made case by case.
        let empty = crate::issuer::state_bytes(0, 0, &[]);
        let world = World::new(issuer, 1, UnixMillis(USUAL), empty)?;
        let mut required = vec![];
        for level in RiskLevel::ALL {
            let name = format!("thing:{}", level.as_str());
            required.push((level, Requirement::all_of(&world.catalog()?, [&*name]).ok()?));
        }
        let mut matrix = Self { registry, world, rules, keys: vec![], required };
        for key in keys() {
            let text = matrix.text(&key)?;
            matrix.keys.push((key, text));
        }
        Some(matrix)
    }

    fn text(&self, key: &Key) -> Option<String> {
        let issuer = &self.world.issuer;
        let signer = issuer.signers.get(usize::from(!key.in_window))?;
        let not_before = (key.not_before > 0).then_some(UnixSeconds(key.not_before));
        let base = Base {
            signing_key: issuer.id(signer),
            key_id: KeyId([0; 8]),
            status_index: StatusIndex(key.index),
            issued_at: UnixSeconds(key.issued_at),
            expires_at: UnixSeconds(key.expires_at),
            subject: Subject::new("s").ok()?,
            scopes: ScopeSet::from_iter(0..4),
            constraints: Constraints { not_before, networks: None },
        };
        Some(issuer.mint(&base)?.secret_str().to_owned())
    }

    /// `None` if something could not be set up; an error for what came out otherwise than it should.
    fn try_all(
        &self,
        before: u64,
        state: u64,
        part: u64,
        sums: &mut Sums,
    ) -> Option<Result<(), String>> {
        let before = self.registry.before(before)?;
        let incoming = self.registry.incoming(before.at)?;
        let times = times(before.at, &self.rules);
        // Early and late ones in every part.
        let times = times.into_iter().skip(part as usize).step_by(PARTS as usize);
        for (place, now) in times.enumerate() {
            for head in &incoming {
                // Of no time: it cannot be read.
                if head.name == "cut" && place > 0 {
                    continue;
                }
                let right = head.read.as_ref().map_or_else(|_| None, |says| Some(&says.state));
                let given = given(state, right);
                if let Err(wrong) = self.try_one(&before, head, &given, now, sums)? {
                    return Some(Err(format!(
                        "{} while {:?} is in force, at {now}: {wrong}",
                        head.name, before.says
                    )));
                }
            }
        }
        Some(Ok(()))
    }

    /// One head at one moment, and then every decision.
    fn try_one(
        &self,
        before: &Before,
        incoming: &Incoming,
        given: &[u8],
        now: u64,
        sums: &mut Sums,
    ) -> Option<Result<(), String>> {
        let mut list = match &before.says {
            None => None,
            Some(_) => {
                let head = crate::fixture::head(&before.head, &before.key_set)?;
                let list = list_at(&head, &before.state, &before.key_set, UnixMillis(before.at));
                Some(list?)
            }
        };
        let was = list.as_ref().map(|list| *list.head());
        let outcome = self.come(&mut list, &incoming.bytes, given, now);
        let readable = State::parse(given).is_ok().then(|| bits_of(given)).flatten();
        let expect = |bent| match &incoming.read {
            Ok(says) => model::adopt(&self.rules, bent, &before.says, says, readable.as_ref(), now),
            Err(word) => (*word, before.says.clone()),
        };
        let (expected, in_force) = expect(None);
        sums.count("head", outcome);
        if outcome != expected {
            return Some(Err(format!("{outcome}, not {expected}")));
        }
        if expected != "adopted" && list.as_ref().map(|list| *list.head()) != was {
            return Some(Err(format!("{outcome}, and yet the list has changed")));
        }
        for ((bent, _), noticed) in Bent::ALL.into_iter().zip(&mut sums.noticed) {
            *noticed += u64::from(expect(Some(bent)).0 != outcome);
        }
        // What does not change the list needs to be decided once for all of its kind.
        let telling = expected == "adopted" || incoming.name == TELLING;
        let decided =
            if telling { self.decide_all(list.as_ref(), &in_force, now, sums) } else { Ok(()) };
        Some(decided.map_err(|wrong| format!("{outcome}, then {wrong}")))
    }

    fn decide_all(
        &self,
        list: Option<&List<Vec<u8>>>,
        in_force: &InForce,
        now: u64,
        sums: &mut Sums,
    ) -> Result<(), String> {
        for (key, text) in &self.keys {
            for (level, required) in &self.required {
                for refresh in [Refresh::NotTried, Refresh::Failed] {
                    let (now_ms, registry) = (UnixMillis(now), Answer::NotAsked);
                    let query = Query { required, now: now_ms, caller: None, refresh, registry };
                    let decision = wardkey::verify(&self.world.key_set, list, text, query);
                    let seen = match &decision {
                        Decision::Allow(allow) => {
                            let list = allow.list;
                            Some((list.sequence, list.age_ms, list.zone.as_str()))
                        }
                        _ => None,
                    };
                    let decided = (word(&decision), seen);
                    let failed = refresh == Refresh::Failed;
                    let expect =
                        |bent| model::decide(&self.rules, bent, in_force, key, *level, failed, now);
                    sums.count("key", decided.0);
                    if decided != expect(None) {
                        return Err(format!("{decided:?} for {level:?}, {refresh:?}, {key:?}"));
                    }
                    for ((bent, _), noticed) in Bent::ALL.into_iter().zip(&mut sums.noticed) {
                        *noticed += u64::from(expect(Some(bent)) != decided);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads and adopts as a host does; the word of section 4.4 or 4.5.
    fn come(
        &self,
        list: &mut Option<List<Vec<u8>>>,
        bytes: &[u8],
        given: &[u8],
        now: u64,
    ) -> &'static str {
        let key_set = &self.world.key_set;
        let read = UnverifiedHead::parse(bytes).and_then(|head| head.authenticate(key_set));
        let head = match read {
            Ok(head) => head,
            Err(error) => return head_word(error),
        };
        let state = State::parse(given).ok();
        match List::adopt(list, &head, state, UnixMillis(now), key_set.bounds()) {
            Ok(Adoption::Adopted) => "adopted",
            Ok(Adoption::InForce) => "in_force",
            Ok(Adoption::StateNeeded) => "state_needed",
            Err(ListError::ClockBehind) => "clock_behind",
            Err(ListError::Older) => "older",
            Err(ListError::OtherState) => "other_state",
            Err(ListError::OtherAudience) => "other_audience",
            Err(_) => "an unknown error",
        }
    }
}

impl Sums {
    fn count(&mut self, of: &'static str, word: &'static str) {
        self.seen.extend(word.as_bytes());
        *self.words.entry((of, word)).or_default() += 1;
    }

    fn tell(self, tally: &mut Tally) {
        tally.outcome(&self.seen);
        for ((of, word), times) in &self.words {
            tally.count_many(&format!("{of}: {word}"), *times);
        }
        for ((_, name), noticed) in Bent::ALL.into_iter().zip(self.noticed) {
            tally.controls_many(name, noticed);
        }
    }
}

fn head_word(error: HeadError) -> &'static str {
    match error {
        HeadError::Length => "length",
        HeadError::Version => "version",
        HeadError::Order => "order",
        HeadError::NotAfter => "not_after",
        HeadError::Changes => "changes",
        HeadError::Tenant => "tenant",
        HeadError::Audience => "audience",
        HeadError::Tag => "tag",
        _ => "an unknown error",
    }
}

/// The bytes that come as the state: of the head's, of another, cut, or none at all.
fn given(which: u64, right: Option<&Bits>) -> Vec<u8> {
    let other = Bits { floor: FLOOR, dead: vec![false; 3] };
    let mut bytes = match which {
        0 => return vec![],
        1 | 2 => right.unwrap_or(&other).bytes(),
        _ => other.bytes(),
    };
    if which == 2 {
        bytes.pop();
    }
    bytes
}

/// A state's bytes, which are of its one spelling, as bits.
fn bits_of(bytes: &[u8]) -> Option<Bits> {
    let (floor, rest) = bytes.get(1..)?.split_first_chunk()?;
    let (count, bits) = rest.split_first_chunk()?;
    let bit =
        |place: u32| bits.get((place / 8) as usize).is_some_and(|b| b >> (place % 8) & 1 == 1);
    let dead = (0..u32::from_be_bytes(*count)).map(bit).collect();
    Some(Bits { floor: u32::from_be_bytes(*floor), dead })
}

/// Every time that matters to a list of this time, its successor and the keys, and the ends of time.
fn times(at: u64, rules: &Rules) -> Vec<u64> {
    let [fresh_for, high, standard, low, skew] = rules.bounds.map(u64::from);
    let later = at.saturating_add(60_000);
    let mut edges = vec![0, at, later, u64::MAX];
    for from in [at, later] {
        edges.extend([20_000, fresh_for, high, standard, low].map(|ms| from.saturating_add(ms)));
        edges.push(from.saturating_sub(skew));
    }
    for key in keys() {
        for second in [key.issued_at, key.not_before, key.expires_at] {
            let ms = u64::from(second) * 1_000;
            edges.extend([ms, ms.saturating_sub(skew)]);
        }
    }
    let around = |edge: u64| [edge.saturating_sub(1), edge, edge.saturating_add(1)];
    let mut times: Vec<u64> = edges.into_iter().flat_map(around).collect();
    times.extend((0..u64::BITS).map(|bit| 1 << bit));
    times.sort_unstable();
    times.dedup();
    times
}

/// Keys whose times and indexes meet every rule of section 5.
fn keys() -> [Key; 10] {
    let usual = Key {
        index: FLOOR,
        issued_at: ISSUED,
        expires_at: ISSUED + 8_000,
        not_before: 0,
        in_window: true,
        of_dead_epoch: true,
    };
    let list_second = (USUAL / 1_000) as u32;
    [
        usual,
        Key { index: FLOOR + BIT_OF_NEWER, ..usual },
        Key { index: FLOOR + 3, ..usual },
        Key { index: FLOOR - 1, ..usual },
        Key {
            index: u32::MAX,
            not_before: list_second + 62,
            expires_at: list_second + 70,
            ..usual
        },
        Key { issued_at: list_second + 20, ..usual },
        // Dead as soon as the next list has moved the clock.
        Key { expires_at: list_second + 60, ..usual },
        Key { in_window: false, of_dead_epoch: false, ..usual },
        Key { issued_at: 0, expires_at: u32::MAX, ..usual },
        Key { issued_at: 1, expires_at: u32::MAX, ..usual },
    ]
}

/// The head that changes nothing after which every decision is tried, too.
const TELLING: &str = "an older sequence";
/// No state, the right one, that one cut, another one.
const STATES: u64 = 4;
/// Parts of the times, so that no case takes long; with this many the first one meets every rule.
const PARTS: u64 = 15;

//! Time and rollback: whatever list is in force, whatever head and state come, whenever: the outcome and then
//! every decision are what FORMAT.md says.

mod heads;
mod host;
mod keys;
mod model;
mod states;
mod times;

use std::collections::BTreeMap;

use wardkey::{
    Decision, List, Query, Refresh, Registry as Answer, Requirement, RiskLevel, State, UnixMillis,
};

use self::heads::{BEFORE, Before, Incoming, Registry, USUAL};
use self::keys::keys;
use self::model::{Bent, InForce, Key, Rules};
use self::states::{STATES, bits_of, given};
use self::times::times;
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
    must: &[
        "head: adopted",
        "head: in_force",
        "head: older",
        "head: clock_behind",
        "head: state_needed",
        "head: other_state",
        "head: other_audience",
        "key: allow",
        "key: inactive",
        "key: no_key_set",
        "key: list_stale",
    ],
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
            let text = keys::text(&matrix.world.issuer, &key)?;
            matrix.keys.push((key, text));
        }
        Some(matrix)
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
        let incoming = self.registry.incoming(&before)?;
        let times = times(before.at, before.has_wide_state(), &self.rules);
        // Early and late ones in every part.
        let times = times.into_iter().skip(part as usize).step_by(PARTS as usize);
        for (place, now) in times.enumerate() {
            for head in &incoming {
                // Of no time: it cannot be read.
                if head.name == "cut" && place > 0 {
                    continue;
                }
                // They take long; every part has some of them.
                if head.has_wide_state() && !place.is_multiple_of(8) {
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
        let outcome = host::come(&self.world.key_set, &mut list, &incoming.bytes, given, now);
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
        // Also where nothing was adopted: changes that lead elsewhere are undone.
        if !self.is_as(list.as_ref(), &in_force) {
            return Some(Err(format!("{outcome}, and the state in force is another")));
        }
        for ((bent, _), noticed) in Bent::ALL.into_iter().zip(&mut sums.noticed) {
            let (word, left) = expect(Some(bent));
            let seen = word != outcome || left != in_force && !self.is_as(list.as_ref(), &left);
            *noticed += u64::from(seen);
        }
        // What does not touch the list needs to be decided once for all of its kind; changes may touch it.
        let has_log = incoming.read.as_ref().is_ok_and(|says| says.log.is_some());
        let undone = has_log && ["state_needed", "other_state"].contains(&expected);
        let telling = expected == "adopted" || undone || incoming.name == TELLING;
        let decided =
            if telling { self.decide_all(list.as_ref(), &in_force, now, sums) } else { Ok(()) };
        Some(decided.map_err(|wrong| format!("{outcome}, then {wrong}")))
    }

    /// Whether the state in force is the model's, by its digest and by every index that keys have.
    fn is_as(&self, list: Option<&List<Vec<u8>>>, in_force: &InForce) -> bool {
        match (list, in_force) {
            (Some(list), Some(says)) => {
                let (state, bits) = (list.state(), &says.state);
                let mut indexes = self.keys.iter().map(|(key, _)| key.index);
                Some(state.digest()) == bits.digest()
                    && indexes.all(|index| state.is_dead(index) == bits.is_dead(index))
            }
            (None, None) => true,
            _ => false,
        }
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

/// The head that changes nothing after which every decision is tried, too.
const TELLING: &str = "an older sequence";
/// Parts of the times, so that no case takes long; with this many the first one meets every rule.
const PARTS: u64 = 15;

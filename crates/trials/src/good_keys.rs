//! Good keys: every one is allowed, with exactly what its issuer said and its holders left.

use wardkey::{
    Allow, Ask, Decision, Echo, ListSeen, Query, Refresh, Registry, RegistryVerdict, Requirement,
    RiskLevel, ScopeSet, UnixMillis, UnixSeconds, Zone,
};

use crate::chance::Chance;
use crate::drawn::{Aim, DrawnKey, drawn_caller, drawn_narrowing};
use crate::fixture::{NOW, word};
use crate::issuer::World;
use crate::model::{Asked, Left, strictest};
use crate::suite::{Cases, Stretch, Suite};
use crate::tally::Tally;

pub(crate) const SUITE: Suite = Suite {
    name: "good-keys",
    cases: Cases::Drawn {
        smoke: 200,
        test: 1_000_000,
        test_in_wasm: 50_000,
        deep: 10_000_000,
        deep_in_wasm: 1_000_000,
    },
    piece: 10_000,
    must: &[],
    run,
};

/// A case is a key of one of a few issuers, asked for what it may do, when and from where it may.
fn run(stretch: Stretch, tally: &mut Tally) {
    let Some(worlds) = worlds(stretch.seed) else {
        return tally.expect(false, "issuers", String::new);
    };
    for case in stretch.cases() {
        let mut chance = Chance::new(stretch.seed, case);
        let Some(good) = chance.pick(&worlds).and_then(|world| Good::drawn(world, &mut chance))
        else {
            tally.expect(false, "a good key", || format!("case {case}"));
            continue;
        };
        let decision = good.decision();
        let Decision::Allow(allow) = &decision else {
            tally.expect(false, "allowed", || format!("case {case}: {}", word(&decision)));
            continue;
        };
        let expected = good.expected();
        let (blocks, zone) = (good.key.said.holders.len(), expected.list.zone.as_str());
        let what = format!("allowed, {zone}, {blocks} times narrowed");
        tally.expect(*allow == expected, &what, || format!("case {case}: {allow:?}"));
        tally.outcome(good.key.text.as_bytes());
        // Each differs in one thing, so that none is caught by another's.
        let base = &good.key.base;
        for (mistake, bent) in [
            ("all scopes of the base are told", Allow { scopes: base.scopes, ..expected }),
            ("the base's expiry is told", Allow { expires_at: base.expires_at, ..expected }),
            ("no key is told to be narrowed", Allow { narrowed: false, ..expected }),
            (
                "the list's age is not told",
                Allow { list: ListSeen { age_ms: 0, ..expected.list }, ..expected },
            ),
        ] {
            tally.control(mistake, *allow != bent);
        }
    }
}

/// Issuers of chance, the same for every piece.
pub(crate) fn worlds(seed: u64) -> Option<Vec<World>> {
    (0..WORLDS).map(|number| World::drawn(&mut Chance::new(seed, u64::MAX - number), NOW)).collect()
}

/// A good key and the question to which it is good.
struct Good<'w> {
    world: &'w World,
    key: DrawnKey,
    required: Requirement,
    level: RiskLevel,
    now: UnixMillis,
    /// The newest time that there is proof of.
    later: UnixMillis,
    aim_core: Vec<u8>,
    caller: std::net::IpAddr,
    any: bool,
    must_ask: bool,
}

impl<'w> Good<'w> {
    fn drawn(world: &'w World, chance: &mut Chance) -> Option<Self> {
        let catalog = world.catalog()?;
        let scopes = &world.issuer.catalog;
        let core: Vec<_> = (0..1 + chance.below(3)).filter_map(|_| chance.pick(scopes)).collect();
        let any = chance.one_in(2);
        let mut named = core.clone();
        if any {
            named.extend((0..chance.below(3)).filter_map(|_| chance.pick(scopes)));
        }
        let names = named.iter().map(|scope| &*scope.name);
        let required = if any {
            Requirement::any_of(&catalog, names)
        } else {
            Requirement::all_of(&catalog, names)
        };
        let mut required = required.ok()?;
        let mut level = strictest(named.iter().map(|scope| scope.risk));
        if chance.one_in(8) {
            (required, level) = (required.strict(), RiskLevel::Strict);
        }
        let [fresh_for, high, standard, low, max_skew] = world.issuer.bounds;
        let bound = match level {
            RiskLevel::Low => low,
            RiskLevel::Standard => standard,
            RiskLevel::High => high,
            // The list may be of any age.
            RiskLevel::Strict => 9_000_000,
        };
        let (now, must_ask) = match chance.below(4) {
            0 => (NOW.0 - u64::from(chance.between(0, max_skew)), false),
            1 => (NOW.0 + u64::from(chance.between(0, fresh_for)), false),
            _ => (NOW.0 + u64::from(chance.between(0, bound)), true),
        };
        let (now, caller) = (UnixMillis(now), drawn_caller(chance));
        let core: Vec<u8> = core.into_iter().map(|scope| scope.number).collect();
        let later = now.max(NOW);
        let aim = Aim { now: later, caller, core: &core, kind: true };
        let mut key = DrawnKey::minted(&world.issuer, world.living(chance)?, aim, chance)?;
        for _ in 0..chance.below(5) {
            let Some(narrowed) = key.narrowed(drawn_narrowing(&world.issuer, aim, chance)) else {
                break;
            };
            key = narrowed;
        }
        let aim_core = core;
        Some(Self { world, key, required, level, now, later, aim_core, caller, any, must_ask })
    }

    fn decision(&self) -> Decision {
        let decide = |registry| {
            let refresh = if self.must_ask { Refresh::Failed } else { Refresh::NotTried };
            let (required, now) = (&self.required, self.now);
            let query = Query { required, now, caller: Some(self.caller), refresh, registry };
            wardkey::verify(&self.world.key_set, Some(&self.world.list), &self.key.text, query)
        };
        match decide(Registry::NotAsked) {
            Decision::Ask(Ask::Registry(question)) => {
                let alive = RegistryVerdict::Alive { sequence: ANSWERED };
                match question.answered(&Echo(self.key.base), alive) {
                    Ok(confirmation) => decide(Registry::Answered(&confirmation)),
                    Err(_) => decide(Registry::Failed),
                }
            }
            decision => decision,
        }
    }

    fn expected(&self) -> Allow {
        let asked = Asked {
            scopes: &self.aim_core,
            any: self.any,
            now_ms: self.later.0,
            skew_ms: 0,
            caller: Some(self.caller),
        };
        let said = &self.key.said;
        let timely = said.untimely(None, &asked).is_none();
        let left = said.left(None, &asked).ok().filter(|_| timely);
        let Left { scopes, expires_at } = left.unwrap_or_default();
        let base = &self.key.base;
        let age_ms = self.later.0 - NOW.0;
        let list = if self.level == RiskLevel::Strict {
            ListSeen { sequence: ANSWERED, age_ms: 0, zone: Zone::Registry }
        } else {
            let fresh = age_ms <= u64::from(self.world.issuer.bounds[0]);
            let zone = if fresh { Zone::Fresh } else { Zone::MustAsk };
            ListSeen { sequence: self.world.list.head().sequence(), age_ms, zone }
        };
        Allow {
            subject: base.subject,
            key_id: base.key_id,
            status_index: base.status_index,
            signing_key: base.signing_key,
            scopes: ScopeSet::from_iter(scopes),
            expires_at: UnixSeconds(expires_at),
            narrowed: !said.holders.is_empty(),
            list,
        }
    }
}

const WORLDS: u64 = 6;
/// What the registry says is its sequence.
const ANSWERED: u64 = 77;

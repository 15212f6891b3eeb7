//! What a report, a reading and a telling cost does not depend on how much is kept. Nothing here is timed: SQLite counts.

use wardkey_testkit::Cost;

use crate::{DAY_MS, KEY, Kept, NOW, entry, report};

/// What each costs with so many keys of which something was reported.
fn costs(keys: u32) -> Vec<(&'static str, Cost)> {
    let kept = Kept::new();
    for id in 0..keys / 200 {
        let said = (0..200).map(|n| entry(&format!("key_{:016x}", id * 200 + n), 8, "allow", 1));
        kept.send(1, report(id, said.collect())).unwrap();
    }
    while let Some((_, told)) = kept.usage().due_sightings(NOW.plus(DAY_MS)).unwrap() {
        let verdicts = vec![wardkey_registry::SightingVerdict::Alive; told.len()];
        kept.usage().sightings_told(&told, &verdicts, NOW).unwrap();
    }
    let mut costs = Vec::new();
    let mut count = |what, act: &dyn Fn()| {
        kept.store.meter.take();
        act();
        costs.push((what, kept.store.meter.take()));
    };
    count("a new key", &|| drop(kept.send(1, report(90_000, vec![entry(KEY, 8, "allow", 1)]))));
    count("a known key", &|| drop(kept.send(1, report(90_001, vec![entry(KEY, 8, "allow", 1)]))));
    count("again", &|| drop(kept.send(1, report(90_001, vec![entry(KEY, 8, "allow", 1)]))));
    count("reading", &|| drop(kept.read(KEY)));
    count("what is due", &|| drop(kept.usage().next_due(NOW)));
    count("telling", &|| drop(kept.usage().due_sightings(NOW.plus(DAY_MS))));
    count("sweeping nothing", &|| drop(kept.usage().sweep_some(NOW.plus(2 * DAY_MS))));
    costs
}

#[test]
fn nothing_costs_more_where_more_is_kept() {
    let (few, many) = (costs(400), costs(20_000));
    for ((what, few), (_, many)) in few.into_iter().zip(many) {
        assert!(few.statements > 0, "{what}");
        assert!(many.steps <= few.steps + 40, "{what}: {} steps, then {}", few.steps, many.steps);
        assert!(many.scan_steps <= few.scan_steps + 4, "{what}: {few:?}, then {many:?}");
        assert_eq!(few.statements, many.statements, "{what}");
    }
}

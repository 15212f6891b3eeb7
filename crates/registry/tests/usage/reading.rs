//! What is told of a key.

use wardkey_registry::{LostUsage, UsageEntry, UsageReport};

use crate::{DAY_MS, KEY, Kept, NOW, SECOND, decisions, entry, entry_at, report, report_at};

#[test]
fn a_key_that_nobody_reported_was_not_used() {
    let kept = Kept::new();
    for _ in 0..2 {
        let usage = kept.read(KEY);
        assert_eq!((usage.first_used, usage.last_used, decisions(&usage)), (None, None, 0));
        assert_eq!(usage.never_used_scopes, ["reports:read", "reports:write"]);
        assert_eq!(usage.lost, LostUsage::default());
        // Nor is there a difference once others were.
        kept.send(1, report(1, vec![entry("key_0000000000000001", 8, "allow", 1)])).unwrap();
    }
}

#[test]
fn counts_are_told_by_outcome_generation_scope_and_verifier() {
    let kept = Kept::new();
    let scopes = |names: &[&str], one: UsageEntry| UsageEntry {
        scopes: names.iter().map(|name| (*name).into()).collect(),
        ..one
    };
    let entries = vec![
        UsageEntry { first: SECOND - 30, last: SECOND - 20, ..entry(KEY, 8, "allow", 5) },
        entry(KEY, 9, "allow", 2),
        scopes(&["reports:write"], entry(KEY, 9, "scope_missing", 3)),
        scopes(&["status:read", "reports:read"], entry(KEY, 8, "inactive", 1)),
        entry(KEY, 8, "ask", 9),
    ];
    kept.send(1, UsageReport { lost: 4, ..report(1, entries) }).unwrap();
    let other =
        UsageReport { verifier: "eu/2".into(), ..report(2, vec![entry(KEY, 8, "allow", 1)]) };
    kept.send(1, other).unwrap();
    let usage = kept.read(KEY);
    assert_eq!((usage.first_used, usage.last_used), (Some(SECOND - 30), Some(SECOND)));
    let outcomes: Vec<_> =
        usage.outcomes.iter().map(|one| (one.outcome.as_str(), one.count)).collect();
    let wanted = [("allow", 8), ("ask", 9), ("inactive", 1), ("scope_missing", 3)];
    assert_eq!(outcomes, wanted);
    let generations: Vec<_> =
        usage.generations.iter().map(|one| (one.number, one.allowed, one.denied)).collect();
    assert_eq!(generations, [(1, 6, 1), (2, 2, 3)]);
    let scopes: Vec<_> =
        usage.scopes.iter().map(|one| (one.name.as_str(), one.allowed, one.denied)).collect();
    assert_eq!(scopes, [("reports:read", 8, 1), ("reports:write", 0, 3), ("status:read", 0, 1)]);
    // A denied try is no use of a scope.
    assert_eq!(usage.never_used_scopes, ["reports:write"]);
    let verifiers: Vec<_> =
        usage.verifiers.iter().map(|one| (one.name.as_str(), one.allowed, one.denied)).collect();
    assert_eq!(verifiers, [("eu/2", 1, 0), ("gateway-1", 7, 4)]);
    assert_eq!(usage.lost, LostUsage { by_verifiers: 4, by_registry: 0 });
}

/// Reports come in any order: of a network's, the one of before is the later one.
#[test]
fn the_first_and_the_last_time_are_those_of_all_reports() {
    let kept = Kept::new();
    for (id, first, last) in [(1, 20, 10), (2, 40, 30), (3, 15, 0), (4, 35, 20)] {
        let (first, last) = (SECOND - first, SECOND - last);
        let said = UsageEntry { first, last, ..entry(KEY, 8, "allow", 1) };
        kept.send(1, report(id, vec![said])).unwrap();
    }
    let usage = kept.read(KEY);
    assert_eq!((usage.first_used, usage.last_used), (Some(SECOND - 40), Some(SECOND)));
}

/// What the verifiers of one audience claim of another one's key is nothing about that key.
#[test]
fn only_the_keys_own_audience_and_generations_count() {
    let kept = Kept::new();
    kept.send(2, UsageReport { lost: 3, ..report(1, vec![entry(KEY, 8, "allow", 5)]) }).unwrap();
    kept.send(1, report(1, vec![entry(KEY, 77, "allow", 5)])).unwrap();
    let usage = kept.read(KEY);
    assert_eq!((decisions(&usage), usage.verifiers.len(), usage.lost.by_verifiers), (0, 0, 0));
    assert_eq!(decisions(&kept.read_at(2, KEY, NOW)), 5);
}

#[test]
fn counts_are_kept_by_the_day_and_shown_for_ninety() {
    let kept = Kept::new();
    for day in 0..3 {
        let now = NOW.plus(day * DAY_MS);
        let said = entry_at(now, entry(KEY, 8, "allow", 1));
        kept.send_at(1, report_at(day as u32, now, vec![said]), now).unwrap();
    }
    for (after_days, shown) in [(2, 3), (89, 3), (90, 2), (91, 1), (92, 0)] {
        let usage = kept.read_at(1, KEY, NOW.plus(after_days * DAY_MS));
        assert_eq!(decisions(&usage), shown, "after {after_days} days");
        assert!(usage.first_used.is_none_or(|first| first >= usage.since));
    }
}

/// However many names a verifier makes up, an answer stays of its size, and no scope that was used is told as unused.
#[test]
fn made_up_names_neither_fill_an_answer_nor_hide_a_use() {
    let kept = Kept::new();
    kept.send(1, report(0, vec![entry_at(NOW, entry(KEY, 8, "allow", 1))])).unwrap();
    for id in 1..4 {
        let made_up = (0..200).map(|n| UsageEntry {
            scopes: vec![format!("made:up-{id}-{n}")],
            ..entry(KEY, 8, "allow", 1)
        });
        kept.send(1, report(id, made_up.collect())).unwrap();
    }
    for id in 10..130 {
        let verifier = format!("made-up/{id}");
        kept.send(1, UsageReport { verifier, ..report(id, vec![entry(KEY, 8, "allow", 1)]) })
            .unwrap();
    }
    let usage = kept.read(KEY);
    assert_eq!((usage.scopes.len(), usage.verifiers.len()), (256, 100));
    assert_eq!(usage.never_used_scopes, ["reports:write"]);
}

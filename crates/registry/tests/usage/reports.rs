//! What a report may say, that it counts once, and how much is kept.

use wardkey::UnixMillis;
use wardkey_registry::{
    RegistryError, Reporter, UsageCall, UsageEntry, UsagePeriod, UsageReply, UsageReport,
};

use crate::{DAY_MS, KEY, Kept, NOW, SECOND, decisions, entry, entry_at, report, report_at};

#[test]
fn a_report_counts_once_however_often_it_is_sent() {
    let kept = Kept::new();
    let said = report(1, vec![entry(KEY, 8, "allow", 3)]);
    let first = kept.send(1, said.clone()).unwrap();
    assert_eq!((first.repeated, first.counted, first.dropped), (false, 3, 0));
    for _ in 0..3 {
        let again = kept.send_at(1, said.clone(), NOW.plus(6 * DAY_MS)).unwrap();
        assert_eq!((again.repeated, again.counted, again.dropped), (true, 3, 0));
    }
    assert_eq!(decisions(&kept.read(KEY)), 3);
    // Another report, and the same name from another credential, are counted beside it.
    kept.send(1, report(2, vec![entry(KEY, 8, "allow", 4)])).unwrap();
    assert!(!kept.send(2, said.clone()).unwrap().repeated);
    assert_eq!(decisions(&kept.read(KEY)), 7);
    // One name is one report's: nothing of another one is counted.
    let other = UsageReport { lost: 1, ..said };
    let refused = kept.send(1, other).unwrap_err();
    assert!(matches!(refused, RegistryError::Invalid { field, .. } if field == "report_id"));
    assert_eq!((decisions(&kept.read(KEY)), kept.read(KEY).lost.by_verifiers), (7, 0));
}

/// However late a report may come, it is still known then: nothing is counted twice that was forgotten in between.
#[test]
fn no_report_is_forgotten_while_it_could_come_again() {
    let kept = Kept::new();
    let said = UsageReport {
        period: UsagePeriod { from: SECOND, until: SECOND + 300 },
        ..report(1, vec![entry_at(NOW, entry(KEY, 8, "allow", 3))])
    };
    kept.send(1, said.clone()).unwrap();
    let mut now = NOW;
    loop {
        now = now.plus(DAY_MS / 4);
        for _ in 0..3 {
            kept.usage().sweep_some(kept.usage().next_due(now).unwrap().unwrap()).unwrap();
        }
        match kept.send_at(1, said.clone(), now) {
            Ok(again) => assert!(again.repeated),
            Err(RegistryError::Invalid { field, .. }) => break assert_eq!(field, "period"),
            Err(other) => panic!("{other}"),
        }
    }
    assert!(now.since(NOW) > 7 * DAY_MS);
    assert_eq!(decisions(&kept.read(KEY)), 3);
}

#[test]
fn what_a_report_may_not_say_is_named_by_its_field_and_not_repeated() {
    let good = report(1, vec![entry(KEY, 8, "allow", 3)]);
    let with = |change: &dyn Fn(&mut UsageReport)| {
        let mut said = good.clone();
        change(&mut said);
        said
    };
    let entry_with = |change: &dyn Fn(&mut UsageEntry)| with(&|said| change(&mut said.entries[0]));
    let secret = "wk_test_hunter2hunter2";
    let cases: Vec<(&str, UsageReport)> = vec![
        ("report_id", with(&|said| said.report_id = "short".into())),
        ("report_id", with(&|said| said.report_id = "x".repeat(65))),
        ("report_id", with(&|said| said.report_id = "a report's name".into())),
        ("verifier", with(&|said| said.verifier = String::new())),
        ("verifier", with(&|said| said.verifier = "Gateway".into())),
        ("verifier", with(&|said| said.verifier = "x".repeat(64))),
        ("period", with(&|said| said.period.from = SECOND + 1)),
        ("period", with(&|said| said.period.from = SECOND - 86_401)),
        ("period", with(&|said| said.period = UsagePeriod { from: SECOND, until: SECOND + 301 })),
        (
            "period",
            with(&|said| {
                let until = SECOND - 7 * 86_400 - 1;
                said.period = UsagePeriod { from: until, until };
            }),
        ),
        ("lost", with(&|said| said.lost = 1_000_000_000_001)),
        ("entries", with(&|said| said.entries = vec![entry(KEY, 8, "allow", 1); 257])),
        ("entries[0].key_id", entry_with(&|one| one.key_id = secret.into())),
        ("entries[0].key_id", entry_with(&|one| one.key_id = KEY.to_uppercase())),
        ("entries[0].scopes", entry_with(&|one| one.scopes = vec![])),
        ("entries[0].scopes", entry_with(&|one| one.scopes = vec![secret.into()])),
        ("entries[0].scopes", entry_with(&|one| one.scopes = vec!["a:b".into(); 17])),
        ("entries[0].outcome", entry_with(&|one| one.outcome = secret.into())),
        ("entries[0].count", entry_with(&|one| one.count = 0)),
        ("entries[0].count", entry_with(&|one| one.count = 1_000_000_001)),
        ("entries[0].first", entry_with(&|one| one.first = SECOND - 61)),
        ("entries[0].first", entry_with(&|one| one.first = one.last + 1)),
        ("entries[0].first", entry_with(&|one| one.last = SECOND + 1)),
    ];
    let kept = Kept::new();
    for (wanted, said) in cases {
        match kept.send(1, said).unwrap_err() {
            RegistryError::Invalid { field, problem } => {
                assert_eq!(field, wanted);
                assert!(!problem.contains("hunter2"), "{problem}");
            }
            other => panic!("{wanted}: {other}"),
        }
    }
    // What was said of a text whose tag was not found right is said of no key.
    for word in ["malformed", "bad_checksum", "bad_tag", "unknown_signing_key", "prefix_mismatch"] {
        let said = entry_with(&|one| one.outcome = word.into());
        assert!(matches!(kept.send(1, said), Err(RegistryError::Invalid { .. })), "{word}");
    }
    assert_eq!(kept.store.dump().unwrap(), "", "nothing was written");
    kept.send(1, good).unwrap();
}

#[test]
fn what_there_is_no_room_for_is_dropped_and_declared_and_takes_no_other_audiences_room() {
    let kept = Kept::limited(2, 3);
    let many = |keys: std::ops::Range<u32>| -> Vec<UsageEntry> {
        keys.map(|n| entry(&format!("key_{n:016x}"), 8, "allow", 10)).collect()
    };
    let counted = kept.send(1, UsageReport { lost: 7, ..report(1, many(0..5)) }).unwrap();
    assert_eq!((counted.counted, counted.dropped), (20, 30));
    // What has a row already has room.
    let counted = kept.send(1, report(2, many(0..3))).unwrap();
    assert_eq!((counted.counted, counted.dropped), (20, 10));
    let usage = kept.read("key_0000000000000000");
    assert_eq!((decisions(&usage), usage.lost.by_verifiers, usage.lost.by_registry), (20, 7, 40));
    // Reports are remembered, or not taken.
    kept.send(1, report(3, vec![])).unwrap();
    assert_eq!(kept.send(1, report(4, vec![])), Err(RegistryError::Busy));
    assert!(kept.send(1, report(3, vec![])).unwrap().repeated);
    // But for a flood of minutes, the oldest make room.
    let later = NOW.plus(3_600_000);
    kept.send_at(1, report_at(4, later, vec![]), later).unwrap();
    // Another audience has its own.
    assert_eq!(kept.send(2, report(1, many(0..2))).unwrap().dropped, 0);
    // What goes makes room.
    let mut now = NOW.plus(91 * DAY_MS);
    for _ in 0..3 {
        kept.usage().sweep_some(now).unwrap();
        now = now.plus(2_000);
    }
    let later: Vec<_> = many(7..9).into_iter().map(|one| entry_at(now, one)).collect();
    assert_eq!(kept.send_at(1, report_at(5, now, later), now).unwrap().dropped, 0);
}

/// However many verifiers report, none is kept out; and no report counts twice that was forgotten for another.
#[test]
fn a_report_that_could_have_been_forgotten_is_not_taken() {
    let kept = Kept::limited(1_000, 3);
    let minutes = |n: u64| NOW.plus(n * 60_000);
    let said = |id: u32| {
        let at = minutes(u64::from(id) * 11);
        report_at(id, at, vec![entry_at(at, entry(KEY, 8, "allow", 1))])
    };
    for id in 0..20 {
        let now = minutes(u64::from(id) * 11);
        assert!(!kept.send_at(1, said(id), now).unwrap().repeated);
        assert!(kept.send_at(1, said(id), now).unwrap().repeated);
    }
    let now = minutes(19 * 11);
    for id in 0..20 {
        match kept.send_at(1, said(id), now) {
            Ok(again) => assert!(again.repeated, "{id}"),
            Err(RegistryError::Invalid { field, .. }) => assert_eq!(field, "period"),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(decisions(&kept.read_at(1, KEY, now)), 20);
    // Of another audience nothing was forgotten.
    kept.send_at(2, said(0), now).unwrap();
}

/// What somebody makes up about one key fills neither the audience's room nor the answer about that key.
#[test]
fn one_generation_has_a_thousand_kinds_of_decisions_a_day() {
    let kept = Kept::new();
    let made_up = |id: u32| {
        let scopes = (0..256).map(|n| UsageEntry {
            scopes: vec![format!("made:up-{id}-{n}")],
            ..entry(KEY, 8, "allow", 1)
        });
        report(id, scopes.collect())
    };
    let dropped: u64 = (0..5).map(|id| kept.send(1, made_up(id)).unwrap().dropped).sum();
    assert_eq!((dropped, decisions(&kept.read(KEY))), (280, 1_000));
    // What has a row counts on, and so does another generation.
    assert_eq!(kept.send(1, report(8, vec![entry(KEY, 9, "allow", 1)])).unwrap().dropped, 0);
    assert_eq!(
        kept.send(1, UsageReport { report_id: "another-report-0".into(), ..made_up(0) })
            .unwrap()
            .dropped,
        0
    );
    // Of what the Worker decides anybody chooses the scopes.
    let by_worker = UsageCall::Report {
        tenant: 1,
        reporter: Reporter::worker(3, "req_1".into()),
        report: made_up(0),
    };
    let UsageReply::Counted(counted) = kept.usage().answer(&by_worker, NOW).unwrap() else {
        panic!("another reply")
    };
    assert_eq!((counted.counted, counted.dropped), (100, 156));
}

#[test]
fn nobody_but_the_worker_reports_under_its_name() {
    let kept = Kept::new();
    let said = UsageReport { verifier: Reporter::FORWARD_AUTH.into(), ..report(1, vec![]) };
    let refused = kept.send(1, said.clone()).unwrap_err();
    assert!(matches!(refused, RegistryError::Invalid { field, .. } if field == "verifier"));
    let reporter = Reporter::worker(1, "req_1".into());
    kept.usage().answer(&UsageCall::Report { tenant: 1, reporter, report: said }, NOW).unwrap();
}

/// Whoever reports as much as there is a number for keeps nobody from reading it.
#[test]
fn counts_end_at_the_largest_number_that_every_host_keeps() {
    let kept = Kept::new();
    kept.send(
        1,
        report(
            1,
            vec![
                entry(KEY, 8, "allow", 1),
                entry(KEY, 9, "allow", 1),
                entry(KEY, 9, "inactive", 1),
            ],
        ),
    )
    .unwrap();
    let most = (1_u64 << 53) - 1;
    let sql = format!("UPDATE usage_count SET count = {most}");
    wardkey_registry::Store::execute(&kept.store, &sql, &[]).unwrap();
    kept.send(1, report(2, vec![entry(KEY, 8, "allow", 1_000_000_000)])).unwrap();
    let usage = kept.read(KEY);
    let told = usage
        .outcomes
        .iter()
        .map(|one| one.count)
        .chain(usage.scopes.iter().flat_map(|one| [one.allowed, one.denied]));
    let told: Vec<u64> = told.chain(usage.verifiers.iter().map(|one| one.allowed)).collect();
    assert_eq!(told, [most; 5]);
}

#[test]
fn what_is_too_old_goes_some_at_a_time_until_nothing_is_left() {
    let kept = Kept::new();
    for id in 0..20 {
        let keys = (0..240).map(|n| entry(&format!("key_{:016x}", id * 240 + n), 8, "allow", 1));
        kept.send(1, report(id, keys.collect())).unwrap();
    }
    let rows = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        format!("{:?}", wardkey_registry::Store::query(&kept.store, &sql, &[]).unwrap())
    };
    let is_empty = |table: &str| rows(table).contains("Integer(0)");
    assert!(rows("usage_count").contains("4800"));
    // A day before the last one is over, all is there.
    kept.usage().sweep_some(NOW.plus(89 * DAY_MS)).unwrap();
    assert!(rows("usage_count").contains("4800") && is_empty("usage_report"));
    let mut now = NOW.plus(91 * DAY_MS);
    let mut rounds = 0;
    while !is_empty("usage_count") {
        assert!(rounds < 5, "{}", rows("usage_count"));
        kept.usage().sweep_some(now).unwrap();
        rounds += 1;
        now = now.plus(2_000);
    }
    assert_eq!(rounds, 3, "not all at once");
    assert!(is_empty("usage_sighting"));
    // Nothing is due before the next day but for another look.
    kept.usage().sweep_some(now).unwrap();
    let due = kept.usage().next_due(now).unwrap().unwrap();
    assert!(due > UnixMillis(now.0 + DAY_MS / 2), "{due:?}");
}

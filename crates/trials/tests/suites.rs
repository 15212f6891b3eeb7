//! Every suite, as often as a debug build has time for.

use wardkey_trials::{SUITES, Scale, Stretch};

const SEED: u64 = 20_261_124;

#[test]
fn every_suite_is_sound_and_its_controls_are_caught() {
    for suite in SUITES {
        let report = suite.report(suite.stretches(Scale::Smoke, SEED).0);
        println!("{}", report.to_json());
        assert_eq!(report.complaints(), Vec::<String>::new(), "{}", suite.name);
    }
}

#[test]
fn a_stretch_has_the_same_outcomes_again_and_another_has_others() {
    for suite in SUITES {
        let (whole, _) = suite.stretches(Scale::Smoke, SEED);
        let half = Stretch { count: whole.count / 2, ..whole };
        assert_eq!(suite.report(half), suite.report(half));
        let rest = Stretch { from: half.count, count: whole.count - half.count, ..whole };
        assert_ne!(suite.report(half).digest, suite.report(rest).digest, "{}", suite.name);
    }
}

#[test]
fn nine_cases_of_mutants_have_eight_mutants() {
    let suite = SUITES.iter().find(|suite| suite.name == "mutants").expect("the suite");
    for seed in [SEED, 1, 2, 3] {
        let report = suite.report(Stretch { seed, from: 0, count: 5_000 });
        let sum = |what| report.sums.get(what).copied().unwrap_or(0);
        let (mutants, none) =
            (sum("mutants, all of them refused"), sum("cases that are no mutants"));
        assert_eq!(mutants + none, report.stretch.count);
        assert!(mutants > 4_380, "{mutants} of 5,000");
    }
}

#[test]
fn suites_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> = SUITES.iter().map(|suite| suite.name).collect();
    assert_eq!(names.len(), SUITES.len());
}

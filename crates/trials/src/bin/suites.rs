//! Runs every suite natively, on all cores, and writes their reports as JSON: `trials-suites SCALE SEED`,
//! and behind that the names of the suites if it shall not be all of them.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command: printing and telling how long it takes is its job"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wardkey_trials::{Report, SUITES, Scale, Stretch, Suite, TELLS_MACHINES_APART};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (scale, seed, names) = match arguments.as_slice() {
        [scale, seed, names @ ..] => (Scale::named(scale), seed.parse().ok(), names),
        _ => (None, None, [].as_slice()),
    };
    let (Some(scale), Some(seed)) = (scale, seed) else {
        eprintln!("usage: trials-suites smoke|test|deep SEED [SUITE...]");
        return ExitCode::from(2);
    };
    let mut sound = true;
    let mut reports = Vec::new();
    let chosen = |suite: &&Suite| names.is_empty() || names.iter().any(|name| name == suite.name);
    for suite in SUITES.iter().filter(chosen) {
        let (both, native) = suite.stretches(scale, seed);
        if both.count == 0 && native.count == 0 {
            sound = false;
            eprintln!("{}: it has no cases", suite.name);
        }
        for (stretch, in_wasm) in [(both, true), (native, false)] {
            if stretch.count == 0 {
                continue;
            }
            let (report, seconds) = timed(suite, stretch);
            for complaint in report.complaints() {
                sound = false;
                eprintln!("{}: {complaint}", suite.name);
            }
            reports.push(
                json!({ "in_wasm": in_wasm, "seconds": seconds, "report": report.to_json() }),
            );
        }
    }
    if reports.is_empty() {
        eprintln!("no suite has that name");
        return ExitCode::from(2);
    }
    let apart = TELLS_MACHINES_APART.report(TELLS_MACHINES_APART.stretches(scale, seed).0);
    // As text, because JavaScript's numbers would lose the seed's last digits.
    println!(
        "{}",
        json!({ "seed": seed.to_string(), "reports": reports, "tells_machines_apart": apart.to_json() })
    );
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A suite's report and how long it took, with a word now and then to whoever waits.
fn timed(suite: &Suite, stretch: Stretch) -> (Report, Value) {
    let began = Instant::now();
    let mut told = began;
    let report = suite.report_side_by_side(stretch, |done| {
        let a_while = if began.elapsed() < MINUTE { A_WHILE } else { MINUTE };
        if told.elapsed() >= a_while && done < stretch.count {
            told = Instant::now();
            let percent = done as f64 * 100.0 / stretch.count as f64;
            let seconds = began.elapsed().as_secs();
            eprintln!(
                "      {}: {done} of {}, {percent:.0} %, {seconds} s",
                suite.name, stretch.count
            );
        }
    });
    (report, json!((began.elapsed().as_secs_f64() * 10.0).round() / 10.0))
}

/// How often a long suite says how far it is, at first.
const A_WHILE: Duration = Duration::from_secs(10);
/// And later.
const MINUTE: Duration = Duration::from_secs(60);

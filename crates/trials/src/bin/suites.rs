//! Runs every suite natively and writes their reports as JSON: `trials-suites SCALE SEED`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is its job")]

use std::process::ExitCode;

use serde_json::json;
use wardkey_trials::{SUITES, Scale, TELLS_MACHINES_APART};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (scale, seed) = match arguments.as_slice() {
        [scale, seed] => (Scale::named(scale), seed.parse().ok()),
        _ => (None, None),
    };
    let (Some(scale), Some(seed)) = (scale, seed) else {
        eprintln!("usage: trials-suites smoke|test|deep SEED");
        return ExitCode::from(2);
    };
    let mut sound = true;
    let mut reports = Vec::new();
    for suite in SUITES {
        let (both, native) = suite.stretches(scale, seed);
        for (stretch, in_wasm) in [(both, true), (native, false)] {
            if stretch.count == 0 {
                continue;
            }
            let report = suite.report(stretch);
            for complaint in report.complaints() {
                sound = false;
                eprintln!("{}: {complaint}", suite.name);
            }
            reports.push(json!({ "in_wasm": in_wasm, "report": report.to_json() }));
        }
    }
    let apart = TELLS_MACHINES_APART.report(TELLS_MACHINES_APART.stretches(scale, seed).0);
    // As text, because JavaScript's numbers would lose the seed's last digits.
    println!(
        "{}",
        json!({ "seed": seed.to_string(), "reports": reports, "tells_machines_apart": apart.to_json() })
    );
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! The suites, each by its number, and what they report.

use super::lend;
use crate::suite::{SUITES, Stretch, TELLS_MACHINES_APART};

/// The names of the suites as a JSON list; the last is the control of the comparison.
#[unsafe(no_mangle)]
extern "C" fn suites_names() -> u64 {
    let names = SUITES.iter().chain([&TELLS_MACHINES_APART]).map(|suite| suite.name);
    lend(serde_json::Value::from_iter(names).to_string())
}

/// The report of one stretch of a suite, as JSON.
#[unsafe(no_mangle)]
extern "C" fn suites_run(number: u32, seed: u64, from: u64, count: u64) -> u64 {
    let suite = SUITES.get(number as usize).unwrap_or(&TELLS_MACHINES_APART);
    lend(suite.report(Stretch { seed, from, count }).to_json().to_string())
}

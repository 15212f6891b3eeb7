#![doc = include_str!("../README.md")]
#![expect(
    clippy::disallowed_methods,
    reason = "reading the clock is its job, and a peer's caveat is about the time"
)]

mod accepts;
mod bare_mac;
mod claims;
mod issuer;
mod list;
#[cfg(feature = "peers")]
mod peers;
mod refusals;
mod rounds;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use serde_json::json;

use crate::rounds::{Pace, measure};

/// Measures the rows that run natively. `cargo xtask bench` calls it, and the same in JavaScript.
#[derive(Parser)]
struct Options {
    /// Rounds of all rows.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Milliseconds that a row takes in a round.
    #[arg(long)]
    target: u64,
    /// Milliseconds that a row is run before the first.
    #[arg(long)]
    warm: u64,
    /// Start of the random order.
    #[arg(long)]
    seed: u64,
    /// Where the JSON goes.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> Result<()> {
    let Options { rounds, target, warm, seed, out } = Options::parse();
    let pace = Pace {
        rounds: rounds.into(),
        target: Duration::from_millis(target),
        warm: Duration::from_millis(warm),
        seed,
    };
    let mut rows = bare_mac::rows()?;
    #[cfg(feature = "peers")]
    rows.extend(peers::rows()?);
    rows.extend(accepts::rows()?);
    rows.extend(refusals::rows()?);
    rows.extend(list::rows()?);
    let mut found = measure(rows, pace);
    found.extend(list::memory());
    let told = json!({ "runtime": "native", "notes": [], "rows": found });
    Ok(fs::write(out, format!("{told}\n"))?)
}

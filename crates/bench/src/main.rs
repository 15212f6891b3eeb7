//! `wardkey-bench`: what `cargo xtask bench` runs natively.
#![cfg_attr(
    feature = "peers",
    expect(clippy::disallowed_methods, reason = "a peer's caveat is about the time")
)]

#[cfg(feature = "peers")]
mod peers;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser};
use serde_json::json;

use wardkey_bench::rounds::{Found, Pace, measure};
#[cfg(feature = "peers")]
use wardkey_bench::{bare_mac, claims, rounds};

/// What `cargo xtask bench` runs natively.
#[derive(Parser)]
enum Command {
    /// Measure every row.
    Measure(Options),
    /// Write what a verifier is given, for rows elsewhere: key set, list, good keys and bad ones.
    Fixture {
        /// Where the JSON goes.
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Args)]
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
    let (out, told) = match Command::parse() {
        Command::Fixture { out } => (out, wardkey_bench::fixture()?),
        Command::Measure(options) => {
            let rows = measured(&options)?;
            (options.out, json!({ "runtime": "native", "notes": [], "rows": rows }))
        }
    };
    Ok(fs::write(out, format!("{told}\n"))?)
}

fn measured(options: &Options) -> Result<Vec<Found>> {
    let pace = Pace {
        rounds: options.rounds.into(),
        target: Duration::from_millis(options.target),
        warm: Duration::from_millis(options.warm),
        seed: options.seed,
    };
    let rows = wardkey_bench::rows()?;
    #[cfg(feature = "peers")]
    let rows = rows.into_iter().chain(peers::rows()?).collect();
    let mut found = measure(rows, pace);
    found.extend(wardkey_bench::memory());
    Ok(found)
}

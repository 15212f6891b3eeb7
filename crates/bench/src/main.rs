#![doc = include_str!("../README.md")]
#![expect(
    clippy::disallowed_methods,
    reason = "reading the clock is its job, and a peer's caveat is about the time"
)]

mod accepts;
mod bare_mac;
mod claims;
mod fixture;
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
use clap::{Args, Parser};
use serde_json::json;

use crate::rounds::{Found, Pace, measure};

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
        Command::Fixture { out } => (out, fixture::told()?),
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
    let mut rows = bare_mac::rows()?;
    #[cfg(feature = "peers")]
    rows.extend(peers::rows()?);
    rows.extend(accepts::rows()?);
    rows.extend(refusals::rows()?);
    rows.extend(list::rows()?);
    let mut found = measure(rows, pace);
    found.extend(list::memory());
    Ok(found)
}

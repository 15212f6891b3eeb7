#![doc = include_str!("../README.md")]

mod abi;
mod fixture;
mod rows;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use serde_json::json;
use wardkey_bench::rounds::{Pace, measure};

/// What `cargo xtask bench --only hosts` runs.
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
    /// Only this row, for a profiler; its ratio means nothing then.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let pace = Pace {
        rounds: options.rounds.into(),
        target: Duration::from_millis(options.target),
        warm: Duration::from_millis(options.warm),
        seed: options.seed,
    };
    let mut rows = rows::all()?;
    if let Some(only) = &options.only {
        rows.retain(|row| row.id == *only);
    }
    let found = measure(rows, pace);
    let told =
        json!({ "runtime": "wasmtime 48 and wasmi 2, natively", "notes": [], "rows": found });
    Ok(fs::write(options.out, format!("{told}\n"))?)
}

//! `cargo xtask scale`: what operations cost in tenants of more and more keys, and how long their lists are.
//!
//! SQLite's own counters, natively: nothing is timed, and Cloudflare's meters count differently (entries of indexes).

use std::{
    fs,
    io::Write as _,
    ops::RangeInclusive,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::workspace::Workspace;

/// How many keys.
#[derive(Args)]
pub(crate) struct Options {
    /// Keys of the largest tenant (1000 to 20000000); costs are taken at 1,000 and 100,000 as well.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=20_000_000))]
    keys: u32,
    /// Write what was found into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Fills a tenant, prints two tables, and fails where a figure of the design is missed or a cost grows.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = workspace.path("target/scale");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    println!("a program for it (about 1 min at first) …");
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--release", "--locked", "--quiet", "--package", "wardkey-testkit"]);
    cargo.args(["--example", "scale", "--", &options.keys.to_string()]).arg(&folder);
    let mut found = told(&mut cargo)?;
    let state = fs::read(folder.join("state"))?;
    if let Some(lists) = found.get_mut("lists").and_then(Value::as_object_mut) {
        lists.insert("state_gzip_bytes".to_owned(), gzipped(&state)?.into());
    }
    fs::remove_dir_all(&folder)?;
    if let Some(file) = &options.json {
        fs::write(file, format!("{found:#}\n"))?;
    }
    print!("{}{}", operations(&found), lists(&found));
    judge(&found)
}

/// Runs the program; its progress is shown as it comes.
fn told(command: &mut Command) -> Result<Value> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.context("cannot start cargo")?;
    ensure!(output.status.success(), "the program failed; what it said is above");
    serde_json::from_slice(&output.stdout).context("what it found is no JSON")
}

/// Bytes that gzip makes of it; the compressor that xtask has makes a fifth more.
fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut gzip = Command::new("gzip");
    gzip.args(["-9", "--no-name", "--stdout"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = gzip.spawn().context("cannot start gzip")?;
    // What it says meanwhile fits into a pipe.
    running.stdin.take().context("gzip reads nothing")?.write_all(bytes)?;
    let output = running.wait_with_output()?;
    ensure!(output.status.success() && !output.stdout.is_empty(), "gzip failed");
    Ok(output.stdout.len())
}

/// One row an operation and size.
fn operations(found: &Value) -> String {
    let head = [
        "operation",
        "keys",
        "object requests",
        "statements",
        "rows returned",
        "rows written",
        "answer, bytes",
        "later: statements",
        "rows written",
        "KV writes",
        "KV bytes",
    ];
    let rows = all(found).map(|row| {
        vec![
            row["name"].as_str().unwrap_or_default().to_owned(),
            grouped(at(row, "/keys")),
            grouped(at(row, "/object_requests")),
            grouped(at(row, "/call/statements")),
            grouped(at(row, "/call/rows_returned")),
            grouped(at(row, "/call/rows_written")),
            grouped(at(row, "/answer_bytes")),
            grouped(at(row, "/alarm/statements")),
            grouped(at(row, "/alarm/rows_written")),
            grouped(at(row, "/kv_writes")),
            grouped(at(row, "/kv_bytes")),
        ]
    });
    table(&head.map(str::to_owned), rows.collect())
}

/// One row a figure.
fn lists(found: &Value) -> String {
    let head = ["the list", "found", "at most"].map(str::to_owned);
    let rows = FIGURES.iter().map(|figure| {
        let value = at(found, figure.place);
        let value = value
            .as_f64()
            .filter(|_| !value.is_u64())
            .map_or_else(|| grouped(value), |bits| format!("{bits:.3}"));
        let most = figure.most.map_or_else(String::new, |most| most.to_string());
        vec![figure.says.to_owned(), value, most]
    });
    table(&head, rows.collect())
}

/// Fails where a figure is missed, or a cost is not the same at every size.
fn judge(found: &Value) -> Result<()> {
    let keys = found["keys"].as_u64().context("how many keys")?;
    let mut wrong = Vec::new();
    for figure in FIGURES {
        let value = at(found, figure.place).as_f64().with_context(|| figure.says.to_owned())?;
        if figure.keys.contains(&keys) && figure.most.is_some_and(|most| value > most) {
            wrong.push(format!("{}: {value}", figure.says));
        }
    }
    for row in all(found) {
        let first = all(found).find(|first| first["name"] == row["name"]).unwrap_or(row);
        // Whoever has no list yet takes all of it.
        if row["name"] != "first list" && counted(row) != counted(first) {
            wrong.push(format!(
                "{} at {} keys: {} there, {} at {}",
                row["name"], row["keys"], row["call"], first["call"], first["keys"]
            ));
        }
    }
    if !wrong.is_empty() {
        bail!("not as designed:\n  {}", wrong.join("\n  "));
    }
    println!(
        "every cost is the same at each size, but for a verifier's first list; no figure is missed"
    );
    Ok(())
}

/// What must not depend on the size.
fn counted(row: &Value) -> Vec<&Value> {
    FLAT.iter().map(|place| at(row, place)).collect()
}

/// What stands at a place; null if nothing does.
fn at<'v>(value: &'v Value, place: &str) -> &'v Value {
    value.pointer(place).unwrap_or(&Value::Null)
}

fn all(found: &Value) -> impl Iterator<Item = &Value> {
    found["operations"].as_array().into_iter().flatten()
}

/// A table in Markdown.
fn table(head: &[String], rows: Vec<Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("\n{}{rule}{rows}\n", line(head))
}

/// A whole number with its thousands apart.
fn grouped(value: &Value) -> String {
    let digits: Vec<char> = value.to_string().chars().collect();
    let parts: Vec<String> = digits.rchunks(3).rev().map(|part| part.iter().collect()).collect();
    parts.join(",")
}

struct Figure {
    place: &'static str,
    says: &'static str,
    most: Option<f64>,
    /// For how many keys that holds.
    keys: RangeInclusive<u64>,
}

const fn told_only(place: &'static str, says: &'static str) -> Figure {
    Figure { place, says, most: None, keys: ANY }
}

const fn at_most(
    place: &'static str,
    says: &'static str,
    most: f64,
    keys: RangeInclusive<u64>,
) -> Figure {
    Figure { place, says, most: Some(most), keys }
}

/// What is the same at every size. Not the rows that a copy of the state is read from.
const FLAT: [&str; 9] = [
    "/object_requests",
    "/kv_writes",
    "/call/statements",
    "/call/rows_returned",
    "/call/rows_written",
    "/call/scan_steps",
    "/alarm/statements",
    "/alarm/rows_written",
    "/alarm/scan_steps",
];

const MILLION: u64 = 1_000_000;
const ANY: RangeInclusive<u64> = 0..=u64::MAX;

// A bit an index and 32 bytes a chunk; the last chunk of a short list takes as much memory as any.
const FIGURES: [Figure; 8] = [
    told_only("/lists/indexes", "status indexes"),
    told_only("/lists/dead", "dead, at places that chance chose"),
    at_most("/lists/head_bytes", "head, bytes", 4_096.0, ANY),
    told_only("/lists/state_bytes", "state, bytes"),
    at_most("/lists/state_gzip_bytes", "state, gzip -9, bytes", 2_560.0, 0..=MILLION),
    at_most(
        "/lists/memory_bits_per_index",
        "bits an index in a verifier's memory",
        1.03,
        MILLION..=u64::MAX,
    ),
    told_only("/lists/flips", "ended in one step"),
    at_most("/lists/change_bytes", "that change in the head, bytes", 400.0, ANY),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(statements: u64, change_bytes: u64) -> Value {
        let row = |keys: u64, statements: u64| {
            let none =
                json!({"statements": 0, "rows_returned": 0, "rows_written": 0, "scan_steps": 0});
            let mut call = none.clone();
            call["statements"] = statements.into();
            json!({"name": "mint", "keys": keys, "object_requests": 1, "call": call, "alarm": none, "kv_writes": 1})
        };
        let mut lists: serde_json::Map<_, _> =
            FIGURES.iter().map(|figure| (figure.place.replace("/lists/", ""), json!(1))).collect();
        lists["change_bytes"] = change_bytes.into();
        json!({"keys": MILLION, "operations": [row(1_000, 40), row(1_000_000, statements)], "lists": lists})
    }

    #[test]
    fn what_grows_and_what_is_too_long_fails() {
        assert!(judge(&found(40, 400)).is_ok());
        assert!(judge(&found(41, 400)).is_err());
        assert!(judge(&found(40, 401)).is_err());
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            ["7", "123", "1234", "1000000"].map(|text| grouped(&json!(text.parse::<u64>().ok()))),
            ["7", "123", "1,234", "1,000,000"]
        );
    }
}

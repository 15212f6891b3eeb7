//! The file that a deep run leaves: what was tried, where, from which seed, and what came out.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::workspace::Workspace;

/// What people read; made from [`DATA`].
pub(crate) const FILE: &str = "crates/trials/RECORD.md";
/// What the next run reads, so that one part can be run again by itself.
const DATA: &str = "crates/trials/RECORD.json";

/// One part, run once.
pub(crate) struct Run {
    pub(crate) commit: String,
    pub(crate) machine: String,
    pub(crate) date: String,
    pub(crate) seconds: u64,
    pub(crate) seed: u32,
    pub(crate) found: Value,
}

/// Writes a part down in place of what was said of it before.
pub(crate) fn keep(workspace: &Workspace, part: &str, run: &Run) -> Result<()> {
    let data = workspace.path(DATA);
    let mut parts: BTreeMap<String, Value> = match fs::read_to_string(&data) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{DATA} is no record"))?,
        Err(_) => BTreeMap::new(),
    };
    parts.insert(
        part.to_owned(),
        json!({
            "date": run.date, "commit": run.commit, "machine": run.machine,
            "seconds": run.seconds, "seed": run.seed, "found": run.found,
        }),
    );
    fs::write(&data, format!("{}\n", serde_json::to_string_pretty(&parts)?))?;
    fs::write(workspace.path(FILE), told(&parts))?;
    Ok(())
}

/// The record for people.
fn told(parts: &BTreeMap<String, Value>) -> String {
    let mut text = String::from(
        "# What the core was tried with\n\nWritten by `cargo xtask deep`; the raw figures are in RECORD.json. Each part names the command that runs it\n\
         again, with its seed. Mutation testing (`cargo xtask mutants`) keeps a record of its own beside the core.\n",
    );
    for (part, run) in parts {
        // As they are typed: not with their thousands apart.
        let of = |name: &str| match run.get(name) {
            Some(Value::String(text)) => text.clone(),
            other => other.unwrap_or(&Value::Null).to_string(),
        };
        let _ = write!(
            text,
            "\n## {part}\n\n`cargo xtask deep --only {part} --seed {}`, {}, commit {}, {} s on {}.\n\n| | |\n|---|---:|\n",
            of("seed"),
            of("date"),
            of("commit"),
            of("seconds"),
            of("machine"),
        );
        let mut rows = Vec::new();
        flatten("", run.get("found").unwrap_or(&Value::Null), &mut rows);
        for (name, value) in rows {
            let _ = writeln!(text, "| {name} | {value} |");
        }
    }
    text
}

/// Every figure of a value with the names that lead to it. Lists of objects go by their first name-like member.
fn flatten(path: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path} · {name}") };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                flatten(&below(name), member, rows);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                let name = NAMES.iter().find_map(|name| item.pointer(name)).map(plain);
                flatten(&below(&name.unwrap_or_default()), item, rows);
            }
        }
        Value::Array(items) => {
            rows.push((path.to_owned(), items.iter().map(plain).collect::<Vec<_>>().join(" → ")));
        }
        // What is named already, and what is empty, says nothing.
        Value::Null => {}
        figure => rows.push((path.to_owned(), plain(figure))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('|', "\\|"),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), grouped),
        other => other.to_string(),
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// By what an item of a list is called.
const NAMES: [&str; 5] = ["/report/suite", "/name", "/target", "/source", "/kind"];

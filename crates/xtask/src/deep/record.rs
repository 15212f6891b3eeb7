//! The file that a deep run leaves: what was tried, where, from which seed, and what came out.

mod tables;

use std::{collections::BTreeMap, fmt::Write as _, fs, io};

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
    let mut parts = read(workspace)?;
    parts.insert(
        part.to_owned(),
        json!({
            "date": run.date, "commit": run.commit, "machine": run.machine,
            "seconds": run.seconds, "seed": run.seed, "found": run.found,
        }),
    );
    let figures = format!("{}\n", serde_json::to_string_pretty(&parts)?);
    fs::write(workspace.path(DATA), figures)?;
    fs::write(workspace.path(FILE), told(&parts))?;
    Ok(())
}

/// Writes what people read from the figures that are there.
pub(crate) fn tell_anew(workspace: &Workspace) -> Result<()> {
    fs::write(workspace.path(FILE), told(&read(workspace)?))?;
    println!("{FILE}: written from {DATA}");
    Ok(())
}

fn read(workspace: &Workspace) -> Result<BTreeMap<String, Value>> {
    match fs::read_to_string(workspace.path(DATA)) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{DATA} is no record")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {DATA}")),
    }
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
            "\n## {part}\n\n`cargo xtask deep --only {part} --seed {}`, {}, commit {}, {} s on {}.\n",
            of("seed"),
            of("date"),
            of("commit"),
            of("seconds"),
            of("machine"),
        );
        tables::write(&mut text, run.get("found").unwrap_or(&Value::Null));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_read_says_what_the_figures_say() {
        let workspace = Workspace::find().expect("a workspace");
        let text = fs::read_to_string(workspace.path(FILE)).expect("a record");
        assert!(
            text == told(&read(&workspace).expect("figures")),
            "{FILE} is not what {DATA} says: cargo xtask deep --record"
        );
    }
}

//! The file that a deep run leaves: what was tried, where, from which seed, and what came out.

mod tables;

use std::{collections::BTreeMap, fmt::Write as _, fs, io};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::PARTS;
use crate::workspace::Workspace;

/// What people read; made from [`DATA`].
pub(crate) const FILE: &str = "crates/trials/RECORD.md";
/// What the next run reads, so that one part can be run again by itself.
const DATA: &str = "crates/trials/RECORD.json";

/// One part, run once.
pub(crate) struct Run {
    /// What runs it again.
    pub(crate) command: String,
    pub(crate) commit: String,
    pub(crate) machine: String,
    pub(crate) date: String,
    pub(crate) seconds: u64,
    pub(crate) seed: u32,
    /// `None` of a run that failed.
    pub(crate) found: Option<Value>,
}

/// Writes a part down in place of what was said of it before, also when it failed: a clean run of an earlier commit
/// says nothing then.
pub(crate) fn keep(workspace: &Workspace, part: &str, run: &Run) -> Result<()> {
    let mut parts = read(workspace)?;
    parts.insert(
        part.to_owned(),
        json!({
            "command": run.command, "date": run.date, "commit": run.commit, "machine": run.machine,
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

/// The record for people: every part, also those that have not been run.
fn told(parts: &BTreeMap<String, Value>) -> String {
    let mut text = String::from(
        "# What core and Worker were tried with\n\nWritten by `cargo xtask deep`; the raw figures are in RECORD.json. Each part names the command that runs it\n\
         again, with its seed. Mutation testing (`cargo xtask mutants`) keeps a record of its own beside the core.\n",
    );
    for part in PARTS {
        let _ = write!(text, "\n## {part}\n");
        match parts.get(part) {
            Some(run) => tell(&mut text, part, run),
            None => text.push_str("\nNot run.\n"),
        }
    }
    text
}

/// One part that was run.
fn tell(text: &mut String, part: &str, run: &Value) {
    // As they are typed: not with their thousands apart.
    let of = |name: &str| match run.pointer(name) {
        Some(Value::String(text)) => text.clone(),
        other => other.unwrap_or(&Value::Null).to_string(),
    };
    let found = run.get("found").unwrap_or(&Value::Null);
    let command = match run.get("command").and_then(Value::as_str) {
        Some(command) => command.to_owned(),
        // Of before commands were kept.
        None => format!("cargo xtask deep --only {part} --seed {}", of("/seed")),
    };
    let [date, commit, seconds, machine] = ["/date", "/commit", "/seconds", "/machine"].map(of);
    let _ = write!(text, "\n`{command}`, {date}, commit {commit}, {seconds} s on {machine}.\n");
    if found.is_null() {
        text.push_str("\n**Failed**; it has not been clean since.\n");
        return;
    }
    if part == FUZZ {
        text.push_str(
            "\nFrom the committed seeds alone. Each target ends by the clock and not by a count, so that the command has\n\
             the same beginning and never exactly the same inputs.\n",
        );
    }
    tables::write(text, found);
}

/// The part that no seed repeats exactly.
pub(crate) const FUZZ: &str = "fuzz";

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

    #[test]
    fn every_part_is_named_and_one_that_failed_is_not_clean() {
        let folder = tempfile::tempdir().expect("a folder");
        let workspace = Workspace::at(folder.path());
        fs::create_dir_all(folder.path().join("crates/trials")).expect("folders");
        let run = |found: Option<Value>| Run {
            command: "cargo xtask deep --only fuzz --seed 1 --fuzz-seconds 120".into(),
            commit: "0123".into(),
            machine: "any".into(),
            date: "2026-11-25".into(),
            seconds: 1,
            seed: 1,
            found,
        };
        let told = || fs::read_to_string(workspace.path(FILE)).expect("a record");
        keep(&workspace, FUZZ, &run(Some(json!({ "planted": 4321 })))).expect("kept");
        assert!(
            told().contains("`cargo xtask deep --only fuzz --seed 1 --fuzz-seconds 120`, 2026")
        );
        assert!(told().contains("4,321") && !told().contains("**Failed**"));
        assert_eq!(told().matches("Not run.").count(), PARTS.len() - 1);
        for part in PARTS {
            assert!(told().contains(&format!("\n## {part}\n")), "{part}");
        }
        keep(&workspace, FUZZ, &run(None)).expect("kept");
        assert!(told().contains("--fuzz-seconds 120`, 2026"));
        assert!(told().contains("**Failed**") && !told().contains("4,321"));
    }
}

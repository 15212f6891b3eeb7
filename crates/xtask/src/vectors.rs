//! `cargo xtask vectors`: the cases that every implementation of FORMAT.md must pass, in `tests/vectors`.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::{python, step::Progress, trials::programs, workspace::Workspace};

/// Whether files may change.
#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing; fail where a file is not what would be written, or where the second
    /// implementation, in tests/python, answers otherwise.
    #[arg(long)]
    check: bool,
}

impl Options {
    /// What every test run does.
    pub(crate) const CHECK: Self = Self { check: true };
}

/// Steps that [`run`] counts.
pub(crate) fn steps(options: &Options) -> usize {
    if options.check { 1 + python::STEPS + 2 } else { 1 }
}

/// Writes the files, or checks them.
///
/// # Errors
/// With `--check` the first difference of each file, by its case, and every case that the second
/// implementation answers otherwise; always where the core answers another thing than a case declares.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &Options) -> Result<()> {
    if !options.check {
        return progress.step("making the vectors", "20 s at first", || made(workspace, "write"));
    }
    // Each is tried even if another one failed: one run tells all.
    let mut complaints = vec![];
    let mut note = |tried: Result<()>| {
        complaints.extend(tried.err().map(|error| format!("{error:#}")));
    };
    note(
        progress.step("vectors are as they are made", "20 s at first", || made(workspace, "check")),
    );
    match python::bring(workspace, progress) {
        Ok(()) => {
            note(
                progress.step("tests of the second implementation", "5 s", || own_tests(workspace)),
            );
            note(progress.step("vectors in the second implementation", "5 s", || {
                answered(workspace)?;
                control(workspace)
            }));
        }
        Err(error) => note(Err(error)),
    }
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

fn made(workspace: &Workspace, how: &str) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--locked", "--package", "wardkey-trials"]);
    cargo.args(["--bin", "trials-vectors", "--", how, FOLDER]);
    if !cargo.status().context("cannot start cargo")?.success() {
        bail!(
            "what differs is above; where it is a file, `cargo xtask vectors` makes it anew, and \
             where it is the core, either it or what the case declares is wrong"
        );
    }
    Ok(())
}

fn own_tests(workspace: &Workspace) -> Result<()> {
    let tests = python::module(workspace, "unittest", &[])?;
    // unittest tells everything on its standard error.
    match ran(&tests.complaints) {
        Some(count) if tests.passed && count > 0 => println!("      {count} tests passed"),
        // It says OK to no tests at all.
        _ => bail!(
            "python3 -m unittest in tests/python failed, or found no test:\n{}",
            tests.complaints
        ),
    }
    Ok(())
}

/// How many tests unittest says that it ran.
fn ran(told: &str) -> Option<u64> {
    let count = told.lines().find_map(|line| line.strip_prefix("Ran "))?;
    count.split_whitespace().next()?.parse().ok()
}

fn answered(workspace: &Workspace) -> Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(workspace.path(FOLDER))? {
        files.push(entry?.path().to_string_lossy().into_owned());
    }
    files.sort();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let said = python::module(workspace, "wardkey_format.vectors", &files)?;
    for line in said.told.lines() {
        // The files' names are enough.
        println!("      {}", line.rsplit_once(FOLDER).map_or(line, |(_, name)| name));
    }
    if !said.passed {
        bail!("the second implementation answers otherwise, see above\n{}", said.complaints);
    }
    Ok(())
}

/// A file whose first expectation is bent must be told from one that is right.
fn control(workspace: &Workspace) -> Result<()> {
    let right = fs::read_to_string(workspace.path(FOLDER).join("key.json"))?;
    let mut bent: Value = serde_json::from_str(&right)?;
    let expect = bent.pointer_mut("/cases/0/expect").context("key.json has no case")?;
    *expect = json!({ "deny": "malformed" });
    let file = programs::folder(workspace).join("bent.json");
    fs::create_dir_all(programs::folder(workspace))?;
    fs::write(&file, bent.to_string())?;
    let said = python::module(workspace, "wardkey_format.vectors", &[&file.to_string_lossy()])?;
    if said.passed || !said.told.contains(", 1 differ\n") {
        bail!("a bent expectation was not caught: the comparison sees nothing\n{}", said.told);
    }
    println!("      an expectation that is bent: 1 differs, as it must");
    Ok(())
}

const FOLDER: &str = "tests/vectors";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unittests_count_is_read() {
        assert_eq!(ran("...\n-----\nRan 74 tests in 1.733s\n\nOK\n"), Some(74));
        assert_eq!(ran("\nRan 1 test in 0.1s\n\nOK\n"), Some(1));
        assert_eq!(ran("\nRan 0 tests in 0.000s\n\nOK\n"), Some(0));
        assert_eq!(ran("Traceback"), None);
    }
}

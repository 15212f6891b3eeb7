//! A sample of the mutants, decided by the core and then by the second implementation.

use std::{fs::OpenOptions, io::Write as _, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::Scale;
use crate::{python, workspace::Workspace};

/// Writes mutants with the core's decisions, drawn from all that the scale tries; and behind them, not announced,
/// one with a decision that is wrong.
pub(super) fn write(
    workspace: &Workspace,
    program: &Path,
    scale: Scale,
    seed: u64,
    file: &Path,
) -> Result<()> {
    let mut sample = workspace.command(program);
    sample.args(["--scale", scale.name(), "--count", &count(scale).to_string()]);
    sample.args(["--seed", &seed.to_string(), "--out"]).arg(file);
    if !sample.status().context("cannot start trials-sample")?.success() {
        bail!("there is no sample");
    }
    let mut file = OpenOptions::new().append(true).open(file)?;
    writeln!(file, "{}", json!(["", "allow"]))?;
    Ok(())
}

/// Has Python decide the sample: it must find the wrong decision, and no other.
pub(super) fn decide_in_python(workspace: &Workspace, scale: Scale, file: &Path) -> Result<()> {
    let said = python::module(workspace, "wardkey_format.mutants", &[&file.to_string_lossy()])?;
    said.told.lines().for_each(|line| println!("      {line}"));
    let count = count(scale);
    let all = format!(", {count} mutants announced, {} decided\n", count + 1);
    let only_the_last = "\n1 differ\n  '': expected allow, decided malformed\n";
    if said.passed || !said.told.contains(&all) || !said.told.contains(only_the_last) {
        bail!(
            "Python was to decide each as the core does, but for the last, which is bent; see above\n{}",
            said.complaints.trim_end()
        );
    }
    println!("      a decision that is bent: 1 differs, as it must");
    Ok(())
}

/// How many mutants another implementation decides.
const fn count(scale: Scale) -> u64 {
    match scale {
        Scale::Test => 100_000,
        Scale::Deep => 1_000_000,
    }
}

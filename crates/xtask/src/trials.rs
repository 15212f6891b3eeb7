//! `cargo xtask trials`: the suites of crates/trials, natively and in wasm.

pub(crate) mod programs;
mod sample;

use std::{env, ffi::OsString, fs};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::{python, setup::Kit, step::Progress, workspace::Workspace};

/// Steps that [`prepare`] counts; [`run`] takes one more.
pub(crate) const STEPS: usize = 2 * programs::STEPS + 2 + python::STEPS;

/// How much is tried, and from which seed.
#[derive(Args)]
pub(crate) struct Options {
    /// How much.
    #[arg(long, default_value = "test")]
    pub(crate) scale: Scale,
    /// What chance is drawn from, as an earlier run printed it (0 to 18446744073709551615); a new one by default.
    #[arg(long, env = "WARDKEY_SEED")]
    pub(crate) seed: Option<u64>,
}

/// The scales of crates/trials that are worth a release build.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    /// What every test run has time for.
    Test,
    /// What a release is worth.
    Deep,
}

impl Options {
    /// What every test run tries, from the seed that the other tests take.
    pub(crate) fn of_tests() -> Result<Self> {
        Ok(Self { scale: Scale::Test, seed: seed_of(env::var_os("WARDKEY_SEED"))? })
    }
}

/// A seed that is set and cannot be read is no reason to take another: whoever set it wants that very run.
fn seed_of(set: Option<OsString>) -> Result<Option<u64>> {
    set.map(|set| {
        let seed = set.to_str().and_then(|text| text.parse().ok());
        seed.with_context(|| format!("WARDKEY_SEED is no number below 2⁶⁴: {}", set.display()))
    })
    .transpose()
}

/// Runs the suites here and in wasm, and compares.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &Progress,
    kit: &Kit,
    options: &Options,
) -> Result<Value> {
    let found = prepare(workspace, progress, kit, options)?;
    progress.step("the same suites in wasm", options.scale.usually_in_wasm(), || {
        let mut node = kit.node.command(workspace);
        node.args(["--test", "--test-reporter=spec", "tests/trials.test.mjs"]);
        node.env("WARDKEY_TRIALS_DIR", programs::folder(workspace));
        if !node.status().context("cannot start node")?.success() {
            bail!("the module did not do what the programs did; what differs is above");
        }
        Ok(())
    })?;
    programs::keep(workspace, "trials", &found)?;
    Ok(found)
}

/// Builds the module, runs the suites here and has Python decide a sample of the mutants;
/// `tests/trials.test.mjs` does the rest.
pub(crate) fn prepare(
    workspace: &Workspace,
    progress: &Progress,
    kit: &Kit,
    options: &Options,
) -> Result<Value> {
    programs::wasm(workspace, progress, kit)?;
    let natives = programs::natives(workspace, progress)?;
    let seed = match options.seed {
        Some(seed) => seed,
        // Of 32 bits: it has to be typed.
        None => u64::from(getrandom::u32().context("no randomness")?),
    };
    let file = programs::folder(workspace).join("native.json");
    progress.step("suites on this machine", options.scale.usually(), || {
        let mut suites = workspace.command(&natives.suites);
        suites.args([options.scale.name(), &seed.to_string()]);
        if !programs::into_file(&mut suites, &file)? {
            bail!("a suite complains, see above; again by `cargo xtask trials --seed {seed}`");
        }
        Ok(())
    })?;
    let found: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    println!("      seed {seed}");
    let reports = found.get("reports").and_then(Value::as_array).context("no reports")?;
    for report in reports {
        show(report);
    }
    python::bring(workspace, progress)?;
    let mutants = programs::folder(workspace).join("mutants.jsonl");
    progress.step(
        "a sample of the mutants in Python",
        options.scale.usually_in_python(),
        || {
            sample::write(workspace, &natives.sample, options.scale, seed, &mutants)?;
            sample::decide_in_python(workspace, options.scale, &mutants)
        },
    )?;
    Ok(json!({ "scale": options.scale.name(), "seed": seed, "reports": reports }))
}

/// A report, for a person.
fn show(report: &Value) {
    let text = |pointer| report.pointer(pointer).unwrap_or(&Value::Null).to_string();
    let wasm = if text("/in_wasm") == "true" { "" } else { ", not in wasm" };
    let name = text("/report/suite");
    let (name, cases) = (name.trim_matches('"'), text("/report/stretch/count"));
    println!("      {name} ({cases} cases in {} s{wasm})", text("/seconds"));
    for (pointer, what) in [
        ("/report/counts", ""),
        ("/report/sums", "in all: "),
        ("/report/controls", "mistake caught: "),
    ] {
        let counts = report.pointer(pointer).and_then(Value::as_object).into_iter().flatten();
        for (name, count) in counts {
            println!("      {:>10} {what}{name}", count.to_string());
        }
    }
}

impl Scale {
    fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Deep => "deep",
        }
    }

    fn usually(self) -> &'static str {
        match self {
            Self::Test => "1 min",
            Self::Deep => "45 min",
        }
    }

    fn usually_in_wasm(self) -> &'static str {
        match self {
            Self::Test => "1 min",
            Self::Deep => "10 min",
        }
    }

    fn usually_in_python(self) -> &'static str {
        match self {
            Self::Test => "4 s",
            Self::Deep => "40 s",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_that_cannot_be_read_is_an_error() {
        assert_eq!(seed_of(None).unwrap(), None);
        assert_eq!(seed_of(Some("7".into())).unwrap(), Some(7));
        for wrong in ["", "0x7", "seven", "18446744073709551616"] {
            assert!(seed_of(Some(wrong.into())).is_err(), "{wrong}");
        }
    }
}

//! `cargo xtask mutants`: does a test notice when the core is broken?
//!
//! cargo-mutants breaks one line at a time and runs the core's tests. What it found is kept in `.tools/mutants`
//! until a source changes, so that a long run may be stopped and gone on with, or be done in parts; the record is
//! written when all of it is there. When only tests change, what was caught stays caught and the rest is tried again,
//! so that a test for a survivor costs a minute and not the whole run; the record says so.

mod explained;
mod record;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};

use self::explained::Explanations;
use crate::{
    inputs::Inputs,
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// Which mutants; all by default.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this file's mutants, such as crates/core/src/scope.rs; may be given more than once.
    #[arg(long, value_name = "FILE")]
    file: Vec<String>,
    /// Only every tenth mutant or so.
    #[arg(long, conflicts_with = "shard")]
    quick: bool,
    /// Only the part K of N (K from 0), for several machines.
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
    /// Stop after so many minutes; the next call goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    minutes: Option<u64>,
    /// Forget what earlier calls found.
    #[arg(long)]
    fresh: bool,
    /// Mutants that are tried side by side.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    jobs: u8,
    /// Write the figures into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Break nothing: write the record anew from what earlier calls found.
    #[arg(long, conflicts_with_all = ["file", "quick", "shard", "minutes", "fresh"])]
    record: bool,
}

/// Tries the mutants that have not been tried, and writes the record once all have.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let tool = bring(workspace)?;
    let mut found = Found::open(workspace, options.fresh)?;
    let all = list(workspace, &tool)?;
    let explanations = Explanations::read(&workspace.path(EXPLANATIONS))?;
    if !options.record {
        let status = try_them(workspace, &tool, options, &mut found)?;
        found.take_in(workspace)?;
        judge_end(workspace, status)?;
    }
    let tally = Tally::of(&all, &found);
    println!("\n{tally}");
    if let Some(path) = &options.json {
        fs::write(path, format!("{:#}\n", tally.record(&found)))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let survivors = record::survivors(workspace, &all, &found, &explanations)?;
    for survivor in survivors.iter().filter(|survivor| survivor.why.is_none()) {
        println!("\n{survivor}");
    }
    let unexplained = survivors.iter().filter(|survivor| survivor.why.is_none()).count();
    if tally.untried == 0 {
        for stale in explanations.without(&survivors) {
            println!("stale: {EXPLANATIONS} explains what does not survive: {stale}");
        }
        let path = workspace.path(RECORD);
        fs::write(&path, record::text(workspace, &tally, &found, &survivors)?)?;
        println!("{RECORD}: written");
    } else {
        println!("{RECORD}: not written, since {} mutants are still to be tried", tally.untried);
    }
    ensure!(
        unexplained == 0,
        "{unexplained} mutants survive without a word about it: write a test that catches them, or say in {EXPLANATIONS} \
         why none can (the lines above are ready to be pasted there)"
    );
    ensure!(
        tally.untried > 0 || tally.caught_percent() >= LEAST_PERCENT,
        "{:.1} % are caught, and it shall be {LEAST_PERCENT} %",
        tally.caught_percent()
    );
    Ok(())
}

/// How many of all mutants came to what.
pub(crate) struct Tally {
    all: usize,
    caught: usize,
    missed: usize,
    timeout: usize,
    unviable: usize,
    untried: usize,
}

impl Tally {
    fn of(all: &[Mutant], found: &Found) -> Self {
        let count = |summary: &str| {
            all.iter().filter(|mutant| found.summary(&mutant.name) == Some(summary)).count()
        };
        let mut tally = Self {
            all: all.len(),
            caught: count("CaughtMutant"),
            missed: count(MISSED),
            timeout: count("Timeout"),
            unviable: count("Unviable"),
            untried: 0,
        };
        tally.untried = tally.all - tally.caught - tally.missed - tally.timeout - tally.unviable;
        tally
    }

    /// Of those that compile. One that makes a test run for ever is caught: the test does not pass.
    fn caught_percent(&self) -> f64 {
        let caught = (self.caught + self.timeout) as f64;
        let viable = caught + self.missed as f64;
        if viable == 0.0 { 100.0 } else { 100.0 * caught / viable }
    }

    fn record(&self, found: &Found) -> Value {
        json!({
            "mutants": self.all,
            "caught": self.caught,
            "timeout": self.timeout,
            "missed": self.missed,
            "unviable": self.unviable,
            "untried": self.untried,
            "caught_percent": self.caught_percent(),
            "seconds": found.seconds,
            "tool": format!("cargo-mutants {CARGO_MUTANTS}"),
        })
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { all, caught, missed, timeout, unviable, untried } = self;
        let percent = self.caught_percent();
        write!(
            f,
            "{all} mutants: {caught} caught, {timeout} timed out, {missed} missed, {unviable} unviable, {untried} \
             not tried; {percent:.1} % caught"
        )
    }
}

/// One way to break the core.
pub(crate) struct Mutant {
    /// File, line, column, and what is done there.
    name: String,
    file: String,
    line: usize,
}

impl Mutant {
    /// What is done, in which file, without the place, which moves with every line above.
    fn what(&self) -> String {
        let mut parts = self.name.splitn(4, ':');
        let file = parts.next().unwrap_or_default();
        format!("{file}: {}", parts.nth(2).unwrap_or_default().trim())
    }
}

/// What earlier calls found, as long as no source has changed.
pub(crate) struct Found {
    outcomes: BTreeMap<String, String>,
    seconds: u64,
    /// Whether tests have changed since some were caught.
    other_tests: bool,
}

impl Found {
    fn open(workspace: &Workspace, fresh: bool) -> Result<Self> {
        let folder = workspace.tools(FOLDER);
        let sources = SOURCES.map(|path| workspace.path(path));
        let inputs = Inputs::of(workspace.tools("stamp/mutants"), &[CARGO_MUTANTS], &sources)?;
        let tests = TESTS.map(|path| workspace.path(path));
        let tests = Inputs::of(workspace.tools("stamp/mutants-tests"), &[], &tests)?;
        if folder.exists() && (fresh || !inputs.are_done(&folder)) {
            if !fresh {
                println!("the core has changed: what earlier calls found counts no more");
            }
            fs::remove_dir_all(&folder)?;
        }
        let same_tests = !folder.exists() || tests.are_done(&folder);
        fs::create_dir_all(&folder)?;
        inputs.remember()?;
        tests.remember()?;
        let mut found = Self { outcomes: BTreeMap::new(), seconds: 0, other_tests: false };
        if let Ok(text) = fs::read_to_string(folder.join(RESULTS)) {
            let kept: Value = serde_json::from_str(&text)?;
            found.seconds = kept.get("seconds").and_then(Value::as_u64).unwrap_or(0);
            found.other_tests = kept.get("other_tests").and_then(Value::as_bool).unwrap_or(false);
            for (name, summary) in
                kept.get("outcomes").and_then(Value::as_object).into_iter().flatten()
            {
                found
                    .outcomes
                    .insert(name.clone(), summary.as_str().unwrap_or_default().to_owned());
            }
        }
        // What a call found that was stopped before it could say so.
        found.take_in(workspace)?;
        if !same_tests && !found.outcomes.is_empty() {
            println!("tests have changed: what survived the earlier ones is tried again");
            found.outcomes.retain(|_, summary| summary != MISSED);
            found.other_tests = true;
            fs::remove_dir_all(folder.join("mutants.out")).or_else(ignore_missing)?;
            found.keep(workspace)?;
        }
        Ok(found)
    }

    fn summary(&self, name: &str) -> Option<&str> {
        self.outcomes.get(name).map(String::as_str)
    }

    /// Adds what cargo-mutants has written, and keeps it all.
    fn take_in(&mut self, workspace: &Workspace) -> Result<()> {
        let folder = workspace.tools(FOLDER);
        if let Ok(text) = fs::read_to_string(folder.join("mutants.out/outcomes.json")) {
            let outcomes: Value =
                serde_json::from_str(&text).context("cargo-mutants' outcomes.json")?;
            for outcome in outcomes.get("outcomes").and_then(Value::as_array).into_iter().flatten()
            {
                let name = outcome.pointer("/scenario/Mutant/name").and_then(Value::as_str);
                if let (Some(name), Some(summary)) =
                    (name, outcome.get("summary").and_then(Value::as_str))
                {
                    self.outcomes.insert(name.to_owned(), summary.to_owned());
                }
            }
        }
        self.keep(workspace)
    }

    fn keep(&self, workspace: &Workspace) -> Result<()> {
        let outcomes: Map<String, Value> =
            self.outcomes.iter().map(|(name, summary)| (name.clone(), json!(summary))).collect();
        let kept = json!({
            "seconds": self.seconds,
            "other_tests": self.other_tests,
            "outcomes": outcomes,
        });
        Ok(fs::write(workspace.tools(FOLDER).join(RESULTS), kept.to_string())?)
    }
}

/// Runs cargo-mutants on what is asked for and has not been caught already.
fn try_them(
    workspace: &Workspace,
    tool: &PathBuf,
    options: &Options,
    found: &mut Found,
) -> Result<Option<ExitStatus>> {
    let folder = workspace.tools(FOLDER);
    let out = folder.join("mutants.out");
    fs::remove_dir_all(&out).or_else(ignore_missing)?;
    fs::create_dir_all(&out)?;
    let mut command = command(workspace, tool);
    command.arg("--output").arg(&folder).args(["--jobs", &options.jobs.to_string()]);
    for file in &options.file {
        command.args(["--file", file]);
    }
    match (&options.shard, options.quick) {
        (Some(shard), _) => {
            command.args(["--shard", shard, "--sharding", "round-robin"]);
        }
        (None, true) => {
            command.args(["--shard", QUICK, "--sharding", "round-robin"]);
        }
        // Not with parts: what is caught already would be left out first, and the parts would not fit.
        (None, false) => {
            let again = |summary: &str| summary == MISSED || summary == "Timeout";
            let done = found.outcomes.iter().filter(|(_, summary)| !again(summary));
            let done: String = done.map(|(name, _)| format!("{name}\n")).collect();
            fs::write(out.join("previously_caught.txt"), done)?;
            command.arg("--iterate");
        }
    }
    // Few cases a property: a mutant that only the thousandth case finds is found by luck.
    command.env("PROPTEST_CASES", "16");
    let start = Instant::now();
    let ended = watch(&mut command.spawn().context("cannot start cargo-mutants")?, &out, options);
    found.seconds += start.elapsed().as_secs();
    ended
}

/// Waits for the end, or ends it when its time is up; `None` then.
fn watch(
    child: &mut Child,
    out: &std::path::Path,
    options: &Options,
) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    let limit = options.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let mut told = start;
    let mut stopped = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((!stopped).then_some(status));
        }
        if !stopped && limit.is_some_and(|limit| start.elapsed() >= limit) {
            println!(
                "the time is up: the mutants under way are left, the next call goes on with them"
            );
            let id =
                i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process")?;
            kill_process(id, Signal::INT)?;
            stopped = true;
        }
        // On a terminal cargo-mutants shows its progress itself.
        if !io::stdout().is_terminal() && told.elapsed() >= Duration::from_secs(60) {
            let done = ["caught", "missed", "timeout", "unviable"].into_iter().map(|name| {
                let text = fs::read_to_string(out.join(name).with_extension("txt"));
                text.map_or(0, |text| text.lines().count())
            });
            let (done, minutes) = (done.sum::<usize>(), start.elapsed().as_secs() / 60);
            println!("{done} mutants tried in {minutes} min");
            told = Instant::now();
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn judge_end(workspace: &Workspace, status: Option<ExitStatus>) -> Result<()> {
    let log = workspace.tools(FOLDER).join("mutants.out/log/baseline.log");
    match status.map(|status| status.code()) {
        // Nothing missed; some missed; some timed out; stopped by us.
        Some(Some(0 | 2 | 3)) | None => Ok(()),
        Some(Some(4)) => {
            bail!("the core's tests fail before anything is broken: {}", log.display())
        }
        Some(_) => bail!("cargo-mutants ended with {status:?}; its words are above"),
    }
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn list(workspace: &Workspace, tool: &PathBuf) -> Result<Vec<Mutant>> {
    let mut command = command(workspace, tool);
    let listed = command.args(["--list", "--json"]).stderr(Stdio::inherit()).output()?;
    ensure!(listed.status.success(), "cargo-mutants cannot list the mutants: {}", listed.status);
    let listed: Value = serde_json::from_slice(&listed.stdout).context("cargo-mutants' list")?;
    let mutants = listed.as_array().into_iter().flatten().map(|mutant| {
        Some(Mutant {
            name: mutant.get("name")?.as_str()?.to_owned(),
            file: mutant.get("file")?.as_str()?.to_owned(),
            line: usize::try_from(mutant.pointer("/span/start/line")?.as_u64()?).ok()?,
        })
    });
    let mutants: Option<Vec<_>> = mutants.collect();
    mutants.context("cargo-mutants' list has another shape than it should")
}

fn command(workspace: &Workspace, tool: &PathBuf) -> Command {
    let mut command = workspace.command(tool);
    command.args(["mutants", "--package", "wardkey", "--no-times", "--colors", "never"]);
    command.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
    command
}

/// cargo-mutants, compiled here if it is not yet, or is of another version.
fn bring(workspace: &Workspace) -> Result<PathBuf> {
    let tool = workspace.tools("bin/cargo-mutants");
    let inputs = Inputs::of(workspace.tools("stamp/cargo-mutants"), &[CARGO_MUTANTS], &[])?;
    if inputs.are_done(&tool) {
        return Ok(tool);
    }
    Progress::of(1).step("cargo-mutants", "2 min", || {
        let build = workspace.tools("build/cargo-mutants");
        let mut cargo = workspace.cargo();
        cargo.args(["install", "cargo-mutants", "--locked", "--force", "--version", CARGO_MUTANTS]);
        cargo.arg("--root").arg(workspace.tools("")).arg("--target-dir").arg(&build);
        // What it does itself takes seconds; what it costs is the compiling.
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env_remove("RUSTFLAGS");
        let advice = "see that crates.io can be reached, then run this again";
        run_logged(workspace, "cargo-mutants", &mut cargo, advice)?;
        fs::remove_dir_all(&build)?;
        inputs.remember()
    })?;
    Ok(tool)
}

/// Where a person says why a survivor may survive.
const EXPLANATIONS: &str = "crates/core/mutants-explained.md";
/// What the last whole run came to.
const RECORD: &str = "crates/core/MUTANTS.md";
/// What must be caught, in percent of what compiles.
const LEAST_PERCENT: f64 = 95.0;
const CARGO_MUTANTS: &str = "27.1.0";
/// Under `.tools`.
const FOLDER: &str = "mutants";
const RESULTS: &str = "results.json";
/// cargo-mutants' word.
const MISSED: &str = "MissedMutant";
/// The part that a quick look takes.
const QUICK: &str = "0/10";
/// What the mutants are made of.
const SOURCES: [&str; 3] = [".cargo/mutants.toml", "crates/core/Cargo.toml", "crates/core/src"];
/// What catches them, beside the tests inside the core's source.
const TESTS: [&str; 2] = ["crates/core/tests", "crates/provision/src"];

//! `cargo xtask fuzz`: every parser of the core, with inputs that nobody thought of.
//!
//! The stable compiler does: what cargo-fuzz asks of it are plain code-generation flags, as long as no sanitizer
//! is wanted, and the core has no unsafe code to sanitize.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Instant, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// How long, which target, and what else than fuzzing.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this target.
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// Seconds for each target.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Start of the fuzzer's random numbers, to repeat a run; by default another one each time.
    #[arg(long)]
    seed: Option<u32>,
    /// Write what each target came to into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Judge this one saved input, and nothing else.
    #[arg(long, value_name = "FILE", requires = "target", conflicts_with = "json")]
    reproduce: Option<PathBuf>,
    /// Write the seeds in crates/core/fuzz/seeds anew, and nothing else.
    #[arg(long, conflicts_with_all = ["target", "json"])]
    write_seeds: bool,
}

/// Does what the options say; a find, or a fuzzer that finds nothing, is a failure.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.write_seeds {
        return write_seeds(workspace);
    }
    let targets: Vec<&str> = match &options.target {
        Some(target) => vec![target],
        None => TARGETS.to_vec(),
    };
    if let Some(input) = &options.reproduce {
        return reproduce(workspace, targets.first().context("no target")?, input);
    }
    let record = hunt(workspace, &targets, options.seconds, options.seed)?;
    if let Some(path) = &options.json {
        fs::write(path, format!("{record:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Fuzzes each of the targets for so many seconds, and returns what each came to.
///
/// # Errors
/// A find, with the input that made it, after all targets have had their time; a planted bug that was not found.
pub(crate) fn hunt(
    workspace: &Workspace,
    targets: &[&str],
    seconds: u32,
    seed: Option<u32>,
) -> Result<Value> {
    // WHY: to the fuzzer 0 is "take another one".
    let seed = seed.map(|seed| seed.max(1));
    let progress = Progress::of(3 + targets.len());
    let usually = format!("{seconds} s");
    progress.step(
        "the seeds are as they are made, and reach their stages",
        "30 s at first",
        || {
            run_logged(
                workspace,
                "fuzz-seeds",
                cargo(workspace).args(["test", "--locked", "--no-default-features"]),
                "where the format has changed on purpose: `cargo xtask fuzz --write-seeds`",
            )
        },
    )?;
    let programs = progress.step("fuzz targets", "60 s at first", || build(workspace))?;
    let planted = progress.step("planted bug, to be found", "1 s", || {
        let executions = find_planted(workspace, &programs, seed.unwrap_or_else(random_seed))?;
        println!("  found in {executions} executions");
        Ok(executions)
    })?;
    let mut found = vec![];
    let mut finds = vec![];
    for target in targets {
        let outcome = progress.step(target, &usually, || {
            let seed = seed.unwrap_or_else(random_seed);
            let seeds = workspace.path(FOLDER).join("seeds").join(target);
            let outcome = fuzz(workspace, &programs, target, &[&seeds], seconds, seed)?;
            println!("  {}", outcome.told());
            Ok(outcome)
        })?;
        if let Some(find) = outcome.find(workspace) {
            println!("{find}");
            finds.push(*target);
        }
        found.push(outcome.record());
    }
    if !finds.is_empty() {
        bail!("a find by {}; what, and how to see it again, is above", finds.join(", "));
    }
    println!("fuzz: nothing found, but for what was planted");
    Ok(json!({ "seconds": seconds, "planted_found_after": planted, "targets": found }))
}

/// What a target came to.
struct Outcome {
    target: String,
    seed: u32,
    status: ExitStatus,
    /// What it said.
    log: PathBuf,
    text: String,
    /// The input that broke it.
    input: Option<PathBuf>,
    seconds: u64,
}

impl Outcome {
    /// The number behind such words in its last line of progress, or in its closing lines.
    fn figure(&self, name: &str) -> Option<u64> {
        let behind = |line: &str| {
            let (_, rest) = line.split_once(name)?;
            let number = rest.trim_start();
            number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        self.text.lines().rev().find_map(behind)
    }

    fn executions(&self) -> Option<u64> {
        self.figure("stat::number_of_executed_units:")
    }

    fn record(&self) -> Value {
        json!({
            "target": self.target,
            "seed": self.seed,
            "seconds": self.seconds,
            "executions": self.executions(),
            "coverage": self.figure(" cov: "),
            "features": self.figure(" ft: "),
            "corpus": self.figure(" corp: "),
        })
    }

    fn told(&self) -> String {
        let figure =
            |number: Option<u64>| number.map_or("?".to_owned(), |number| number.to_string());
        format!(
            "{} executions, coverage {}, features {}, seed {}",
            figure(self.executions()),
            figure(self.figure(" cov: ")),
            figure(self.figure(" ft: ")),
            self.seed
        )
    }

    /// What was found and how to see it again; none if the target ended as it should.
    fn find(&self, workspace: &Workspace) -> Option<String> {
        // A target that ran nothing has found nothing either.
        if self.status.success() && self.executions() > Some(0) {
            return None;
        }
        let lines: Vec<&str> = self.text.lines().collect();
        let start =
            lines.iter().position(|line| line.contains("panicked at") || line.contains("ERROR:"));
        let start = start.unwrap_or_else(|| lines.len().saturating_sub(WORDS));
        let words = lines.get(start..).unwrap_or_default();
        let words: Vec<&str> = words.iter().take(WORDS).copied().collect();
        let seen_again = match &self.input {
            Some(input) => {
                let input = workspace.relative(input);
                format!(
                    "the input: {}\n  see it again: cargo xtask fuzz {} --reproduce {}",
                    input.display(),
                    self.target,
                    input.display()
                )
            }
            None => "no input was saved: it did not even start".to_owned(),
        };
        Some(format!(
            "{}: {} with seed {}\n  | {}\n  all of it: {}\n  {seen_again}",
            self.target,
            self.status,
            self.seed,
            words.join("\n  | "),
            workspace.relative(&self.log).display(),
        ))
    }
}

/// The bug that is planted must be found: it takes coverage to find it, and overflow checks to see it.
fn find_planted(workspace: &Workspace, programs: &Path, seed: u32) -> Result<u64> {
    let corpus = workspace.path(WORK).join("corpus").join(PLANTED);
    if corpus.exists() {
        fs::remove_dir_all(&corpus)?;
    }
    let outcome = fuzz(workspace, programs, PLANTED, &[], SECONDS_FOR_PLANTED, seed)?;
    let input = outcome.input.as_ref().map(fs::read).transpose()?;
    let found = !outcome.status.success()
        && input.is_some_and(|input| input.starts_with(b"bug"))
        && outcome.text.contains("attempt to add with overflow");
    ensure!(
        found,
        "the planted bug was not found in {SECONDS_FOR_PLANTED} s with seed {seed}, so that a fuzzer which finds \
         nothing else proves nothing; all of it: {}",
        outcome.log.display()
    );
    // It stops before its closing lines: the count stands in its last line of progress.
    let mut lines = outcome.text.lines().rev();
    let last = lines.find_map(|line| line.strip_prefix('#')?.split_whitespace().next());
    Ok(last.and_then(|count| count.parse().ok()).unwrap_or(0))
}

fn fuzz(
    workspace: &Workspace,
    programs: &Path,
    target: &str,
    seeds: &[&Path],
    seconds: u32,
    seed: u32,
) -> Result<Outcome> {
    let corpus = workspace.path(WORK).join("corpus").join(target);
    let crashes = workspace.path(WORK).join("crashes");
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&crashes)?;
    let mut command = workspace.command(programs.join(target));
    command.arg(corpus).args(seeds);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-seed={seed}"));
    command.arg(format!("-artifact_prefix={}/{target}-", crashes.display()));
    command.args(["-print_final_stats=1", "-max_len=5000", "-timeout=10", "-rss_limit_mb=1024"]);
    let log = workspace.tools(format!("log/fuzz-{target}.log"));
    let start = Instant::now();
    let status = told_to(&log, &mut command)?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let saved = "Test unit written to ";
    let input = text.lines().find_map(|line| Some(line.split_once(saved)?.1.trim().into()));
    let seconds = start.elapsed().as_secs();
    Ok(Outcome { target: target.to_owned(), seed, status, log, text, input, seconds })
}

fn reproduce(workspace: &Workspace, target: &str, input: &Path) -> Result<()> {
    ensure!(input.is_file(), "there is no {}", input.display());
    let input = fs::canonicalize(input)?;
    let progress = Progress::of(1);
    let programs = progress.step("fuzz targets", "60 s at first", || build(workspace))?;
    let status = workspace.command(programs.join(target)).arg(input).status()?;
    ensure!(status.success(), "{target} breaks on this input; its words are above");
    println!("{target} does not break on this input");
    Ok(())
}

fn write_seeds(workspace: &Workspace) -> Result<()> {
    let seeds = workspace.path(FOLDER).join("seeds");
    let progress = Progress::of(1);
    progress.step("seeds", "20 s at first", || {
        let mut cargo = cargo(workspace);
        cargo.args(["run", "--locked", "--no-default-features", "--example", "seeds", "--"]);
        let fresh = workspace.path(WORK).join("seeds");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        cargo.arg(&fresh);
        run_logged(workspace, "fuzz-seeds", &mut cargo, "the compiler's words above say where")?;
        // Only now: what is committed stays if the new ones cannot be made.
        if seeds.exists() {
            fs::remove_dir_all(&seeds)?;
        }
        Ok(fs::rename(&fresh, &seeds)?)
    })?;
    println!(
        "{}: written anew; `git diff` shows what changed",
        workspace.relative(&seeds).display()
    );
    Ok(())
}

/// Builds the targets and tells the folder with their programs.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let version = workspace.command("rustc").arg("-vV").output().context("cannot start rustc")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("no host")?;
    let mut cargo = cargo(workspace);
    // The target is named so that the flags are not for build scripts, too.
    cargo.args(["build", "--release", "--locked", "--bins", "--target", host]);
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", COVERAGE.join(" "));
    run_logged(
        workspace,
        "fuzz-build",
        &mut cargo,
        "it takes a C++ compiler, such as Debian's package g++",
    )?;
    Ok(workspace.path(WORK).join(host).join("release"))
}

/// Cargo for the fuzz targets, which are a workspace of their own.
fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.current_dir(workspace.path(FOLDER)).env_remove("RUSTFLAGS");
    cargo.env("CARGO_TARGET_DIR", workspace.path(WORK));
    cargo
}

fn told_to(log: &Path, command: &mut Command) -> Result<ExitStatus> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = File::create(log)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    command.status().with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// Another one each time: a short run shall not always try the same.
fn random_seed() -> u32 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.subsec_nanos().max(1)
}

/// The programs of crates/core/fuzz, but for the planted bug.
pub(crate) const TARGETS: [&str; 8] =
    ["key", "key_set", "head", "state", "change", "scope", "word", "scan"];
const PLANTED: &str = "planted";
/// It takes a fraction of a second; on a busy machine a few.
const SECONDS_FOR_PLANTED: u32 = 30;

const FOLDER: &str = "crates/core/fuzz";
/// Builds, the growing corpus, and inputs that broke something; git ignores it.
const WORK: &str = "target/fuzz";
/// Lines of a panic that a failure shows.
const WORDS: usize = 12;

/// What makes the compiler tell the fuzzer which edges were taken and what was compared.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

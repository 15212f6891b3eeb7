//! `cargo xtask fuzz`: every parser of the core, with inputs that nobody thought of.
//!
//! The stable compiler does: what cargo-fuzz asks of it are plain code-generation flags, as long as no sanitizer
//! is wanted, and the core has no unsafe code to sanitize.

mod outcome;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Instant, SystemTime},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use self::outcome::Outcome;
use crate::{
    apt::{self, Wanted},
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// How long, which target, and what else than fuzzing.
#[derive(Args)]
pub(crate) struct Options {
    /// Only this target; all by default.
    #[arg(value_parser = TARGETS)]
    target: Option<String>,
    /// Seconds for each target (1 to 86400).
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Start of the fuzzer's random numbers (0 to 4294967295); another one each time by default. The same one begins alike
    /// and, ended by the clock, does not try exactly the same.
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
    let record = hunt(workspace, &targets, options.seconds, options.seed, Corpus::Grown)?;
    if let Some(path) = &options.json {
        fs::write(path, format!("{record:#}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What a hunt starts from, beside the seeds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Corpus {
    /// What earlier hunts on this machine came to.
    Grown,
    /// Nothing, so that the figures do not depend on what was fuzzed here before.
    Fresh,
}

/// Fuzzes each of the targets for so many seconds, and returns what each came to. A hunt ends by the clock, so that its
/// seed says how it began, and not that it tries the same inputs again.
///
/// # Errors
/// A find, with the input that made it, after all targets have had their time; a planted bug that was not found.
pub(crate) fn hunt(
    workspace: &Workspace,
    targets: &[&str],
    seconds: u32,
    seed: Option<u32>,
    corpus: Corpus,
) -> Result<Value> {
    // WHY: to the fuzzer 0 is "take another one".
    let seed = seed.map(|seed| seed.max(1));
    let progress = Progress::of(4 + targets.len());
    let usually = format!("{seconds} s");
    compiler(workspace, &progress)?;
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
            let corpus = corpus.of(workspace, target)?;
            let outcome = fuzz(workspace, &programs, target, &[&corpus, &seeds], seconds, seed)?;
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

/// The bug that is planted must be found: it takes coverage to find it, and overflow checks to see it.
fn find_planted(workspace: &Workspace, programs: &Path, seed: u32) -> Result<u64> {
    let corpus = Corpus::Fresh.of(workspace, PLANTED)?;
    let outcome = fuzz(workspace, programs, PLANTED, &[&corpus], SECONDS_FOR_PLANTED, seed)?;
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

impl Corpus {
    /// The folder that a target's inputs are read from and grow in.
    fn of(self, workspace: &Workspace, target: &str) -> Result<PathBuf> {
        let name = if self == Self::Fresh { "corpus-fresh" } else { "corpus" };
        let folder = workspace.path(WORK).join(name).join(target);
        if self == Self::Fresh && folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

/// Fuzzes with the inputs of `corpus`, whose first folder takes the new ones.
fn fuzz(
    workspace: &Workspace,
    programs: &Path,
    target: &str,
    corpus: &[&Path],
    seconds: u32,
    seed: u32,
) -> Result<Outcome> {
    let crashes = workspace.path(WORK).join("crashes");
    fs::create_dir_all(&crashes)?;
    let mut command = workspace.command(programs.join(target));
    command.args(corpus);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-seed={seed}"));
    command.arg(format!("-artifact_prefix={}/{target}-", crashes.display()));
    command.arg("-print_final_stats=1").args(LIMITS);
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
    let progress = Progress::of(2);
    compiler(workspace, &progress)?;
    let programs = progress.step("fuzz targets", "60 s at first", || build(workspace))?;
    let status = workspace.command(programs.join(target)).args(LIMITS).arg(input).status()?;
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

/// The fuzzer itself is C++ and is compiled here.
fn compiler(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let wanted = Wanted {
        what: "C++ compiler",
        probe: Some(&["c++", "--version"]),
        packages: &["g++"],
        why: "It compiles the fuzzer, which is written in C++",
        otherwise: "install a C++ compiler in this system's way, so that `c++` starts",
        usually: "30 s",
        advice: "see that Debian's package server can be reached",
    };
    apt::bring(workspace, progress, &wanted)
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
    run_logged(workspace, "fuzz-build", &mut cargo, "the compiler's words above say where")?;
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

/// What an input may cost, the same when it is found and when it is seen again: bytes, seconds, megabytes.
const LIMITS: [&str; 3] = ["-max_len=5000", "-timeout=10", "-rss_limit_mb=1024"];

const FOLDER: &str = "crates/core/fuzz";
/// Builds, the growing corpus, and inputs that broke something; git ignores it.
const WORK: &str = "target/fuzz";

/// What makes the compiler tell the fuzzer which edges were taken and what was compared.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_fresh_corpus_holds_nothing_and_a_grown_one_what_it_held() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        for (corpus, left) in [(Corpus::Fresh, 0), (Corpus::Grown, 1)] {
            let folder = corpus.of(&workspace, "key").unwrap();
            fs::write(folder.join("input"), "").unwrap();
            let folder = corpus.of(&workspace, "key").unwrap();
            assert_eq!(fs::read_dir(folder).unwrap().count(), left);
        }
    }

    /// The names stand in four places, and a target that one of them lacks is fuzzed by nobody.
    #[test]
    fn the_targets_are_those_of_the_fuzz_crate() {
        let folder = Workspace::find().unwrap().path(FOLDER);
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let names = |under: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(folder.join(under)).unwrap();
            let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
            entries.map(|entry| stem(entry.unwrap().path())).collect()
        };
        let ours: BTreeSet<String> = TARGETS.map(str::to_owned).into();
        let mut with_planted = ours.clone();
        with_planted.insert(PLANTED.to_owned());

        let manifest = read("Cargo.toml");
        let programs = manifest.split("\n[[bin]]\n").skip(1).map(|program| {
            let name = program.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
            name.trim_matches('"').to_owned()
        });
        assert_eq!(programs.collect::<BTreeSet<_>>(), with_planted, "Cargo.toml");
        assert_eq!(names("fuzz_targets"), with_planted, "fuzz_targets");
        assert_eq!(names("seeds"), ours, "seeds");

        let library = read("src/lib.rs");
        let (_, list) = library.split_once("pub const TARGETS").unwrap();
        let (list, _) = list.split_once("];").unwrap();
        let list = list.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split_once('"'));
        let list: BTreeSet<String> = list.map(|(name, _)| name.to_owned()).collect();
        assert_eq!(list, ours, "src/lib.rs");
    }
}

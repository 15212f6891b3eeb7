//! cargo-mutants: how it comes here, what it lists, and how it is run.

use std::{
    collections::HashSet,
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::found::ignore_missing;
use crate::{
    inputs::Inputs,
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// One way to break the core.
#[derive(Debug)]
pub(super) struct Mutant {
    /// File, line, column, and what is done there.
    pub(super) name: String,
    pub(super) file: String,
    pub(super) line: usize,
}

impl Mutant {
    /// What is done, in which file, without the place, which moves with every line above.
    pub(super) fn what(&self) -> String {
        let mut parts = self.name.splitn(4, ':');
        let file = parts.next().unwrap_or_default();
        format!("{file}: {}", parts.nth(2).unwrap_or_default().trim())
    }
}

/// The program.
pub(super) struct Tool(PathBuf);

impl Tool {
    /// Compiled here if it is not yet, or is of another version.
    pub(super) fn bring(workspace: &Workspace) -> Result<Self> {
        let tool = workspace.tools("bin/cargo-mutants");
        let inputs = Inputs::of(workspace.tools("stamp/cargo-mutants"), &[CARGO_MUTANTS], &[])?;
        if inputs.are_done(&tool) {
            return Ok(Self(tool));
        }
        Progress::of(1).step("cargo-mutants", "2 min", || {
            let build = workspace.tools("build/cargo-mutants");
            let mut cargo = workspace.cargo();
            cargo.args(["install", "cargo-mutants", "--locked", "--force"]);
            cargo.args(["--version", CARGO_MUTANTS]);
            cargo.arg("--root").arg(workspace.tools("")).arg("--target-dir").arg(&build);
            // What it does itself takes seconds; what it costs is the compiling.
            cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0").env_remove("RUSTFLAGS");
            let advice = "see that crates.io can be reached, then run this again";
            run_logged(workspace, "cargo-mutants", &mut cargo, advice)?;
            fs::remove_dir_all(&build)?;
            inputs.remember()
        })?;
        Ok(Self(tool))
    }

    /// All mutants of the core.
    pub(super) fn list(&self, workspace: &Workspace) -> Result<Vec<Mutant>> {
        let mut command = self.command(workspace);
        let listed = command.args(["--list", "--json"]).stderr(Stdio::inherit()).output()?;
        ensure!(
            listed.status.success(),
            "cargo-mutants cannot list the mutants: {}",
            listed.status
        );
        parse(&listed.stdout)
    }

    /// Tries those of `all` that are `wanted`; what comes out lies in `folder`.
    ///
    /// # Errors
    /// The core's tests fail although nothing is broken, or cargo-mutants cannot do its work.
    pub(super) fn try_them(
        &self,
        workspace: &Workspace,
        all: &[Mutant],
        wanted: &[&Mutant],
        folder: &Path,
        jobs: u8,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let out = folder.join("mutants.out");
        fs::remove_dir_all(&out).or_else(ignore_missing)?;
        fs::create_dir_all(&out)?;
        // To cargo-mutants all others are caught already, and it goes on from there.
        let wanted: HashSet<&str> = wanted.iter().map(|mutant| mutant.name.as_str()).collect();
        let others = all.iter().filter(|mutant| !wanted.contains(mutant.name.as_str()));
        let others: String = others.map(|mutant| format!("{}\n", mutant.name)).collect();
        fs::write(out.join("previously_caught.txt"), others)?;
        let mut command = self.command(workspace);
        command.args(["--iterate", "--output"]).arg(folder).args(["--jobs", &jobs.to_string()]);
        // Few cases a property: a mutant that only the thousandth case finds is found by luck.
        command.env("PROPTEST_CASES", "16");
        let mut child = command.spawn().context("cannot start cargo-mutants")?;
        match watch(&mut child, &out, deadline)?.map(|status| (status.code(), status)) {
            // Nothing missed; some missed; some timed out; stopped by us.
            Some((Some(0 | 2 | 3), _)) | None => Ok(()),
            Some((Some(4), _)) => bail!(
                "the core's tests fail before anything is broken: {}",
                out.join("log/baseline.log").display()
            ),
            Some((_, status)) => bail!("cargo-mutants: {status}; its words are above"),
        }
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let mut command = workspace.command(&self.0);
        command.args(["mutants", "--package", "wardkey", "--no-times", "--colors", "never"]);
        command.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
        command
    }
}

fn parse(listed: &[u8]) -> Result<Vec<Mutant>> {
    let listed: Value = serde_json::from_slice(listed).context("cargo-mutants' list")?;
    let mutants = listed.as_array().into_iter().flatten().map(|mutant| {
        Some(Mutant {
            name: mutant.get("name")?.as_str()?.to_owned(),
            file: mutant.get("file")?.as_str()?.to_owned(),
            line: usize::try_from(mutant.pointer("/span/start/line")?.as_u64()?).ok()?,
        })
    });
    let mutants: Option<Vec<_>> = mutants.collect();
    let mutants = mutants.context("cargo-mutants' list has another shape than it should")?;
    ensure!(!mutants.is_empty(), "cargo-mutants finds nothing to break: does it see the core?");
    Ok(mutants)
}

/// Waits for the end, or ends it when its time is up; `None` then.
fn watch(child: &mut Child, out: &Path, deadline: Option<Instant>) -> Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut told = start;
    let mut stopped = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((!stopped).then_some(status));
        }
        if !stopped && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
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

pub(super) const CARGO_MUTANTS: &str = "27.1.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_a_mutant_is_none() {
        assert!(parse(b"[]").is_err());
        assert!(parse(b"{}").is_err());
        assert!(parse(br#"[{"name": "a.rs:1:2: replace f", "file": "a.rs"}]"#).is_err());
        let one = br#"[{"name": "a.rs:1:2: replace < with :: in f", "file": "a.rs", "span": {"start": {"line": 1}}}]"#;
        let one = parse(one).unwrap();
        assert_eq!(one[0].what(), "a.rs: replace < with :: in f");
    }
}

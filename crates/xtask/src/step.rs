//! Progress that a person can follow, and a log for when it goes wrong.

use std::{
    fs::{self, File},
    io::Write,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// How many steps a command has, and how many have begun. Steps may run side by side.
pub(crate) struct Progress {
    total: usize,
    begun: AtomicUsize,
}

impl Progress {
    pub(crate) fn of(total: usize) -> Self {
        Self { total, begun: AtomicUsize::new(0) }
    }

    /// A step that has nothing to do.
    pub(crate) fn ready(&self, what: &str) {
        println!("{} {what}: ready", self.next());
    }

    /// Runs a step, telling what it is and how long it usually takes on two cores.
    pub(crate) fn step<T>(
        &self,
        what: &str,
        usually: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let number = self.next();
        println!("{number} {what} (about {usually}) …");
        let start = Instant::now();
        let done = work();
        // Said at once: another step may still be running, and the reason is told at the end.
        let how = if done.is_ok() { "done in" } else { "FAILED after" };
        println!("{number} {what}: {how} {} s", start.elapsed().as_secs());
        done.with_context(|| what.to_owned())
    }

    /// The step that has just failed is tried in another way.
    pub(crate) fn take_back(&self) {
        self.begun.fetch_sub(1, Ordering::Relaxed);
    }

    fn next(&self) -> String {
        format!("[{}/{}]", self.begun.fetch_add(1, Ordering::Relaxed) + 1, self.total)
    }
}

/// Runs a command with all that it says in `.tools/log/NAME.log`, of which only a failure shows the end.
///
/// # Errors
/// When it cannot be started or fails; the message ends with `advice`.
pub(crate) fn run_logged(
    workspace: &Workspace,
    name: &str,
    command: &mut Command,
    advice: &str,
) -> Result<()> {
    let path = workspace.tools(format!("log/{name}.log"));
    fs::create_dir_all(workspace.tools("log"))?;
    let mut log = File::create(&path)?;
    writeln!(log, "{command:?}\n")?;
    let status =
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).status().with_context(
            || format!("cannot start {}; {advice}", command.get_program().display()),
        )?;
    if status.success() {
        return Ok(());
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n  | ");
    bail!("{status}\n  | {end}\n  all of it: {}\n  what to do: {advice}", path.display())
}

/// Lines of a log that a failure shows.
const TAIL: usize = 15;

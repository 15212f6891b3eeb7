//! The second implementation of FORMAT.md, in `tests/python`, and the Python that runs it.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{
    apt::{self, Wanted},
    step::Progress,
    workspace::Workspace,
};

/// Steps that [`bring`] counts.
pub(crate) const STEPS: usize = 1;

/// What a module said.
pub(crate) struct Said {
    pub(crate) passed: bool,
    pub(crate) told: String,
    pub(crate) complaints: String,
}

/// Sees that there is a Python that is new enough, and installs Debian's where there is none.
pub(crate) fn bring(workspace: &Workspace, progress: &Progress) -> Result<()> {
    if find(workspace).is_some() {
        progress.ready("Python");
        return Ok(());
    }
    let wanted = Wanted {
        what: "Python",
        // Asked above, with the version; here one that is too old would do.
        probe: None,
        packages: &["python3"],
        why: "It runs a second implementation of the formats",
        otherwise: "install Python 3.11 or newer in this system's way, so that `python3` starts",
        usually: "20 s",
        advice: "see that Debian's package server can be reached",
    };
    apt::bring(workspace, progress, &wanted)?;
    program(workspace).map(|_| ())
}

/// Runs a module of `tests/python`, or of Python itself, in that folder.
///
/// # Errors
/// Where it cannot be started; whether it passed is part of what it said.
pub(crate) fn module(workspace: &Workspace, name: &str, arguments: &[&str]) -> Result<Said> {
    let program = program(workspace)?;
    let mut python = command(workspace, program);
    let output = python
        .args(["-m", name])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    Ok(Said {
        passed: output.status.success(),
        told: String::from_utf8(output.stdout)?,
        complaints: String::from_utf8(output.stderr)?,
    })
}

/// The program that is new enough.
///
/// # Errors
/// Where there is none.
pub(crate) fn program(workspace: &Workspace) -> Result<&'static str> {
    match find(workspace) {
        Some(program) => Ok(program),
        None => bail!(
            "none of {} is Python {}.{} or newer, which tests/python needs",
            PROGRAMS.join(", "),
            LEAST.0,
            LEAST.1
        ),
    }
}

/// The first that is new enough.
fn find(workspace: &Workspace) -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| {
        let mut python = command(workspace, program);
        python.args(["-c", &format!("import sys; sys.exit(sys.version_info < {LEAST:?})")]);
        python.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        python.status().is_ok_and(|status| status.success())
    })
}

fn command(workspace: &Workspace, program: &str) -> Command {
    let mut python = workspace.command(program);
    // It leaves nothing behind in the checkout.
    python.current_dir(workspace.path("tests/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

const LEAST: (u32, u32) = (3, 11);
/// Debian's own may be newer than the one that comes first in the path.
const PROGRAMS: [&str; 2] = ["python3", "/usr/bin/python3"];

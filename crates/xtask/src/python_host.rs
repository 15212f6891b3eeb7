//! The component from Python: `crates/hosts/python`, what it needs, and its own tests.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    component,
    step::Progress,
    venv::{self, Packages},
    workspace::Workspace,
};

/// Steps that [`bring`] counts.
pub(crate) const STEPS: usize = venv::STEPS;

/// Brings what it runs with; answers its Python.
pub(crate) fn bring(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    let packages = Packages {
        what: "wasmtime, uvicorn and pytest",
        name: "python-host",
        requirements: "crates/hosts/python/requirements.txt",
        program: "uvicorn",
        usually: "30 s",
    };
    Ok(venv::bring(workspace, progress, &packages)?.join("python3"))
}

/// Steps that [`tests`] counts.
pub(crate) const TESTS: usize = 2;

/// Its types and its tests: every vector, a hostile host, and the guard over ASGI.
///
/// # Errors
/// Where either fails; what they said stands above.
pub(crate) fn tests(workspace: &Workspace, progress: &Progress, python: &Path) -> Result<()> {
    let mut failed = Vec::new();
    for (what, usually, arguments) in [
        ("types of the Python host", "15 s", &["-m", "mypy", "--no-incremental"][..]),
        ("the component from Python", "20 s", &["-m", "pytest", "-p", "no:cacheprovider"][..]),
    ] {
        let passed = progress.step(what, usually, || {
            let mut command = workspace.command(python);
            command.current_dir(workspace.path(FOLDER)).args(arguments);
            // It leaves nothing behind in the checkout.
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            command.env("WARDKEY_COMPONENT", workspace.path(component::VERIFYING));
            Ok(command.status().context("cannot start Python")?.success())
        })?;
        if !passed {
            failed.push(what);
        }
    }
    if !failed.is_empty() {
        bail!("{} failed", failed.join(" and "));
    }
    Ok(())
}

/// What measures it, a part of `cargo xtask bench`; it is told the rest by its arguments.
pub(crate) fn bench(workspace: &Workspace, python: &Path) -> Command {
    let mut command = workspace.command(python);
    command.arg(workspace.path(FOLDER).join("bench.py"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("WARDKEY_COMPONENT", workspace.path(component::VERIFYING));
    command
}

const FOLDER: &str = "crates/hosts/python";

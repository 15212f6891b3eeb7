//! Packages from PyPI in folders of their own under `.tools`, each at the version that its requirements name.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::{
    apt::{self, Wanted},
    inputs::Inputs,
    python,
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// Steps that [`bring`] counts.
pub(crate) const STEPS: usize = python::STEPS + 2;

/// What is kept apart from this machine's Python.
pub(crate) struct Packages<'p> {
    /// As the step is called.
    pub(crate) what: &'p str,
    /// Its folder under `.tools`, and the name of its stamp and logs.
    pub(crate) name: &'p str,
    /// Every package and its version.
    pub(crate) requirements: &'p str,
    /// A program that is there once they are.
    pub(crate) program: &'p str,
    /// How long it takes.
    pub(crate) usually: &'p str,
}

/// Installs them unless they are there in these versions; answers the folder of their programs.
pub(crate) fn bring(
    workspace: &Workspace,
    progress: &Progress,
    packages: &Packages<'_>,
) -> Result<PathBuf> {
    let Packages { what, name, requirements, program, usually } = packages;
    python::bring(workspace, progress)?;
    let python = python::program(workspace)?;
    let probe = [python, "-c", "import ensurepip, venv"];
    let wanted = Wanted {
        what: "Python's venv",
        probe: Some(&probe),
        packages: &["python3-venv"],
        why: &format!("It keeps {what} apart from this machine's Python"),
        otherwise: "install Python with its modules venv and ensurepip in this system's way",
        usually: "20 s",
        advice: "see that Debian's package server can be reached",
    };
    apt::bring(workspace, progress, &wanted)?;
    let requirements = workspace.path(requirements);
    let folder = workspace.tools(name);
    let bin = folder.join("bin");
    let stamp = workspace.tools(Path::new("stamp").join(name));
    let inputs = Inputs::of(stamp, &[], std::slice::from_ref(&requirements))?;
    if inputs.are_done(&bin.join(program)) {
        progress.ready(what);
        return Ok(bin);
    }
    progress.step(what, usually, || {
        let mut venv = workspace.command(python);
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        run_logged(workspace, &format!("{name}-venv"), &mut venv, OFFLINE)?;
        let mut pip = workspace.command(bin.join("python3"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]);
        // Nothing but what is listed, in the versions that are listed.
        pip.args(["--no-deps", "--requirement"]).arg(&requirements);
        run_logged(workspace, &format!("{name}-pip"), &mut pip, OFFLINE)?;
        inputs.remember()
    })?;
    Ok(bin)
}

const OFFLINE: &str =
    "if pip cannot reach its registry, get this machine online: the packages are fetched once";

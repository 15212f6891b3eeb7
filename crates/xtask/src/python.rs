//! Python, for the second implementation of the formats.

use std::ffi::OsStr;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Runs a module of `tests/python`, with all that it says on the terminal.
///
/// # Errors
/// Where there is no Python, and where the module says no.
pub(crate) fn module(
    workspace: &Workspace,
    name: &str,
    arguments: &[impl AsRef<OsStr>],
) -> Result<()> {
    let mut python = workspace.command("python3");
    python.current_dir(workspace.path("tests/python")).args(["-m", name]).args(arguments);
    let status =
        python.status().context("cannot start python3; version 3.11 or later is needed")?;
    if !status.success() {
        bail!("python3 -m {name} said no: {status}; what differs is above");
    }
    Ok(())
}

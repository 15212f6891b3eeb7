//! The npm packages, and a Node new enough to run them.
//!
//! Node itself is one of the packages: what the machine brings is only used to start npm.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::{
    inputs::Inputs,
    step::{Progress, run_logged},
    workspace::{Workspace, path_with},
};

/// Steps that [`run`] counts.
pub(crate) const STEPS: usize = 1;

/// The packages of `package-lock.json`, installed.
pub(crate) struct Node {
    bin: PathBuf,
}

impl Node {
    /// The folder with `node`, `wrangler`, `wasm-opt` and `esbuild`.
    pub(crate) fn bin(&self) -> PathBuf {
        self.bin.clone()
    }

    /// The pinned Node, with the packages' programs before all others.
    pub(crate) fn command(&self, workspace: &Workspace) -> Command {
        let mut command = workspace.command(self.bin.join("node"));
        command.env("PATH", path_with(&[self.bin()]));
        command
    }
}

/// Installs what the lock says, if that is not what is there.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<Node> {
    let what = "npm packages, with Node";
    let modules = workspace.path("node_modules");
    let node = Node { bin: modules.join(".bin") };
    let lock = [workspace.path("package.json"), workspace.path("package-lock.json")];
    let inputs = Inputs::of(modules.join(".wardkey-stamp"), &[], &lock)?;
    // The older Node lies beside the tests that want it.
    let is_whole = workspace.path("tests/node-20/node_modules").exists();
    if is_whole && inputs.are_done(&node.bin.join("node")) {
        progress.ready(what);
        return Ok(node);
    }
    progress.step(what, "20 s", || {
        for program in ["node", "npm"] {
            if !starts(program) {
                bail!("`{program}` is not on this machine; install Node 20 or newer with npm, then run this again");
            }
        }
        // No package needs its install script, so none gets to run.
        let mut npm = workspace.command("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]);
        run_logged(workspace, "npm", &mut npm, OFFLINE)?;
        if !node.bin.join("node").exists() {
            bail!("npm brings Node for Linux on x64 and arm64 only, and this machine is neither");
        }
        inputs.remember()
    })?;
    Ok(node)
}

fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

const OFFLINE: &str = "if npm cannot reach its registry, get this machine online (the packages are fetched once); \
                       if it says that the lock is out of date, run `npm install --ignore-scripts` and commit the lock";

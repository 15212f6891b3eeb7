//! The hosts in crates/hosts: their own tests, and the proxy that tests/hosts runs.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{step::Progress, workspace::Workspace};

/// Steps of [`tests`].
pub(crate) const STEPS: usize = 1;

/// Runs what each host's own tests ask of the wasm, which must be built; answers whether all passed. It leaves the proxy.
pub(crate) fn tests(workspace: &Workspace, progress: &Progress) -> Result<bool> {
    progress.step("tests of the hosts, with wasmtime", "3 min at first, 1 min later", || {
        let mut cargo = workspace.cargo();
        cargo.args(["test", "--workspace", "--exclude", "wardkey-hosts-bench", "--locked"]);
        cargo.args(["--no-fail-fast", "--manifest-path", MANIFEST]);
        cargo.args(["--target-dir", TARGET]).env_remove("RUSTFLAGS");
        Ok(cargo.status().context("cannot start cargo")?.success())
    })
}

/// The reverse proxy that the tests leave.
pub(crate) fn proxy(workspace: &Workspace) -> PathBuf {
    workspace.path(TARGET).join("debug/wardkey-proxy")
}

/// Where the hosts' workspace is, and where it is built.
pub(crate) const MANIFEST: &str = "crates/hosts/Cargo.toml";
pub(crate) const TARGET: &str = "target/hosts";

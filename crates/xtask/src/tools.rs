//! The build tools that are compiled here, because no registry ships them as binaries.

use std::{fs, path::PathBuf};

use anyhow::Result;

use crate::{
    inputs::Inputs,
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// Steps that [`run`] counts.
pub(crate) const STEPS: usize = 2;

/// Programs under `.tools/bin`.
pub(crate) struct Tools {
    pub(crate) bindgen: PathBuf,
    pub(crate) componentize: PathBuf,
    pub(crate) guarded: PathBuf,
    pub(crate) worker_build: PathBuf,
}

/// Builds whatever is missing or of another version.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<Tools> {
    let bin = workspace.tools("bin");
    fs::create_dir_all(&bin)?;
    let tools = Tools {
        bindgen: bin.join("bindgen"),
        componentize: bin.join("componentize"),
        guarded: bin.join("guarded"),
        worker_build: bin.join("worker-build"),
    };
    bindgen_and_componentize(workspace, progress, &tools)?;
    worker_build(workspace, progress, &tools)?;
    Ok(tools)
}

fn bindgen_and_componentize(
    workspace: &Workspace,
    progress: &Progress,
    tools: &Tools,
) -> Result<()> {
    let what = "wasm-bindgen, componentize and guarded";
    let source = workspace.path("crates/tools");
    let inputs = Inputs::of(workspace.tools("stamp/tools"), &[], std::slice::from_ref(&source))?;
    if inputs.are_done(&tools.componentize) && tools.bindgen.exists() && tools.guarded.exists() {
        progress.ready(what);
        return Ok(());
    }
    progress.step(what, "130 s", || {
        let build = workspace.tools("build/tools");
        let mut cargo = workspace.cargo();
        cargo
            .args(["build", "--release", "--locked", "--manifest-path"])
            .arg(source.join("Cargo.toml"));
        cargo.arg("--target-dir").arg(&build).env_remove("RUSTFLAGS");
        run_logged(workspace, "tools", &mut cargo, OFFLINE)?;
        for program in [&tools.bindgen, &tools.componentize, &tools.guarded] {
            if let Some(name) = program.file_name() {
                fs::copy(build.join("release").join(name), program)?;
            }
        }
        fs::remove_dir_all(&build)?;
        inputs.remember()
    })
}

fn worker_build(workspace: &Workspace, progress: &Progress, tools: &Tools) -> Result<()> {
    let what = "worker-build";
    let inputs = Inputs::of(workspace.tools("stamp/worker-build"), &[WORKER_BUILD], &[])?;
    if inputs.are_done(&tools.worker_build) {
        progress.ready(what);
        return Ok(());
    }
    progress.step(what, "90 s", || {
        let build = workspace.tools("build/worker-build");
        let mut cargo = workspace.cargo();
        cargo.args(["install", "worker-build", "--locked", "--force", "--bin", "worker-build"]);
        cargo.args(["--version", WORKER_BUILD, "--root"]).arg(workspace.tools(""));
        // What it does takes a second; what it costs is the compiling.
        cargo
            .arg("--target-dir")
            .arg(&build)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env_remove("RUSTFLAGS");
        run_logged(workspace, "worker-build", &mut cargo, OFFLINE)?;
        fs::remove_dir_all(&build)?;
        inputs.remember()
    })
}

const WORKER_BUILD: &str = "0.8.7";
const OFFLINE: &str =
    "see that crates.io can be reached (what it sends is kept), then run this again";

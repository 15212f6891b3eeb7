//! The holder's side as a raw wasm module: narrow, inspect, redact.

use std::{fs, path::Path};

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::{
    artefact::{gzipped, optimise, put_into_package, release, sources},
    inputs::{Inputs, hex},
    setup::Kit,
    step::{Progress, run_logged},
    toolchain::sysroot::TARGET,
    workspace::Workspace,
};

/// For every runtime alike; git-ignored.
pub(crate) const MADE: &str = "target/wardkey.holder.wasm";

/// Builds it unless nothing changed, and tells what it is.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<()> {
    let made = workspace.path(MADE);
    let inputs =
        Inputs::of(workspace.tools("stamp/holder"), &[&kit.toolchain.stamp], &sources(workspace))?;
    if inputs.are_done(&made) {
        progress.ready("holder module");
    } else {
        progress.step("holder module", "15 s", || {
            build(workspace, kit, &made)?;
            inputs.remember()
        })?;
    }
    let bytes = fs::read(&made)?;
    println!("{MADE}");
    println!("  {} bytes, {} gzipped, no imports", bytes.len(), gzipped(&bytes)?);
    println!("  SHA-256 {}", hex(&Sha256::digest(&bytes)));
    put_into_package(workspace, MADE)
}

fn build(workspace: &Workspace, kit: &Kit, made: &Path) -> Result<()> {
    let toolchain = &kit.toolchain;
    let target = workspace.path("target").join(format!("holder-{}", toolchain.name));
    let mut cargo = workspace.command_with("cargo", &toolchain.aborting);
    let package = "wardkey-holder";
    cargo.args(["build", "--release", "--locked", "--package", package, "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target);
    release(&mut cargo, "-Cpanic=abort");
    // Nothing here is in haste: a page loads it.
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z");
    for small in ["wardkey", "sha2"] {
        cargo.args(["--config", &format!("profile.release.package.{small}.opt-level='z'")]);
    }
    run_logged(workspace, "holder", &mut cargo, "the compiler's words above say where")?;
    let module = target.join(TARGET).join("release/wardkey_holder.wasm");
    optimise(workspace, &kit.node, &module, made, &[])
}

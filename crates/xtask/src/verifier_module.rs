//! The verifier as a raw wasm module, with SIMD and without, for JavaScript and other hosts of plain modules.

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

/// With SIMD, which every runtime that the package is for has; git-ignored.
pub(crate) const MADE: &str = "target/wardkey.verifier.wasm";
/// Without.
pub(crate) const MADE_SCALAR: &str = "target/wardkey.verifier.scalar.wasm";

/// Builds both unless nothing changed, and tells what they are.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<()> {
    let [simd, scalar] = [MADE, MADE_SCALAR].map(|made| workspace.path(made));
    let inputs = Inputs::of(
        workspace.tools("stamp/verifier"),
        &[&kit.toolchain.stamp],
        &sources(workspace),
    )?;
    if inputs.are_done(&simd) && scalar.exists() {
        progress.ready("verifier module");
    } else {
        progress.step("verifier module", "20 s", || {
            build(workspace, kit, "simd", "-Cpanic=abort -Ctarget-feature=+simd128", &simd)?;
            build(workspace, kit, "scalar", "-Cpanic=abort", &scalar)?;
            inputs.remember()
        })?;
    }
    for made in [MADE, MADE_SCALAR] {
        let bytes = fs::read(workspace.path(made))?;
        println!("{made}");
        println!("  {} bytes, {} gzipped, no imports", bytes.len(), gzipped(&bytes)?);
        println!("  SHA-256 {}", hex(&Sha256::digest(&bytes)));
    }
    // Every runtime that the package is for has SIMD.
    put_into_package(workspace, MADE)
}

fn build(workspace: &Workspace, kit: &Kit, name: &str, flags: &str, made: &Path) -> Result<()> {
    let toolchain = &kit.toolchain;
    let target = workspace.path("target").join(format!("verifier-{name}-{}", toolchain.name));
    let mut cargo = workspace.command_with("cargo", &toolchain.aborting);
    cargo.args(["build", "--release", "--locked", "--package", "wardkey-js", "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target);
    release(&mut cargo, flags);
    // The third level is 14 % larger and no faster, but for the compression itself; what is around the core is not in haste.
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z");
    cargo.args(["--config", "profile.release.package.wardkey.opt-level=2"]);
    run_logged(workspace, "verifier", &mut cargo, "the compiler's words above say where")?;

    let module = target.join(TARGET).join("release/wardkey_js.wasm");
    let features: &[&str] = if name == "simd" { &["--enable-simd"] } else { &[] };
    optimise(workspace, &kit.node, &module, made, features)
}

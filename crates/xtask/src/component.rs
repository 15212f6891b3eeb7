//! The core behind WIT, as one component file that asks its host for nothing.

use std::fs;

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::{
    artefact::{gzipped, optimise, release, sources},
    inputs::{Inputs, hex},
    setup::Kit,
    step::{Progress, run_logged},
    toolchain::sysroot::TARGET,
    workspace::Workspace,
};

/// Builds the component unless nothing changed, and tells what it is.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<()> {
    let made = workspace.path(MADE);
    let inputs = Inputs::of(
        workspace.tools("stamp/component"),
        &[&kit.toolchain.stamp],
        &sources(workspace),
    )?;
    if inputs.are_done(&made) {
        progress.ready("component");
    } else {
        progress.step("component", "20 s", || {
            let toolchain = &kit.toolchain;
            let target = workspace.path("target").join(format!("component-{}", toolchain.name));
            let mut cargo = workspace.command_with("cargo", &toolchain.aborting);
            cargo.args([
                "build",
                "--release",
                "--locked",
                "--package",
                "wardkey-component",
                "--target",
                TARGET,
            ]);
            cargo.arg("--target-dir").arg(&target);
            release(&mut cargo, "-Cpanic=abort");
            run_logged(workspace, "component", &mut cargo, "the compiler's words above say where")?;

            let core = target.join(TARGET).join("release/wardkey_component.wasm");
            let small = core.with_extension("opt.wasm");
            optimise(workspace, &kit.node, &core, &small, &[])?;

            let mut componentize = workspace.command(&kit.tools.componentize);
            componentize.arg(small).arg(&made);
            run_logged(
                workspace,
                "componentize",
                &mut componentize,
                "make the code fit wit/, without imports",
            )?;
            inputs.remember()
        })?;
    }
    let bytes = fs::read(&made)?;
    println!("{MADE}");
    println!("  {} bytes, {} gzipped, no imports", bytes.len(), gzipped(&bytes)?);
    println!("  SHA-256 {}", hex(&Sha256::digest(&bytes)));
    Ok(())
}

/// The component, git-ignored.
pub(crate) const MADE: &str = "target/wardkey.component.wasm";

//! The worker, as the folder that workerd runs.

use std::{fs, path::PathBuf};

use anyhow::Result;

use crate::{
    artefact::{gzipped, release, sources},
    inputs::Inputs,
    setup::Kit,
    step::{Progress, run_logged},
    workspace::{Workspace, path_with},
};

/// Which worker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// What is deployed.
    Release,
    /// With faults that tests can plant; never deployed.
    Faulty,
}

impl Flavour {
    /// The folder that is made, git-ignored.
    pub(crate) fn folder(self, workspace: &Workspace) -> PathBuf {
        workspace.path("worker").join(self.out_dir())
    }

    fn out_dir(self) -> &'static str {
        match self {
            Self::Release => "build",
            Self::Faulty => "build-faults",
        }
    }

    fn cargo_options(self) -> &'static [&'static str] {
        match self {
            Self::Release => &[],
            Self::Faulty => &["--features", "plant-faults"],
        }
    }
}

/// Builds the worker unless nothing changed since it was built.
pub(crate) fn run(
    workspace: &Workspace,
    progress: &Progress,
    kit: &Kit,
    flavour: Flavour,
) -> Result<()> {
    let what = format!("worker/{}", flavour.out_dir());
    let made = flavour.folder(workspace);
    let stamp = workspace.tools("stamp").join(flavour.out_dir());
    let inputs =
        Inputs::of(stamp, &[&kit.toolchain.stamp, flavour.out_dir()], &sources(workspace))?;
    if inputs.are_done(&made.join("index_bg.wasm")) {
        progress.ready(&what);
        return Ok(());
    }
    progress.step(&what, "2 min at first, 30 s later", || {
        let toolchain = &kit.toolchain;
        let mut command = workspace.command_with(&kit.tools.worker_build, &toolchain.unwinding);
        command.current_dir(workspace.path("worker"));
        command.args(["--release", "--out-dir", flavour.out_dir()]);
        // What it does not know itself goes to cargo.
        command.arg("--locked").args(flavour.cargo_options());
        command.env("PATH", path_with(&[toolchain.unwinding.clone(), kit.node.bin()]));
        command.env("WASM_BINDGEN_BIN", &kit.tools.bindgen);
        command.env("WASM_OPT_BIN", kit.node.bin().join("wasm-opt"));
        command.env("ESBUILD_BIN", kit.node.bin().join("esbuild"));
        command.env(
            "CARGO_TARGET_DIR",
            workspace.path("target").join(format!("wasm-{}", toolchain.name)),
        );
        release(&mut command, "-Cpanic=unwind");
        // The third level is half as large again, and of the worker nothing but the core is in a hurry.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s");
        run_logged(
            workspace,
            flavour.out_dir(),
            &mut command,
            "the compiler's words above say where",
        )?;
        inputs.remember()
    })?;
    let wasm = fs::read(made.join("index_bg.wasm"))?;
    println!("      {} KB of wasm, {} KB gzipped", wasm.len() / 1024, gzipped(&wasm)? / 1024);
    Ok(())
}

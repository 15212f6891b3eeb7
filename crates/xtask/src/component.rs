//! The core behind WIT, as component files that ask their host for nothing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::{
    artefact::{gzipped, optimise, release, sources},
    inputs::{Inputs, hex},
    setup::Kit,
    step::{Progress, run_logged},
    toolchain::sysroot::TARGET,
    workspace::Workspace,
};

/// How often.
#[derive(Args)]
pub(crate) struct Options {
    /// Build twice more, each time from nothing in a folder of its own, and fail unless all are the same bytes.
    #[arg(long)]
    twice: bool,
}

/// Steps that [`run`] counts.
pub(crate) const STEPS: usize = 1;

impl Options {
    /// Steps that [`run_as_asked`] counts.
    pub(crate) fn steps(&self) -> usize {
        STEPS + if self.twice { AGAIN.len() } else { 0 }
    }
}

/// What whoever verifies keys needs; git-ignored, as all of them.
pub(crate) const VERIFYING: &str = "target/wardkey.verifying.component.wasm";
/// What the holder of a key needs.
pub(crate) const HOLDING: &str = "target/wardkey.holding.component.wasm";
/// What finds credentials in texts.
pub(crate) const SCANNING: &str = "target/wardkey.scanning.component.wasm";

/// Builds them unless nothing changed, and tells what they are.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<()> {
    let inputs = Inputs::of(
        workspace.tools("stamp/component"),
        &[&kit.toolchain.stamp],
        &[sources(workspace), vec![workspace.path("crates/xtask/src/component.rs")]].concat(),
    )?;
    let [first, others @ ..] = COMPONENTS.map(|component| workspace.path(component.made));
    if inputs.are_done(&first) && others.iter().all(|made| made.exists()) {
        progress.ready("components");
    } else {
        progress.step("components", "40 s", || {
            let target = workspace.path("target").join(format!("component-{}", kit.toolchain.name));
            for component in &COMPONENTS {
                component.build(workspace, kit, &target, &workspace.path(component.made))?;
            }
            inputs.remember()
        })?;
    }
    for Component { made, .. } in &COMPONENTS {
        let bytes = fs::read(workspace.path(made))?;
        println!("{made}");
        println!("  {} bytes, {} gzipped, no imports", bytes.len(), gzipped(&bytes)?);
        println!("  SHA-256 {}", hex(&Sha256::digest(&bytes)));
    }
    Ok(())
}

/// As [`run`], and twice more if that was asked for.
pub(crate) fn run_as_asked(
    workspace: &Workspace,
    progress: &Progress,
    kit: &Kit,
    options: &Options,
) -> Result<()> {
    run(workspace, progress, kit)?;
    if !options.twice {
        return Ok(());
    }
    for folder in AGAIN {
        progress.step(&format!("components from nothing in {folder}"), "60 s", || {
            let target = workspace.path(folder);
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            for component in &COMPONENTS {
                let made = target.join(component.feature).with_extension("component.wasm");
                fs::create_dir_all(&target)?;
                component.build(workspace, kit, &target, &made)?;
                let same = fs::read(&made)? == fs::read(workspace.path(component.made))?;
                ensure!(same, "{} is not {}", made.display(), component.made);
            }
            Ok(())
        })?;
    }
    println!("components: the same bytes from {}", AGAIN.join(" and "));
    Ok(())
}

/// Where they are built again.
const AGAIN: [&str; 2] = ["target/component-again/one", "target/component-again/two"];

/// One world of `wit/`.
struct Component {
    /// Of crate `wardkey-component`.
    feature: &'static str,
    wit: &'static str,
    made: &'static str,
    /// Of the core, which all that is slow is in; everything else is built for its size.
    core_level: &'static str,
}

const COMPONENTS: [Component; 3] = [
    Component { feature: "verifying", wit: "wit/verify", made: VERIFYING, core_level: "2" },
    Component { feature: "holding", wit: "wit/verify", made: HOLDING, core_level: "'z'" },
    Component { feature: "scanning", wit: "wit/scan", made: SCANNING, core_level: "'z'" },
];

/// Every host of components has SIMD, with which hashing is both faster and smaller. Inlining a quarter of what LLVM does by
/// itself makes the verifier smaller and no slower. And of a stack of 256 KiB a third is needed and the rest wiped: an instance is a third
/// as large as with Rust's own of a megabyte.
const FLAGS: &str = "-Cpanic=abort -Ctarget-feature=+simd128 -Cllvm-args=-inline-threshold=50 \
                     -Clink-arg=-zstack-size=262144";

impl Component {
    fn build(&self, workspace: &Workspace, kit: &Kit, target: &Path, made: &Path) -> Result<()> {
        let mut cargo = workspace.command_with("cargo", &kit.toolchain.aborting);
        cargo.args(["build", "--release", "--locked", "--package", "wardkey-component"]);
        cargo.args(["--no-default-features", "--features", self.feature]);
        cargo.args(["--target", TARGET, "--target-dir"]).arg(target);
        release(&mut cargo, FLAGS);
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "z");
        let level = format!("profile.release.package.wardkey.opt-level={}", self.core_level);
        cargo.args(["--config", &level]);
        run_logged(workspace, "component", &mut cargo, "the compiler's words above say where")?;

        let core = target.join(TARGET).join("release/wardkey_component.wasm");
        let small: PathBuf = core.with_extension("opt.wasm");
        optimise(workspace, &kit.node, &core, &small, &["--enable-simd"])?;

        let mut componentize = workspace.command(&kit.tools.componentize);
        componentize.arg(workspace.path(self.wit)).arg(self.feature).arg(small).arg(made);
        let advice = "make the code fit wit/, without imports";
        run_logged(workspace, "componentize", &mut componentize, advice)
    }
}

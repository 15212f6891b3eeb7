//! The core behind WIT, as component files that ask their host for nothing.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use clap::Args;

use crate::{
    artefact::Artefact,
    core_module::CoreModule,
    setup::Kit,
    step::{Progress, run_logged},
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
    let made = COMPONENTS.map(|component| component.made);
    let artefact = Artefact {
        what: "components",
        usually: "40 s",
        made: &made,
        facts: &format!("{COMPONENTS:?}"),
    };
    artefact.run(workspace, progress, kit, || {
        let target = workspace.path("target").join(format!("component-{}", kit.toolchain.name));
        for component in &COMPONENTS {
            component.build(workspace, kit, &target, &workspace.path(component.made))?;
        }
        Ok(())
    })
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
            fs::create_dir_all(&target)?;
            for component in &COMPONENTS {
                let made = target.join(component.core.name).with_extension("component.wasm");
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
#[derive(Debug)]
struct Component {
    wit: &'static str,
    made: &'static str,
    /// Named after its world.
    core: CoreModule,
}

const COMPONENTS: [Component; 3] = [
    Component {
        wit: "wit/verify",
        made: VERIFYING,
        core: CoreModule {
            name: "verifying",
            features: "verifying",
            levels: &[("wardkey", "2")],
            ..CORE
        },
    },
    Component {
        wit: "wit/verify",
        made: HOLDING,
        core: CoreModule { name: "holding", features: "holding", ..CORE },
    },
    Component {
        wit: "wit/scan",
        made: SCANNING,
        core: CoreModule { name: "scanning", features: "scanning", ..CORE },
    },
];

/// Every host of components has SIMD, with which hashing is both faster and smaller. Inlining a quarter of what LLVM does by
/// itself makes the verifier smaller and no slower. And of a stack of 256 KiB a third is needed and the rest wiped: an instance is a third
/// as large as with Rust's own of a megabyte.
const CORE: CoreModule = CoreModule {
    package: "wardkey-component",
    name: "",
    features: "",
    has_simd: true,
    flags: " -Cllvm-args=-inline-threshold=50 -Clink-arg=-zstack-size=262144",
    level: "z",
    levels: &[("wardkey", "'z'")],
};

impl Component {
    fn build(&self, workspace: &Workspace, kit: &Kit, target: &Path, made: &Path) -> Result<()> {
        let core = target.join(self.core.name).with_extension("core.wasm");
        self.core.make_in(workspace, kit, target, &core)?;
        let mut componentize = workspace.command(&kit.tools.componentize);
        componentize.arg(workspace.path(self.wit)).arg(self.core.name).arg(core).arg(made);
        let advice = "make the code fit wit/, without imports";
        run_logged(workspace, "componentize", &mut componentize, advice)
    }
}

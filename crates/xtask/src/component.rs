//! The core behind WIT, as one component file that asks its host for nothing.

use anyhow::Result;

use crate::{
    artefact::Artefact,
    core_module::CoreModule,
    setup::Kit,
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// Builds the component unless nothing changed, and tells what it is.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<()> {
    let artefact =
        Artefact { what: "component", usually: "20 s", made: &[MADE], facts: &format!("{CORE:?}") };
    artefact.run(workspace, progress, kit, || {
        let core = workspace.path("target/wardkey.component.core.wasm");
        CORE.make(workspace, kit, &core)?;
        let mut componentize = workspace.command(&kit.tools.componentize);
        componentize.arg(core).arg(workspace.path(MADE));
        let advice = "make the code fit wit/, without imports";
        run_logged(workspace, "componentize", &mut componentize, advice)
    })
}

/// The component, git-ignored.
pub(crate) const MADE: &str = "target/wardkey.component.wasm";

const CORE: CoreModule = CoreModule {
    package: "wardkey-component",
    name: "component",
    has_simd: false,
    level: "3",
    levels: &[],
};

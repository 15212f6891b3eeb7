//! Everything that must be on the machine before something can be built.

use std::thread;

use anyhow::{Result, anyhow};

use crate::{
    node::{self, Node},
    step::Progress,
    toolchain::{self, Toolchain, Way},
    tools::{self, Tools},
    workspace::Workspace,
};

/// Steps that [`run`] counts.
pub(crate) const STEPS: usize = toolchain::STEPS + tools::STEPS + node::STEPS;

/// What set-up has brought.
pub(crate) struct Kit {
    pub(crate) toolchain: Toolchain,
    pub(crate) tools: Tools,
    pub(crate) node: Node,
}

/// Brings whatever is missing; what is there is left alone. Compilers and tools are made side by side.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, way: Way) -> Result<Kit> {
    thread::scope(|scope| {
        let others = scope.spawn(|| {
            let node = node::run(workspace, progress)?;
            let tools = tools::run(workspace, progress)?;
            anyhow::Ok((node, tools))
        });
        let toolchain = toolchain::run(workspace, progress, way);
        let (node, tools) = others.join().map_err(|_| anyhow!("set-up broke off"))??;
        Ok(Kit { toolchain: toolchain?, tools, node })
    })
}

//! `cargo xtask no-panic`: nothing behind the core's entries in the release wasm panics, allocates,
//! recurses, or holds an instruction that may trap by its operands.

use anyhow::Result;
use serde_json::Value;

use crate::{
    setup::Kit,
    step::Progress,
    trials::programs::{self, told},
    workspace::Workspace,
};

/// Steps that [`run`] counts.
pub(crate) const STEPS: usize = 2 * programs::STEPS + 1;

/// Follows every call from every entry.
///
/// # Errors
/// A way to a panic, an allocation, a recursion or a trapping instruction, by the names of its functions; or a
/// deliberate panic that was not found.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<Value> {
    let wasm = programs::wasm(workspace, progress, kit)?;
    let inspect = programs::inspect(workspace, progress)?;
    let found = progress.step("no panic in reach", "1 s", || {
        told(workspace.command(&inspect).arg("no-panic").arg(&wasm))
    })?;
    programs::keep(workspace, "no-panic", &found)?;
    Ok(found)
}

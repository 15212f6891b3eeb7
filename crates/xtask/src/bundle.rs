//! What a bundler ships of the package to a Worker that verifies keys: measured, and never released.

use std::fs;

use anyhow::Result;

use crate::{
    raw_module::VERIFIER,
    setup::Kit,
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// The JavaScript, minified, and the module that it loads, which is built for itself; git-ignored.
pub(crate) const MADE: [&str; 2] = ["target/bundle/index.mjs", VERIFIER.packed.made];

/// What a user writes: the verifier and its middleware for Fetch handlers.
const ENTRY: &str = "export { protect } from \"../../crates/js/js/middleware/fetch.mjs\";\n";

/// Bundles the JavaScript.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<()> {
    progress.step("bundle", "1 s", || {
        let made = workspace.path(MADE[0]);
        let entry = made.with_file_name("entry.mjs");
        fs::create_dir_all(workspace.path("target/bundle"))?;
        fs::write(&entry, ENTRY)?;
        let mut esbuild = kit.node.command(workspace);
        esbuild.arg(kit.node.bin().join("esbuild")).arg(&entry);
        esbuild.arg(format!("--outfile={}", made.display()));
        esbuild.args(["--bundle", "--minify", "--format=esm", "--target=es2022"]);
        esbuild.args([
            "--conditions=workerd",
            "--external:*.wasm",
            "--external:cloudflare:*",
            "--log-level=warning",
        ]);
        run_logged(workspace, "bundle", &mut esbuild, "esbuild's words above say where")
    })
}

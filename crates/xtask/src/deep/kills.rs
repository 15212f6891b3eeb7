//! workerd, killed two hundred times under load, with a checker outside of the process: `tests/kill.test.mjs`.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    setup::Kit,
    step::Progress,
    worker_build::{self, Flavour},
    workspace::Workspace,
};

/// Steps that [`run`] counts.
pub(super) const STEPS: usize = 1;

/// Kills it, and answers what the checker counted.
pub(super) fn run(
    workspace: &Workspace,
    progress: &Progress,
    kit: &Kit,
    seed: u32,
) -> Result<Value> {
    worker_build::run(workspace, progress, kit, Flavour::Release)?;
    let file = workspace.path("target/kills.json");
    fs::create_dir_all(workspace.path("target"))?;
    // What an earlier run found says nothing of this one.
    if file.exists() {
        fs::remove_file(&file)?;
    }
    let mut node = kit.node.command(workspace);
    node.args(["--test", "--test-reporter=spec", "tests/kill.test.mjs"]);
    node.env("WARDKEY_WORKER_DIR", Flavour::Release.folder(workspace));
    node.env("WARDKEY_KILLS", KILLS.to_string());
    node.env("WARDKEY_SEED", seed.to_string());
    node.env("WARDKEY_KILLS_RECORD", &file);
    if !node.status().context("cannot start node")?.success() {
        bail!("what was acknowledged before a kill was not as it was acknowledged");
    }
    let found = fs::read_to_string(&file).context("the checker has told nothing")?;
    Ok(serde_json::from_str(&found)?)
}

/// How often.
const KILLS: u32 = 200;

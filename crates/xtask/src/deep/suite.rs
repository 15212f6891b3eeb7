//! A suite of `tests/` that is run for long against the real worker, and tells what it counted.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    raw_module::VERIFIER,
    setup::Kit,
    step::Progress,
    worker_build::{self, Flavour},
    workspace::Workspace,
};

/// Steps that [`Suite::run`] counts.
pub(super) const STEPS: usize = 2;

pub(super) struct Suite {
    /// Below `tests/`.
    file: &'static str,
    /// What it reads how long to go on from, and that.
    scale: (&'static str, u32),
    /// What it reads the name of the file from that it writes down what it found in.
    record: &'static str,
    /// What it means that it fails.
    failed: &'static str,
}

/// workerd, killed two hundred times under load, with a checker outside of the process.
pub(super) const KILLS: Suite = Suite {
    file: "kill.test.mjs",
    scale: ("WARDKEY_KILLS", 200),
    record: "WARDKEY_KILLS_RECORD",
    failed: "what was acknowledged before a kill was not as it was acknowledged",
};

/// Five minutes of requests to APIs in isolates of their own: which of them waited for a refresh of the list.
pub(super) const WAITS: Suite = Suite {
    file: "waits.test.mjs",
    scale: ("WARDKEY_WAITS_SECONDS", 300),
    record: "WARDKEY_WAITS_RECORD",
    failed: "the package's verifier did not refresh its list as it should",
};

impl Suite {
    /// Runs it, and answers what it counted.
    pub(super) fn run(
        &self,
        workspace: &Workspace,
        progress: &Progress,
        kit: &Kit,
        seed: u32,
    ) -> Result<Value> {
        VERIFIER.run(workspace, progress, kit)?;
        worker_build::run(workspace, progress, kit, Flavour::Release)?;
        let file = workspace.path("target/deep-suite.json");
        fs::create_dir_all(workspace.path("target"))?;
        // What an earlier run found says nothing of this one.
        if file.exists() {
            fs::remove_file(&file)?;
        }
        let (scale, scaled) = self.scale;
        let mut node = kit.node.command(workspace);
        node.args(["--test", "--test-reporter=spec"]).arg(format!("tests/{}", self.file));
        node.env("WARDKEY_WORKER_DIR", Flavour::Release.folder(workspace));
        node.env(scale, scaled.to_string()).env("WARDKEY_SEED", seed.to_string());
        node.env(self.record, &file);
        if !node.status().context("cannot start node")?.success() {
            bail!("{}", self.failed);
        }
        let found = fs::read_to_string(&file).context("the suite has told nothing")?;
        Ok(serde_json::from_str(&found)?)
    }
}

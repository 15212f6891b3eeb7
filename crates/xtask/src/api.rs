//! `cargo xtask api`: the API as others see it. Others' tools on its description and on what it answers: Spectral with
//! OWASP's rules, httplint, schemathesis. What they are told stands in `tests/api`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    setup,
    step::Progress,
    toolchain::Way,
    venv::{self, Packages},
    worker_build::{self, Flavour},
    workspace::Workspace,
};

/// What is left to chance.
#[derive(Args)]
pub(crate) struct Options {
    /// The seed of an earlier run, as that printed it (0 to 4294967295); another one each time by default.
    #[arg(long)]
    seed: Option<u32>,
    /// So many requests of each kind are drawn for each operation, at most (1 to 10000).
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    examples: u32,
}

/// Each tool, its script in `tests/api`, and how long it takes.
const TOOLS: [(&str, &str, &str); 3] = [
    ("Spectral, with OWASP's rules", "spectral.mjs", "10 s"),
    ("httplint", "httplint.mjs", "10 s"),
    ("schemathesis", "schemathesis.mjs", "3 min"),
];

/// Brings the tools, builds the worker, and looks; all three, even if the first has findings.
pub(crate) fn run(workspace: &Workspace, way: Way, options: &Options) -> Result<()> {
    let progress = Progress::of(setup::STEPS + STEPS_TO_BRING + 1 + TOOLS.len());
    let kit = setup::run(workspace, &progress, way)?;
    let programs = bring(workspace, &progress)?;
    worker_build::run(workspace, &progress, &kit, Flavour::Release)?;
    // Node's own word on tests that are none here.
    let log = workspace.tools("log/api-node.log");
    let mut failed = Vec::new();
    for (what, script, usually) in TOOLS {
        let passed = progress.step(what, usually, || {
            let mut node = kit.node.command(workspace);
            node.args(["--no-warnings", "--test-reporter=tap"]);
            node.arg(format!("--test-reporter-destination={}", log.display()));
            node.arg(workspace.path("tests/api").join(script));
            node.env("WARDKEY_WORKER_DIR", Flavour::Release.folder(workspace));
            node.env("WARDKEY_API_PROGRAMS", &programs);
            node.env("WARDKEY_API_EXAMPLES", options.examples.to_string());
            if let Some(seed) = options.seed {
                node.env("WARDKEY_SEED", seed.to_string());
            }
            Ok(node.status().context("cannot start node")?.success())
        })?;
        if !passed {
            failed.push(what);
        }
    }
    if !failed.is_empty() {
        bail!("findings of {}; they stand above", failed.join(" and "));
    }
    println!("api: no findings");
    Ok(())
}

const STEPS_TO_BRING: usize = venv::STEPS;

/// Brings schemathesis and httplint into `.tools/api`; answers the folder of their programs.
fn bring(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    let packages = Packages {
        what: "schemathesis and httplint",
        name: "api",
        requirements: "tests/api/requirements.txt",
        program: "schemathesis",
        usually: "40 s",
    };
    venv::bring(workspace, progress, &packages)
}

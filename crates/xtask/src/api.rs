//! `cargo xtask api`: the API as others see it. Others' tools on its description and on what it answers: Spectral with
//! OWASP's rules, httplint, schemathesis. What they are told stands in `tests/api`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    apt::{self, Wanted},
    inputs::Inputs,
    python, setup,
    step::{Progress, run_logged},
    toolchain::Way,
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

const STEPS_TO_BRING: usize = python::STEPS + 2;

/// Brings schemathesis and httplint into `.tools/api`; answers the folder of their programs.
fn bring(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    python::bring(workspace, progress)?;
    let python = python::program(workspace)?;
    let probe = [python, "-c", "import ensurepip, venv"];
    let wanted = Wanted {
        what: "Python's venv",
        probe: Some(&probe),
        packages: &["python3-venv"],
        why: "It keeps schemathesis and httplint apart from this machine's Python",
        otherwise: "install Python with its modules venv and ensurepip in this system's way",
        usually: "20 s",
        advice: "see that Debian's package server can be reached",
    };
    apt::bring(workspace, progress, &wanted)?;
    let what = "schemathesis and httplint";
    let requirements = workspace.path("tests/api/requirements.txt");
    let folder = workspace.tools("api");
    let bin = folder.join("bin");
    let inputs =
        Inputs::of(workspace.tools("stamp/api"), &[], std::slice::from_ref(&requirements))?;
    if inputs.are_done(&bin.join("schemathesis")) {
        progress.ready(what);
        return Ok(bin);
    }
    progress.step(what, "40 s", || {
        let mut venv = workspace.command(python);
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        run_logged(workspace, "api-venv", &mut venv, OFFLINE)?;
        let mut pip = workspace.command(bin.join("python3"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]);
        // Nothing but what is listed, in the versions that are listed.
        pip.args(["--no-deps", "--requirement"]).arg(&requirements);
        run_logged(workspace, "api-pip", &mut pip, OFFLINE)?;
        inputs.remember()
    })?;
    Ok(bin)
}

const OFFLINE: &str =
    "if pip cannot reach its registry, get this machine online: the packages are fetched once";

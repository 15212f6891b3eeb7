//! `cargo xtask test`: every test, natively and against a real workerd.

use std::{io, process::ExitStatus};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    browser, component, constant_time, deploy, guarded, hosts, no_panic, proxies, python_host,
    raw_module, setup,
    step::Progress,
    toolchain::Way,
    trials, vectors,
    worker_build::{self, Flavour},
    workspace::Workspace,
};

/// Which half; both by default.
#[derive(Args)]
pub(crate) struct Options {
    /// Only what runs on this machine: the Rust tests, the vectors, in Python, too; needs no wasm.
    #[arg(long, conflicts_with = "e2e")]
    native: bool,
    /// Only what runs in wasm: constant time, no panic, and the suites in tests/, most against workerd.
    #[arg(long)]
    e2e: bool,
}

/// Runs the tests; the end-to-end ones run even if native ones failed, so that one run tells all.
pub(crate) fn run(workspace: &Workspace, way: Way, options: &Options) -> Result<()> {
    let mut failed = Vec::new();
    if !options.e2e {
        let progress = Progress::of(3 + vectors::steps(&vectors::Options::CHECK));
        let passed = progress.step("native tests", "3 min at first", || {
            let mut cargo = workspace.cargo();
            cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
            passes("cargo", cargo.status())
        })?;
        if !passed {
            failed.push("native tests");
        }
        let passed = progress.step("native tests of the benchmarks", "20 s at first", || {
            let mut cargo = workspace.cargo();
            cargo.args(["test", "--locked", "--no-default-features", "--manifest-path"]);
            cargo.args(["crates/bench/Cargo.toml", "--target-dir", "target/bench"]);
            passes("cargo", cargo.status())
        })?;
        if !passed {
            failed.push("native tests of the benchmarks");
        }
        let passed = progress.step("native tests of the guard for wasi:http", "20 s", || {
            let mut cargo = workspace.cargo();
            cargo.args(["test", "--locked", "--manifest-path", guarded::MANIFEST]);
            passes("cargo", cargo.args(["--target-dir", guarded::NATIVE]).status())
        })?;
        if !passed {
            failed.push("native tests of the guard for wasi:http");
        }
        if let Err(error) = vectors::run(workspace, &progress, &vectors::Options::CHECK) {
            println!("{error:#}");
            failed.push("vectors");
        }
    }
    if !options.native {
        let trials = trials::Options::of_tests()?;
        let brought = proxies::STEPS + browser::STEPS;
        let steps =
            trials::STEPS + no_panic::STEPS + constant_time::STEPS + brought + deploy::STEPS;
        let hosts = hosts::STEPS + guarded::STEPS + python_host::STEPS + python_host::TESTS;
        let progress = Progress::of(setup::STEPS + steps + hosts + 6);
        let kit = setup::run(workspace, &progress, way)?;
        let proxies = proxies::bring(workspace, &progress)?;
        browser::bring(workspace, &progress)?;
        let python = python_host::bring(workspace, &progress)?;
        worker_build::run(workspace, &progress, &kit, Flavour::Release)?;
        worker_build::run(workspace, &progress, &kit, Flavour::Faulty)?;
        let config = workspace.path("wrangler.toml");
        if let Err(error) = deploy::dry_run(workspace, &progress, &kit.node, &config) {
            println!("{error:#}");
            failed.push("wrangler deploy --dry-run");
        }
        component::run(workspace, &progress, &kit)?;
        let wasmtime = guarded::bring(workspace, &progress)?;
        let guarded = guarded::make(workspace, &progress, &kit, None)?;
        raw_module::VERIFIER.run(workspace, &progress, &kit)?;
        raw_module::HOLDER.run(workspace, &progress, &kit)?;
        trials::prepare(workspace, &progress, &kit, &trials)?;
        for (name, found) in [
            ("no-panic", no_panic::run(workspace, &progress, &kit)),
            ("constant-time", constant_time::run(workspace, &progress, &kit)),
        ] {
            if let Err(error) = found {
                println!("{error:#}");
                failed.push(name);
            }
        }
        if !hosts::tests(workspace, &progress)? {
            failed.push("tests of the hosts");
        }
        if let Err(error) = python_host::tests(workspace, &progress, &python) {
            println!("{error:#}");
            failed.push("the component from Python");
        }
        let passed = progress.step("end-to-end tests", "2 min", || {
            let mut node = kit.node.command(workspace);
            node.args(["--test", "--test-reporter=spec", "tests/**/*.test.mjs"]);
            node.env("WARDKEY_WORKER_DIR", Flavour::Release.folder(workspace));
            node.env("WARDKEY_TRIALS_DIR", trials::programs::folder(workspace));
            node.env("WARDKEY_FAULTY_WORKER_DIR", Flavour::Faulty.folder(workspace));
            node.env("WARDKEY_WASMTIME", &wasmtime);
            node.env("WARDKEY_GUARDED", &guarded);
            node.env("WARDKEY_PROXY", hosts::proxy(workspace));
            node.env("WARDKEY_NGINX", &proxies.nginx);
            node.env("WARDKEY_CADDY", &proxies.caddy);
            node.env("WARDKEY_HOST_PYTHON", &python);
            passes("node", node.status())
        })?;
        if !passed {
            failed.push("end-to-end tests");
        }
    }
    if !failed.is_empty() {
        bail!("{} failed; what they said is above", failed.join(" and "));
    }
    println!("tests: all passed");
    Ok(())
}

fn passes(program: &str, status: io::Result<ExitStatus>) -> Result<bool> {
    Ok(status.with_context(|| format!("cannot start {program}"))?.success())
}

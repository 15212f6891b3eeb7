//! What crates/trials is built into: a wasm module, programs for this machine, and one that looks into
//! the module. Cargo knows what is up to date, so that each may be asked for wherever it is needed.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    artefact::release,
    setup::Kit,
    step::{Progress, run_logged},
    toolchain::sysroot::TARGET,
    workspace::Workspace,
};

/// Steps that each of the three counts.
pub(crate) const STEPS: usize = 1;

/// The folder of what is built and found, git-ignored.
pub(crate) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.path("target/trials")
}

/// The core as it is released, in a module with raw exports and the names of its functions.
pub(crate) fn wasm(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<PathBuf> {
    let made = folder(workspace).join("trials.wasm");
    progress.step("trials in wasm", "40 s at first", || {
        let toolchain = &kit.toolchain;
        let target = workspace.path("target").join(format!("trials-{}", toolchain.name));
        let mut cargo = workspace.command_with("cargo", &toolchain.aborting);
        cargo.args(["build", "--release", "--locked", "--package", PACKAGE, "--lib"]);
        cargo.args(["--target", TARGET, "--target-dir"]).arg(&target);
        release(&mut cargo, "-Cpanic=abort");
        // Names are what a way to a panic is told by; they stand in a section of their own.
        cargo.env("CARGO_PROFILE_RELEASE_STRIP", "debuginfo");
        run_logged(workspace, "trials-wasm", &mut cargo, ADVICE)?;
        fs::create_dir_all(folder(workspace))?;
        fs::copy(target.join(TARGET).join("release/wardkey_trials.wasm"), &made)?;
        Ok(())
    })?;
    Ok(made)
}

/// Programs that run the core on this machine, optimised as it is released.
pub(crate) struct Natives {
    pub(crate) suites: PathBuf,
    pub(crate) sample: PathBuf,
    pub(crate) taint: PathBuf,
}

/// Builds the programs for this machine.
pub(crate) fn natives(workspace: &Workspace, progress: &Progress) -> Result<Natives> {
    let target = workspace.path("target/trials-native");
    progress.step("trials on this machine", "40 s at first", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--locked", "--package", PACKAGE]);
        for program in ["trials-suites", "trials-sample", "trials-taint"] {
            cargo.args(["--bin", program]);
        }
        cargo.arg("--target-dir").arg(&target);
        release(&mut cargo, "");
        // valgrind names functions, files and lines by it.
        cargo.env("CARGO_PROFILE_RELEASE_STRIP", "none").env("CARGO_PROFILE_RELEASE_DEBUG", "1");
        run_logged(workspace, "trials-native", &mut cargo, ADVICE)
    })?;
    let release = target.join("release");
    Ok(Natives {
        suites: release.join("trials-suites"),
        sample: release.join("trials-sample"),
        taint: release.join("trials-taint"),
    })
}

/// Builds the program that looks into the module.
pub(crate) fn inspect(workspace: &Workspace, progress: &Progress) -> Result<PathBuf> {
    // Named: CARGO_TARGET_DIR may say another one, and the program that lies here would be an older one.
    let target = workspace.path("target");
    progress.step("the inspector of wasm", "40 s at first", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--locked", "--package", PACKAGE, "--features", "inspect"]);
        cargo.args(["--bin", "trials-inspect", "--target-dir"]).arg(&target);
        run_logged(workspace, "trials-inspect", &mut cargo, ADVICE)
    })?;
    Ok(target.join("debug/trials-inspect"))
}

/// Runs a program, shows what it says line by line, and takes its last line as JSON.
///
/// # Errors
/// What it complains of, unless it ends well.
pub(crate) fn told(command: &mut Command) -> Result<Value> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        print!("{text}");
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    let (lines, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
    for line in lines.lines() {
        println!("      {line}");
    }
    serde_json::from_str(last).context("its last line is no JSON")
}

/// Runs a program with its standard output in a file.
pub(crate) fn into_file(command: &mut Command, file: &Path) -> Result<bool> {
    let output = File::create(file)?;
    let status = command.stdin(Stdio::null()).stdout(output).status();
    Ok(status
        .with_context(|| format!("cannot start {}", command.get_program().display()))?
        .success())
}

/// Keeps what a command has found, for whoever records it.
pub(crate) fn keep(workspace: &Workspace, name: &str, found: &Value) -> Result<()> {
    let file = folder(workspace).join(format!("{name}.json"));
    fs::create_dir_all(folder(workspace))?;
    fs::write(&file, format!("{found:#}\n"))?;
    println!("{name}: all clean; the figures are in target/trials/{name}.json");
    Ok(())
}

const PACKAGE: &str = "wardkey-trials";
const ADVICE: &str = "the compiler's words above say where";

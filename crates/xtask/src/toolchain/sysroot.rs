//! A standard library for wasm, built from source into a private sysroot.

use std::{fs, os::unix::fs as unix, path::PathBuf};

use anyhow::{Context, Result};

use super::Compiler;
use crate::{
    artefact::remap_crates,
    inputs::Inputs,
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// What a panic does.
#[derive(Clone, Copy)]
pub(super) enum Panics {
    Unwind,
    Abort,
}

impl Panics {
    fn name(self) -> &'static str {
        match self {
            Self::Unwind => "unwind",
            Self::Abort => "abort",
        }
    }
}

/// Everything that the sysroot's content depends on.
pub(super) fn stamp(compiler: &Compiler, panics: Panics) -> String {
    format!("{}\n{}\n{RECIPE}", compiler.version, panics.name())
}

/// Builds the sysroot unless it is there; returns its folder of programs.
pub(super) fn run(
    workspace: &Workspace,
    progress: &Progress,
    compiler: &Compiler,
    panics: Panics,
) -> Result<PathBuf> {
    let what = format!("standard library for wasm, panic = {}", panics.name());
    let name = format!("{}-{}", compiler.name, panics.name());
    let home = workspace.tools("sysroot").join(&name);
    let place = home.display().to_string();
    let inputs = Inputs::of(home.join("stamp"), &[&stamp(compiler, panics), &place], &[])?;
    if inputs.are_done(&home.join("bin/rustc")) {
        progress.ready(&what);
        return Ok(home.join("bin"));
    }
    progress.step(&what, "40 s", || {
        let built = build_std(workspace, compiler, panics, &name)?;
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        assemble(compiler, &built, &home)?;
        fs::remove_dir_all(workspace.tools("build").join(&name))?;
        inputs.remember()
    })?;
    Ok(home.join("bin"))
}

/// Compiles std through an empty crate; returns the folder with its rlibs.
fn build_std(
    workspace: &Workspace,
    compiler: &Compiler,
    panics: Panics,
    name: &str,
) -> Result<PathBuf> {
    let probe = workspace.tools("build").join(name);
    fs::create_dir_all(probe.join("src"))?;
    fs::write(probe.join("Cargo.toml"), PROBE)?;
    fs::write(probe.join("src/lib.rs"), "")?;

    let mut cargo = workspace.command_with(compiler.bin.join("cargo"), &compiler.bin);
    cargo.current_dir(&probe);
    cargo
        .args(["build", "--release", "--target", TARGET, "--target-dir"])
        .arg(probe.join("target"));
    cargo.arg("-Zbuild-std=std,panic_unwind,panic_abort,proc_macro");
    if let Some(folder) = &compiler.vendored {
        cargo.arg("--offline");
        cargo.args(["--config", "source.crates-io.replace-with='vendored'", "--config"]);
        cargo.arg(format!("source.vendored.directory='{}'", folder.display()));
    }
    // WHY: cargo lets a stable compiler build std only under this name; nothing else is built with it.
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.env("RUSTC", compiler.bin.join("rustc"));
    let mut flags = format!("-Cpanic={} -Cembed-bitcode=yes", panics.name());
    // No path of this machine may end up in an artefact.
    let library = fs::canonicalize(&compiler.library)?;
    for path in [&compiler.library, &library] {
        flags.push_str(&format!(" --remap-path-prefix={}=/rust/library", path.display()));
    }
    flags.push_str(&remap_crates());
    cargo.env("RUSTFLAGS", flags);
    run_logged(workspace, &format!("std-{name}"), &mut cargo, ADVICE)?;
    Ok(probe.join("target").join(TARGET).join("release/deps"))
}

/// Lays out what rustc expects of a sysroot, the host's part borrowed from the compiler's own.
fn assemble(compiler: &Compiler, built: &std::path::Path, home: &std::path::Path) -> Result<()> {
    let host = compiler
        .version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("`rustc -vV` names no host")?;
    let rustlib = home.join("lib/rustlib");
    let wasm = rustlib.join(TARGET).join("lib");
    fs::create_dir_all(&wasm)?;
    for entry in fs::read_dir(built)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.ends_with(".rlib") && !name.starts_with("libprobe-") {
            fs::copy(&path, wasm.join(name))?;
        }
    }
    fs::create_dir_all(rustlib.join(host).join("bin"))?;
    unix::symlink(&compiler.linker, rustlib.join(host).join("bin/rust-lld"))?;
    unix::symlink(
        compiler.root.join("lib/rustlib").join(host).join("lib"),
        rustlib.join(host).join("lib"),
    )?;

    let bin = home.join("bin");
    fs::create_dir_all(&bin)?;
    unix::symlink(compiler.bin.join("cargo"), bin.join("cargo"))?;
    for program in ["rustc", "rustdoc"] {
        let (real, script) = (compiler.bin.join(program), bin.join(program));
        let text =
            format!("#!/bin/sh\nexec '{}' --sysroot '{}' \"$@\"\n", real.display(), home.display());
        fs::write(&script, text)?;
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    Ok(())
}

/// The one target that is built for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Raised whenever this file makes something else from the same compiler.
const RECIPE: u32 = 1;
const PROBE: &str =
    "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n";
const ADVICE: &str = "see that crates.io can be reached, or take the other compiler (`--toolchain rustup` or `debian`)";

//! What all wasm artefacts have in common: sources, flags and how they are measured.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::{
    inputs::{Inputs, hex},
    setup::Kit,
    step::Progress,
    workspace::Workspace,
};

/// What a step makes of the sources, asking its host for nothing.
pub(crate) struct Artefact<'a> {
    pub(crate) what: &'a str,
    /// How long it takes.
    pub(crate) usually: &'a str,
    /// Files, git-ignored.
    pub(crate) made: &'a [&'a str],
    /// What it depends on beside sources and compiler.
    pub(crate) facts: &'a str,
}

impl Artefact<'_> {
    /// Makes it unless nothing changed, and tells what it is.
    pub(crate) fn run(
        &self,
        workspace: &Workspace,
        progress: &Progress,
        kit: &Kit,
        make: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let Self { what, usually, made, facts } = self;
        let stamp = workspace.tools("stamp").join(what.replace(' ', "-"));
        let inputs = Inputs::of(stamp, &[&kit.toolchain.stamp, facts], &sources(workspace))?;
        if made.iter().all(|made| inputs.are_done(&workspace.path(made))) {
            progress.ready(what);
        } else {
            progress.step(what, usually, || {
                make()?;
                inputs.remember()
            })?;
        }
        for made in *made {
            let bytes = fs::read(workspace.path(made))?;
            println!("{made}");
            println!("  {} bytes, {} gzipped, no imports", bytes.len(), gzipped(&bytes)?);
            println!("  SHA-256 {}", hex(&Sha256::digest(&bytes)));
        }
        Ok(())
    }
}

/// Everything that the artefacts are made of.
pub(crate) fn sources(workspace: &Workspace) -> Vec<PathBuf> {
    // Of `crates/js` only what a compiler reads: the modules that are made are put beside its JavaScript.
    let rooms = [
        "core",
        "provision",
        "registry",
        "component",
        "holder",
        "module",
        "js/src",
        "js/Cargo.toml",
        "js/README.md",
    ]
    .map(|room| format!("crates/{room}"));
    let files = [
        "Cargo.toml",
        "Cargo.lock",
        "package-lock.json",
        "crates/tools",
        "crates/xtask/src/artefact.rs",
        "crates/xtask/src/core_module.rs",
        "wit",
        "worker",
    ];
    let all = rooms.into_iter().chain(files.map(str::to_owned));
    all.map(|path| workspace.path(path)).filter(|path| path.exists()).collect()
}

/// Makes cargo optimise over all crates, leave names out and tell no path of this machine.
pub(crate) fn release(command: &mut Command, flags: &str) {
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3");
    command.env("CARGO_PROFILE_RELEASE_LTO", "fat");
    command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1");
    // Names are 14 % of what is sent. worker-build tells wasm-opt to keep them, so they must go before.
    command.env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    command.env("RUSTFLAGS", format!("{flags}{}", remap_crates()));
}

/// The flag that keeps cargo's home, a path of this machine, out of what is compiled.
pub(crate) fn remap_crates() -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    home.map(|home| {
        let crates = home.join("registry/src");
        format!(" --remap-path-prefix={}=/crates", crates.display())
    })
    .unwrap_or_default()
}

/// How many bytes go over the wire.
pub(crate) fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes)?;
    Ok(encoder.finish()?.len())
}

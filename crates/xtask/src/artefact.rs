//! What all wasm artefacts have in common: sources, flags and how they are measured.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{node::Node, step::run_logged, workspace::Workspace};

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

/// Optimises a module that somebody else than worker-build has made, with what rustc uses by default and nothing newer that
/// a host might not know yet, but for `features`.
pub(crate) fn optimise(
    workspace: &Workspace,
    node: &Node,
    module: &Path,
    made: &Path,
    features: &[&str],
) -> Result<()> {
    let mut command = node.command(workspace);
    command.arg(node.bin().join("wasm-opt")).args(WASM_OPT).args(features);
    command.arg(module).arg("-o").arg(made);
    run_logged(workspace, "wasm-opt", &mut command, "see what wasm-opt says above")
}

const WASM_OPT: [&str; 7] = [
    "-O3",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Puts a module where the npm package loads it from, and the licences where npm packs them from.
pub(crate) fn put_into_package(workspace: &Workspace, made: &str) -> Result<()> {
    for (file, folder) in
        [(made, "crates/js/js/wasm"), ("LICENSE-APACHE", "crates/js"), ("LICENSE-MIT", "crates/js")]
    {
        let file = workspace.path(file);
        let name = file.file_name().context("a file has a name")?;
        let place = workspace.path(folder).join(name);
        fs::create_dir_all(workspace.path(folder))?;
        fs::copy(&file, &place).with_context(|| format!("cannot write {}", place.display()))?;
    }
    Ok(())
}

/// How many bytes go over the wire.
pub(crate) fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes)?;
    Ok(encoder.finish()?.len())
}

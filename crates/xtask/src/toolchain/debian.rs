//! The compiler from Debian's packages, for networks where rustup can download nothing.
//!
//! The packages sit beside rustup's toolchain and change nothing about it. Nothing outside this file knows them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::Compiler;
use crate::{
    apt::{self, Wanted},
    step::Progress,
    workspace::Workspace,
};

/// Installs the packages unless they are there and says where they are.
pub(super) fn bring(workspace: &Workspace, progress: &Progress) -> Result<Compiler> {
    apt::bring(
        workspace,
        progress,
        &Wanted {
            what: "compiler from Debian's packages",
            probe: None,
            packages: &PACKAGES,
            why: "A Rust compiler that can build the standard library for wasm without downloads; it goes beside \
                  rustup's toolchain, which stays as it is",
            otherwise: "the wasm compiler can only come from rustup; let rustup reach its server and use \
                        `--toolchain rustup`",
            usually: "60 s",
            advice: ADVICE,
        },
    )?;
    let output = workspace
        .command(RUSTC)
        .arg("-vV")
        .output()
        .with_context(|| format!("cannot start {RUSTC}"))?;
    let version = String::from_utf8(output.stdout)?;
    let release = version
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .with_context(|| format!("{RUSTC} does not tell its release"))?;
    let source = PathBuf::from(format!("/usr/src/rustc-{release}"));
    if !source.join("library/vendor").exists() {
        bail!(
            "{} is missing: {RUSTC} and the package rust-web-src are of different versions; run `apt-get update` and `apt-get install {}`",
            source.display(),
            PACKAGES.join(" ")
        );
    }
    Ok(Compiler {
        name: "debian",
        bin: PathBuf::from("/usr/bin"),
        root: PathBuf::from("/usr"),
        linker: PathBuf::from(LINKER),
        // rustc knows it under this name; a link leads to the other.
        library: PathBuf::from("/usr/lib/rustlib/src/rust/library"),
        vendored: Some(source.join("library/vendor")),
        has_wasm: false,
        version,
    })
}

const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
const RUSTC: &str = "/usr/bin/rustc";
const LINKER: &str = "/usr/bin/lld-22";
const ADVICE: &str = "see that Debian's package server can be reached, and that this is Debian 12 or newer with its \
                      security updates, which carry these packages";

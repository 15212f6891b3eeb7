//! The compiler from rustup: its own toolchain, with the wasm target and the library's source added.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use super::{Compiler, sysroot::TARGET};
use crate::{
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// Brings target and source and says where they are.
pub(super) fn bring(workspace: &Workspace, progress: &Progress) -> Result<Compiler> {
    let root = PathBuf::from(print(workspace, &["--print", "sysroot"])?.trim());
    let library = root.join("lib/rustlib/src/rust/library");
    let has_all = || {
        library.join("Cargo.lock").exists()
            && root.join("lib/rustlib").join(TARGET).join("lib").exists()
    };
    if has_all() {
        progress.ready("compiler from rustup");
    } else {
        progress.step("compiler from rustup: wasm target and source", "20 s", || {
            for what in [["target", TARGET], ["component", "rust-src"]] {
                let [kind, name] = what;
                let mut rustup = workspace.command("rustup");
                rustup
                    .args([kind, "add", name])
                    .env("RUSTUP_MAX_RETRIES", "1")
                    .env("RUSTUP_DOWNLOAD_TIMEOUT", "60");
                run_logged(
                    workspace,
                    "rustup",
                    &mut rustup,
                    "see that rustup's server can be reached",
                )?;
            }
            if !has_all() {
                bail!("rustup said yes, but {} lacks what it brought", root.display());
            }
            Ok(())
        })?;
    }
    let version = print(workspace, &["-vV"])?;
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).context("no host")?.to_owned();
    Ok(Compiler {
        name: "rustup",
        bin: root.join("bin"),
        linker: root.join("lib/rustlib").join(host).join("bin/rust-lld"),
        library,
        vendored: None,
        has_wasm: true,
        version,
        root,
    })
}

/// Asks the `rustc` that rustup chooses here.
fn print(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    let mut rustc: Command = workspace.command("rustc");
    let output = rustc
        .args(arguments)
        .output()
        .context("`rustc` is not on this machine; install it with rustup")?;
    Ok(String::from_utf8(output.stdout)?)
}

//! The compilers for wasm: one whose panics unwind, for the worker, and one whose panics abort.
//!
//! A panic in a Durable Object that aborts leaves its caller without an answer, and takes the memory of every
//! other request along. One that unwinds fails its own request. Rust's ready-made wasm library aborts, so the
//! worker's is built here, from the source that belongs to the compiler.

mod debian;
mod rustup;
pub(crate) mod sysroot;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{step::Progress, workspace::Workspace};
use sysroot::Panics;

/// Steps that [`run`] counts.
pub(crate) const STEPS: usize = 3;

/// Where the compiler comes from.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// rustup, and Debian's packages if rustup cannot reach its server.
    Auto,
    /// rustup's toolchain, with its wasm target and its source.
    Rustup,
    /// Debian's packages, for networks where rustup can download nothing.
    Debian,
}

/// Folders with a `cargo` and a `rustc` that know wasm32-unknown-unknown.
pub(crate) struct Toolchain {
    /// `rustup` or `debian`: each has its own build folder, so that they don't undo each other's work.
    pub(crate) name: &'static str,
    pub(crate) unwinding: PathBuf,
    pub(crate) aborting: PathBuf,
    /// Compiler and flags: what was built with others is built again.
    pub(crate) stamp: String,
}

/// A compiler with the source of its standard library.
struct Compiler {
    name: &'static str,
    /// What `rustc -vV` says.
    version: String,
    /// The folder with `cargo`, `rustc` and `rustdoc`.
    bin: PathBuf,
    /// What `rustc --print sysroot` says.
    root: PathBuf,
    /// The linker, called as `rust-lld`.
    linker: PathBuf,
    /// The folder with std's workspace.
    library: PathBuf,
    /// A folder with the crates that std depends on, where they need not be fetched.
    vendored: Option<PathBuf>,
    /// Whether `root` has a wasm library (which aborts) already.
    has_wasm: bool,
}

/// Finds or brings a compiler and makes the libraries that it lacks.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, way: Way) -> Result<Toolchain> {
    let compiler = choose(workspace, progress, way)?;
    let unwinding = sysroot::run(workspace, progress, &compiler, Panics::Unwind)?;
    let aborting = if compiler.has_wasm {
        progress.ready("standard library for wasm, panic = abort");
        compiler.bin.clone()
    } else {
        sysroot::run(workspace, progress, &compiler, Panics::Abort)?
    };
    Ok(Toolchain {
        name: compiler.name,
        unwinding,
        aborting,
        stamp: sysroot::stamp(&compiler, Panics::Unwind),
    })
}

fn choose(workspace: &Workspace, progress: &Progress, way: Way) -> Result<Compiler> {
    match way {
        Way::Rustup => rustup::bring(workspace, progress).context(
            "rustup could not bring the wasm target; `--toolchain debian` does without its server",
        ),
        Way::Debian => debian::bring(workspace, progress),
        Way::Auto => {
            // Not asked twice: a network that rustup cannot leave today will not let it out in a minute.
            let remembered = workspace.tools("stamp/no-rustup");
            if remembered.exists() {
                return debian::bring(workspace, progress);
            }
            rustup::bring(workspace, progress).or_else(|error| {
                println!("rustup could not bring the wasm target, so Debian's compiler has to. Its words:\n{error:#}");
                progress.take_back();
                let compiler = debian::bring(workspace, progress)?;
                fs::create_dir_all(workspace.tools("stamp"))?;
                fs::write(remembered, "delete this file to let rustup try again\n")?;
                Ok(compiler)
            })
        }
    }
}

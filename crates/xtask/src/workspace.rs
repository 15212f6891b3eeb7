//! Where things lie in a checkout.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

/// A checkout of this repository.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("crates/xtask lies two levels below the root")?;
        Ok(Self::at(root))
    }

    /// The checkout in a given folder.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// A path inside the checkout.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// How a path inside the checkout is shown: from its root.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// A path inside `.tools`, which git ignores and which may be deleted at any time.
    pub(crate) fn tools(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(".tools").join(relative)
    }

    /// A command that runs at the root, without what cargo and rustup tell the programs that they start:
    /// a second compiler must not be handed the first one's paths.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let Some(text) = name.to_str() else { continue };
            let inherited = text.starts_with("CARGO_PKG_")
                || text.starts_with("CARGO_MANIFEST_")
                || text == "LD_LIBRARY_PATH";
            if inherited {
                command.env_remove(text);
            }
        }
        command
    }

    /// The cargo that started us, for whatever runs on this machine rather than in wasm.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// A command that sees only `bin`'s cargo and rustc, whichever toolchain rustup would have chosen.
    pub(crate) fn command_with(&self, program: impl AsRef<std::ffi::OsStr>, bin: &Path) -> Command {
        let mut command = self.command(program);
        for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTC_WRAPPER", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"]
        {
            command.env_remove(name);
        }
        command.env_remove("CARGO_ENCODED_RUSTFLAGS");
        command.env("PATH", path_with(&[bin.to_owned()]));
        command
    }
}

/// `PATH` with folders put before it.
pub(crate) fn path_with(folders: &[PathBuf]) -> std::ffi::OsString {
    let old = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&old));
    env::join_paths(all).unwrap_or(old)
}

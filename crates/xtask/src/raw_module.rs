//! The raw wasm modules of the npm package and of every other host of plain modules.

use std::{fs, iter};

use anyhow::{Context, Result};

use crate::{
    artefact::Artefact, core_module::CoreModule, setup::Kit, step::Progress, workspace::Workspace,
};

/// What one crate is built into.
#[derive(Debug)]
pub(crate) struct RawModule {
    what: &'static str,
    /// How long it takes.
    usually: &'static str,
    /// What the npm package loads.
    pub(crate) packed: File,
    /// For other hosts.
    others: &'static [File],
}

/// One module, git-ignored.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) made: &'static str,
    module: CoreModule,
}

/// The verifier, with SIMD, which every runtime that the package is for has, and without.
pub(crate) const VERIFIER: RawModule = RawModule {
    what: "verifier module",
    usually: "20 s",
    packed: File {
        made: "target/wardkey.verifier.wasm",
        module: CoreModule { name: "verifier-simd", has_simd: true, ..VERIFIER_MODULE },
    },
    others: &[File { made: "target/wardkey.verifier.scalar.wasm", module: VERIFIER_MODULE }],
};

/// The holder's side: narrow, inspect, redact; for every runtime alike.
pub(crate) const HOLDER: RawModule = RawModule {
    what: "holder module",
    usually: "15 s",
    packed: File {
        made: "target/wardkey.holder.wasm",
        module: CoreModule {
            package: "wardkey-holder",
            name: "holder",
            features: "",
            has_simd: false,
            flags: "",
            level: "z",
            // Nothing here is in haste: a page loads it.
            levels: &[("wardkey", "'z'"), ("sha2", "'z'")],
        },
    },
    others: &[],
};

const VERIFIER_MODULE: CoreModule = CoreModule {
    package: "wardkey-js",
    name: "verifier-scalar",
    features: "",
    has_simd: false,
    flags: "",
    level: "z",
    // The third level is 14 % larger and no faster, but for the compression itself; what is around the core is not in haste.
    levels: &[("wardkey", "2")],
};

impl RawModule {
    /// Builds its files unless nothing changed, tells what they are, and puts one where the npm package loads it from.
    pub(crate) fn run(&self, workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<()> {
        let files: Vec<_> = iter::once(&self.packed).chain(self.others).collect();
        let artefact = Artefact {
            what: self.what,
            usually: self.usually,
            made: &files.iter().map(|file| file.made).collect::<Vec<_>>(),
            facts: &format!("{self:?}"),
        };
        artefact.run(workspace, progress, kit, || {
            files.iter().try_for_each(|File { made, module }| {
                module.make(workspace, kit, &workspace.path(made))
            })
        })?;
        put_into_package(workspace, self.packed.made)
    }
}

/// Puts a module where the npm package loads it from, and the licences where npm packs them from.
fn put_into_package(workspace: &Workspace, made: &str) -> Result<()> {
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

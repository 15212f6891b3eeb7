//! A crate as one core wasm module, compiled and optimised for release.

use std::path::Path;

use anyhow::Result;

use crate::{
    artefact::release, setup::Kit, step::run_logged, toolchain::sysroot::TARGET,
    workspace::Workspace,
};

/// What is compiled, and how; panics abort.
#[derive(Debug)]
pub(crate) struct CoreModule {
    pub(crate) package: &'static str,
    /// Of cargo's folder and of the log.
    pub(crate) name: &'static str,
    /// Of the package, in place of its default; none for its default.
    pub(crate) features: &'static str,
    /// Without it any host will do.
    pub(crate) has_simd: bool,
    /// For rustc beside what all have, each behind a space.
    pub(crate) flags: &'static str,
    /// How far its crates are optimised, but for `levels`: 0 to 3, or s and z for size.
    pub(crate) level: &'static str,
    /// How far a crate is, as TOML writes it.
    pub(crate) levels: &'static [(&'static str, &'static str)],
}

impl CoreModule {
    /// Makes it with what rustc uses by default, and SIMD if it has it: nothing newer that a host might not know yet.
    pub(crate) fn make(&self, workspace: &Workspace, kit: &Kit, made: &Path) -> Result<()> {
        let target = workspace.path("target").join(format!("{}-{}", self.name, kit.toolchain.name));
        self.make_in(workspace, kit, &target, made)
    }

    /// The same in a folder of cargo's that is named.
    pub(crate) fn make_in(
        &self,
        workspace: &Workspace,
        kit: &Kit,
        target: &Path,
        made: &Path,
    ) -> Result<()> {
        let Self { package, name, features, has_simd, flags, level, levels } = self;
        let mut cargo = workspace.command_with("cargo", &kit.toolchain.aborting);
        cargo.args(["build", "--release", "--locked", "--package", package, "--target", TARGET]);
        cargo.arg("--target-dir").arg(target);
        if !features.is_empty() {
            cargo.args(["--no-default-features", "--features", features]);
        }
        let simd = if *has_simd { " -Ctarget-feature=+simd128" } else { "" };
        release(&mut cargo, &format!("-Cpanic=abort{simd}{flags}"));
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level);
        for (of, level) in *levels {
            cargo.args(["--config", &format!("profile.release.package.{of}.opt-level={level}")]);
        }
        run_logged(workspace, name, &mut cargo, "the compiler's words above say where")?;

        let module = format!("release/{}.wasm", package.replace('-', "_"));
        let mut optimise = kit.node.command(workspace);
        optimise.arg(kit.node.bin().join("wasm-opt")).args(WASM_OPT);
        optimise.args(has_simd.then_some("--enable-simd"));
        optimise.arg(target.join(TARGET).join(module)).arg("-o").arg(made);
        run_logged(workspace, "wasm-opt", &mut optimise, "see what wasm-opt says above")
    }
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

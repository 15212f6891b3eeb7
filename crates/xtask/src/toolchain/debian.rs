//! The compiler from Debian's packages, for networks where rustup can download nothing.
//!
//! The packages sit beside rustup's toolchain and change nothing about it. Nothing outside this file knows them.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use super::Compiler;
use crate::{
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// Installs the packages unless they are there and says where they are.
pub(super) fn bring(workspace: &Workspace, progress: &Progress) -> Result<Compiler> {
    if PACKAGES.iter().all(|package| is_installed(package)) {
        progress.ready("compiler from Debian's packages");
    } else {
        install(workspace, progress)?;
    }
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

fn install(workspace: &Workspace, progress: &Progress) -> Result<()> {
    if !starts(Command::new("apt-get").arg("--version")) {
        bail!(
            "this machine has no apt-get, so the wasm compiler can only come from rustup: let rustup reach its \
             server and use `--toolchain rustup`"
        );
    }
    let Some(before) = become_root() else {
        bail!(
            "installing Debian's compiler needs root, and `sudo` asks for a password here; run\n    \
             sudo apt-get update && sudo apt-get install --no-install-recommends {}\nthen this again",
            PACKAGES.join(" ")
        );
    };
    println!(
        "About to install Debian's packages {} with apt-get: a Rust compiler that can build the standard library \
         for wasm without downloads. They go beside rustup's toolchain, which stays as it is; nothing is removed.",
        PACKAGES.join(", ")
    );
    progress.step("compiler from Debian's packages", "60 s", || {
        let apt = |arguments: &[&str]| {
            let mut command = workspace.command(before.first().unwrap_or(&"env"));
            command.args(before.iter().skip(1));
            command.args([
                "DEBIAN_FRONTEND=noninteractive",
                "apt-get",
                "-oDPkg::Lock::Timeout=120",
            ]);
            command.args(arguments);
            command
        };
        // A source that has nothing to do with this may be out of order: what counts is whether the packages come.
        if let Err(error) = run_logged(workspace, "apt-update", &mut apt(&["update"]), ADVICE) {
            println!(
                "apt-get update failed; trying with the lists that are there. Its words:\n{error:#}"
            );
        }
        let mut install = apt(&["install", "--yes", "--no-install-recommends", "--no-remove"]);
        run_logged(workspace, "apt-install", install.args(PACKAGES), ADVICE)
    })
}

/// What to put before a command that root must run, unless that takes a password.
fn become_root() -> Option<&'static [&'static str]> {
    if rustix::process::geteuid().is_root() {
        return Some(&["env"]);
    }
    starts(Command::new("sudo").args(["-n", "true"])).then_some(&["sudo", "-n", "env"])
}

fn starts(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query")
        .args(["-W", "-f=${Status}", package])
        .stderr(Stdio::null())
        .output();
    query.is_ok_and(|output| output.stdout == b"install ok installed")
}

const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
const RUSTC: &str = "/usr/bin/rustc";
const LINKER: &str = "/usr/bin/lld-22";
const ADVICE: &str = "see that Debian's package server can be reached, and that this is Debian 12 or newer with its \
                      security updates, which carry these packages";

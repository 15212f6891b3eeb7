//! Packages from Debian, for what neither cargo nor npm can bring.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::{
    step::{Progress, run_logged},
    workspace::Workspace,
};

/// What is wanted, and what a person must know to let it come or to do without.
pub(crate) struct Wanted<'w> {
    /// What they bring, as the step is called.
    pub(crate) what: &'w str,
    /// A program and its arguments that end well where it is there, whoever brought it; `None` where only the
    /// packages themselves will do.
    pub(crate) probe: Option<&'w [&'w str]>,
    pub(crate) packages: &'w [&'w str],
    /// What it is for, and what it leaves alone.
    pub(crate) why: &'w str,
    /// What to do on a machine without apt-get.
    pub(crate) otherwise: &'w str,
    /// How long it takes.
    pub(crate) usually: &'w str,
    /// What to do when apt-get fails.
    pub(crate) advice: &'w str,
}

/// Installs the packages unless what is wanted, or they, are there.
pub(crate) fn bring(workspace: &Workspace, progress: &Progress, wanted: &Wanted<'_>) -> Result<()> {
    let Wanted { what, packages, why, otherwise, usually, advice, .. } = wanted;
    if wanted.is_there() {
        progress.ready(what);
        return Ok(());
    }
    if !starts(Command::new("apt-get").arg("--version")) {
        bail!("this machine has no apt-get: {otherwise}");
    }
    let Some(before) = become_root() else {
        bail!(
            "installing {what} needs root, and `sudo` asks for a password here; run\n    \
             sudo apt-get update && sudo apt-get install --no-install-recommends {}\nthen this again",
            packages.join(" ")
        );
    };
    println!(
        "About to install with apt-get, from Debian: {}. {why}; nothing is removed.",
        packages.join(", ")
    );
    progress.step(what, usually, || {
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
        if let Err(error) = run_logged(workspace, "apt-update", &mut apt(&["update"]), advice) {
            println!(
                "apt-get update failed; trying with the lists that are there. Its words:\n{error:#}"
            );
        }
        let mut install = apt(&["install", "--yes", "--no-install-recommends", "--no-remove"]);
        run_logged(workspace, "apt-install", install.args(*packages), advice)?;
        if !wanted.is_there() {
            bail!("{} came, and {what} still does not start", packages.join(", "));
        }
        Ok(())
    })
}

impl Wanted<'_> {
    fn is_there(&self) -> bool {
        match self.probe {
            Some(probe) => probe
                .split_first()
                .is_some_and(|(program, rest)| starts(Command::new(program).args(rest))),
            None => self.packages.iter().all(|package| is_installed(package)),
        }
    }
}

/// Unpacks the packages' files into a folder and installs nothing: for servers, which a package would start on
/// this machine, and with the libraries that the machine has. Needs no root.
pub(crate) fn unpack(
    workspace: &Workspace,
    progress: &Progress,
    wanted: &Wanted<'_>,
    folder: &Path,
) -> Result<()> {
    let Wanted { what, packages, otherwise, usually, advice, .. } = wanted;
    for program in ["apt-get", "dpkg-deb"] {
        if !starts(Command::new(program).arg("--version")) {
            bail!("this machine has no {program}: {otherwise}");
        }
    }
    progress.step(what, usually, || {
        if let Some(before) = become_root() {
            let mut update = workspace.command(before.first().unwrap_or(&"env"));
            update.args(before.iter().skip(1));
            update.args(["apt-get", "-oDPkg::Lock::Timeout=120", "update"]);
            if let Err(error) = run_logged(workspace, "apt-update", &mut update, advice) {
                println!(
                    "apt-get update failed; trying with the lists that are there. Its words:\n{error:#}"
                );
            }
        }
        // Nothing of an earlier try, or of an older version, is left beside it.
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let mut download = workspace.command("apt-get");
        download.current_dir(folder).arg("download").args(*packages);
        run_logged(workspace, "apt-download", &mut download, advice)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                let mut extract = workspace.command("dpkg-deb");
                extract.arg("-x").arg(&path).arg(folder);
                run_logged(workspace, "dpkg-deb", &mut extract, advice)?;
                fs::remove_file(path)?;
            }
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'w>(probe: Option<&'w [&'w str]>) -> Wanted<'w> {
        let packages = &["no-such-package"];
        Wanted { what: "", probe, packages, why: "", otherwise: "", usually: "", advice: "" }
    }

    #[test]
    fn what_starts_is_there_whichever_system_brought_it() {
        assert!(wanted(Some(&["true"])).is_there());
        assert!(!wanted(Some(&["false"])).is_there());
        assert!(!wanted(Some(&["no-such-program", "--version"])).is_there());
        assert!(!wanted(None).is_there());
    }
}

//! nginx and Caddy, in front of which forward auth is tried.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::{
    apt::{self, Wanted},
    step::Progress,
    workspace::Workspace,
};

/// Steps that [`bring`] counts.
pub(crate) const STEPS: usize = 1;

/// The programs.
pub(crate) struct Proxies {
    pub(crate) nginx: PathBuf,
    pub(crate) caddy: PathBuf,
}

/// Finds both on this machine, or unpacks Debian's into `.tools/proxies`.
pub(crate) fn bring(workspace: &Workspace, progress: &Progress) -> Result<Proxies> {
    let what = "nginx and Caddy";
    let folder = workspace.tools("proxies");
    if let Some(proxies) = find(&folder) {
        progress.ready(what);
        return Ok(proxies);
    }
    let wanted = Wanted {
        what,
        packages: &["nginx", "caddy"],
        probe: None,
        why: "Forward auth is tried in front of them",
        otherwise: OTHERWISE,
        usually: "20 s",
        advice: "see that Debian's package server can be reached, and that `apt-get update` has been run once",
    };
    apt::unpack(workspace, progress, &wanted, &folder)?;
    match find(&folder) {
        Some(proxies) => Ok(proxies),
        None => bail!(
            "Debian's nginx or Caddy does not start here, or cannot do what is tried: {OTHERWISE}"
        ),
    }
}

/// The first of each that starts and can do what is tried.
fn find(folder: &Path) -> Option<Proxies> {
    let first = |places: [PathBuf; 3], fits: fn(&Path) -> bool| {
        places.into_iter().find(|place| fits(place))
    };
    let nginx = [folder.join("usr/sbin/nginx"), "nginx".into(), "/usr/sbin/nginx".into()];
    let caddy = [folder.join("usr/bin/caddy"), "caddy".into(), "/usr/bin/caddy".into()];
    Some(Proxies {
        nginx: first(nginx, |program| {
            said(program, "-V").is_some_and(|text| text.contains("http_auth_request_module"))
        })?,
        caddy: first(caddy, |program| {
            said(program, "version")
                .is_some_and(|text| text.trim_start_matches('v').starts_with("2."))
        })?,
    })
}

/// What a program says of itself, on either channel.
fn said(program: &Path, option: &str) -> Option<String> {
    let output = Command::new(program).arg(option).stdin(Stdio::null()).output().ok()?;
    let bytes = [output.stdout, output.stderr].concat();
    output.status.success().then(|| String::from_utf8_lossy(&bytes).into_owned())
}

const OTHERWISE: &str = "install nginx 1.22 or newer with its auth_request module and Caddy 2.6 or newer in this system's way, \
                         so that `nginx` and `caddy` start; they need not run";

//! Chromium, in which what browsers get of the npm package is tried.

use std::env;

use anyhow::Result;

use crate::{
    apt::{self, Wanted},
    step::Progress,
    workspace::Workspace,
};

/// Steps that [`bring`] counts.
pub(crate) const STEPS: usize = 1;

/// Finds the Chromium that `WARDKEY_CHROMIUM` names, or this machine's own, or installs Debian's.
pub(crate) fn bring(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let program = env::var("WARDKEY_CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let wanted = Wanted {
        what: "Chromium",
        probe: Some(&[&program, "--version"]),
        packages: &["chromium", "chromium-sandbox"],
        why: "What browsers get of the npm package is tried in it",
        otherwise: "install Chromium in this system's way, so that `chromium --version` works, or say where it is by WARDKEY_CHROMIUM",
        usually: "60 s",
        advice: "see that Debian's package server can be reached",
    };
    apt::bring(workspace, progress, &wanted)
}

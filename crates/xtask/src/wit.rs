//! `cargo xtask wit`: the reference of `wit/`, made from its doc comments.

mod markdown;
mod packages;

use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::workspace::Workspace;

/// Whether the file may change.
#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing; fail where the file is not what would be written.
    #[arg(long)]
    check: bool,
}

/// Writes the reference, or checks it.
///
/// # Errors
/// Always where an item of `wit/` has no doc comment or no `@since`; with `--check` where the reference is another.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.check {
        check(workspace)?;
        println!("{REFERENCE} is what `cargo xtask wit` writes");
    } else {
        fs::write(workspace.path(REFERENCE), reference(workspace)?).context(REFERENCE)?;
        println!("{REFERENCE} written");
    }
    Ok(())
}

/// Whether the reference is what would be written.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let kept = fs::read_to_string(workspace.path(REFERENCE)).context(REFERENCE)?;
    ensure!(
        kept == reference(workspace)?,
        "{REFERENCE} is not what wit/ says; run `cargo xtask wit`"
    );
    Ok(())
}

fn reference(workspace: &Workspace) -> Result<String> {
    let mut text = markdown::FRONT.to_owned();
    for folder in PACKAGES {
        let (resolve, package) = packages::read(&workspace.path(folder))?;
        let bare = packages::bare(&resolve, package);
        ensure!(bare.is_empty(), "{folder}: {}", bare.join("; "));
        text.push_str(&markdown::package(&resolve, package)?);
    }
    Ok(text)
}

const PACKAGES: [&str; 2] = ["wit/verify", "wit/scan"];
const REFERENCE: &str = "wit/REFERENCE.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_what_wit_says() -> Result<()> {
        check(&Workspace::find()?)
    }
}

//! `cargo xtask deploy`: the worker, built here and handed to wrangler, which sends it to Cloudflare or, in a dry
//! run, does everything but that.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, str};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::{
    node::Node,
    setup,
    step::Progress,
    toolchain::Way,
    worker_build::{self, Flavour},
    workspace::Workspace,
};

/// What is to be done with the worker.
#[derive(Args)]
pub(crate) struct Options {
    /// Build and check everything, and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// The deployment's own wrangler.toml.
    #[arg(long, value_name = "FILE", default_value = "wrangler.toml")]
    config: PathBuf,
}

/// Steps that [`dry_run`] counts.
pub(crate) const STEPS: usize = 1;

/// Builds the worker and deploys it, or shows that it could be.
pub(crate) fn run(workspace: &Workspace, way: Way, options: &Options) -> Result<()> {
    let config = fs::canonicalize(&options.config)
        .with_context(|| format!("cannot read {}", options.config.display()))?;
    let text = fs::read_to_string(&config)?;
    let obstacle = obstacle(&options.config, &text);
    if let (false, Some(obstacle)) = (options.dry_run, &obstacle) {
        bail!("{obstacle}");
    }
    let progress = Progress::of(setup::STEPS + 1 + usize::from(options.dry_run));
    let kit = setup::run(workspace, &progress, way)?;
    worker_build::run(workspace, &progress, &kit, Flavour::Release)?;
    if options.dry_run {
        dry_run(workspace, &progress, &kit.node, &config)?;
        print!("{}", verdict(obstacle.as_deref()));
        return Ok(());
    }
    let status =
        wrangler(workspace, &kit.node, &config).status().context("cannot start wrangler")?;
    ensure!(status.success(), "wrangler ended with {status}; what it said is above");
    Ok(())
}

/// What stands in a deployment's way, as far as it can be seen from here.
fn obstacle(config: &Path, text: &str) -> Option<String> {
    text.lines().any(|line| line.trim() == LOCAL_KV).then(|| {
        format!(
            "{} names no KV namespace yet: put the id that `npx wrangler kv namespace create RECORDS` prints in place \
             of \"local\"",
            config.display()
        )
    })
}

/// The last words of a dry run.
fn verdict(obstacle: Option<&str>) -> String {
    let rest = obstacle.map(|obstacle| format!(" A deployment would refuse: {obstacle}."));
    format!("Nothing was sent.{}\n", rest.unwrap_or_default())
}

/// Has wrangler do all that it does for a deployment but the sending, and looks at what it would have sent.
pub(crate) fn dry_run(
    workspace: &Workspace,
    progress: &Progress,
    node: &Node,
    config: &Path,
) -> Result<()> {
    progress.step("wrangler deploy --dry-run", "5 s", || {
        let mut wrangler = wrangler(workspace, node, config);
        wrangler.arg("--dry-run").arg("--outdir").arg(workspace.tools("dry-run"));
        let output = wrangler.stdin(Stdio::null()).output().context("cannot start wrangler")?;
        let said = str::from_utf8(&output.stdout)?;
        ensure!(
            output.status.success(),
            "wrangler ended with {}\n{said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let upload = Upload::read(said)?;
        println!(
            "      {} KiB to send, {} KiB of it gzipped: a free plan takes {FREE_KIB} KiB",
            upload.kib, upload.gzipped_kib
        );
        Ok(())
    })
}

fn wrangler(workspace: &Workspace, node: &Node, config: &Path) -> Command {
    let mut wrangler = node.command(workspace);
    wrangler.arg(workspace.path("node_modules/wrangler/bin/wrangler.js"));
    wrangler.arg("deploy").arg("--config").arg(config);
    wrangler.env("WRANGLER_SEND_METRICS", "false").env("WRANGLER_SEND_ERROR_REPORTS", "false");
    wrangler.env("WRANGLER_HIDE_BANNER", "true");
    wrangler
}

/// What a deployment would send.
#[derive(Debug, PartialEq, Eq)]
struct Upload {
    kib: u32,
    gzipped_kib: u32,
}

impl Upload {
    /// Reads it from wrangler's words.
    ///
    /// # Errors
    /// When a binding that the worker cannot do without is missing, or the worker is too large for a free plan.
    fn read(said: &str) -> Result<Self> {
        for binding in BINDINGS {
            let named = format!("env.{binding}");
            ensure!(said.contains(&named), "wrangler names no binding {binding}\n{said}");
        }
        let sizes = said.lines().find_map(|line| {
            let (kib, gzipped) =
                line.trim().strip_prefix("Total Upload: ")?.split_once(" / gzip: ")?;
            let whole = |text: &str| text.strip_suffix(" KiB")?.split('.').next()?.parse().ok();
            Some(Self { kib: whole(kib)?, gzipped_kib: whole(gzipped)? })
        });
        let Some(upload) = sizes else {
            bail!("wrangler does not tell what it would send\n{said}")
        };
        ensure!(
            upload.gzipped_kib <= FREE_KIB,
            "{} KiB gzipped are more than the {FREE_KIB} KiB that a free plan takes",
            upload.gzipped_kib
        );
        Ok(upload)
    }
}

/// What the worker finds its surroundings by.
const BINDINGS: [&str; 6] =
    ["REGISTRY", "DIRECTORY", "USAGE", "RECORDS", "PUBLIC_LIMIT", "STRICT_LIMIT"];
/// What Workers takes of a script on its free plan, gzipped.
const FREE_KIB: u32 = 3 * 1024;
/// The line of wrangler.toml that a deployer replaces.
const LOCAL_KV: &str = "id = \"local\"";

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "
Total Upload: 2390.11 KiB / gzip: 833.67 KiB
Your Worker has access to the following bindings:
env.REGISTRY (TenantRegistry)      Durable Object
env.RECORDS (local)                KV Namespace
env.PUBLIC_LIMIT (600 requests/60s)  Rate Limit
env.DIRECTORY (TenantDirectory)    Durable Object
env.USAGE (TenantUsage)            Durable Object
env.STRICT_LIMIT (600 requests/60s)  Rate Limit
--dry-run: exiting now.
";

    #[test]
    fn sizes_are_read_from_wranglers_words() -> Result<()> {
        assert_eq!(Upload::read(SAID)?, Upload { kib: 2390, gzipped_kib: 833 });
        Ok(())
    }

    #[test]
    fn a_missing_binding_or_size_and_one_that_is_too_large_fail() {
        for (from, to) in
            [("env.RECORDS", "env.OTHER"), ("Total Upload", "Upload"), ("833.67", "3073.00")]
        {
            assert!(SAID.contains(from) && Upload::read(&SAID.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_dry_run_says_that_our_wrangler_toml_is_not_to_be_deployed_as_it_is() {
        let (config, text) = (Path::new("wrangler.toml"), include_str!("../../../wrangler.toml"));
        assert_eq!(text.lines().filter(|line| line.trim() == LOCAL_KV).count(), 1);
        let obstacle = obstacle(config, text);
        let said = verdict(obstacle.as_deref());
        assert!(
            said.starts_with("Nothing was sent. A deployment would refuse: wrangler.toml names"),
            "{said}"
        );
        let filled_in = text.replace(LOCAL_KV, "id = \"0f1e2d3c4b5a69788796a5b4c3d2e1f0\"");
        assert_eq!(super::obstacle(config, &filled_in), None);
        assert_eq!(verdict(None), "Nothing was sent.\n");
    }
}

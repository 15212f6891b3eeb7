//! `cargo xtask sizes`: how large what ships is, against a budget that is checked in.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{
    bundle, component,
    node::Node,
    raw_module::{HOLDER, VERIFIER},
    setup::{self, Kit},
    step::Progress,
    toolchain::Way,
    worker_build::{self, Flavour},
    workspace::Workspace,
};

/// Steps that [`measured`] counts.
pub(crate) const STEPS: usize = ARTEFACTS.len();

/// How large one artefact is, and how large it may be.
pub(crate) struct Size {
    pub(crate) artefact: &'static str,
    /// `raw`, `gzip` or `brotli`.
    pub(crate) form: String,
    pub(crate) bytes: u64,
    pub(crate) budget: Option<u64>,
}

/// Builds every artefact, prints its sizes, and fails where one is larger than its budget.
pub(crate) fn run(workspace: &Workspace, way: Way) -> Result<()> {
    let progress = Progress::of(setup::STEPS + STEPS);
    let kit = setup::run(workspace, &progress, way)?;
    let sizes = measured(workspace, &progress, &kit)?;
    println!("\n{:20} {:8} {:>12} {:>12}", "artefact", "", "bytes", "at most");
    for Size { artefact, form, bytes, budget } in &sizes {
        let most = budget.map_or_else(|| "–".to_owned(), |budget| budget.to_string());
        println!("{artefact:20} {form:8} {bytes:>12} {most:>12}");
    }
    judge(&sizes)?;
    println!("sizes: all within {BUDGET}");
    Ok(())
}

/// Builds every artefact and measures it.
pub(crate) fn measured(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<Vec<Size>> {
    for artefact in &ARTEFACTS {
        (artefact.build)(workspace, progress, kit)?;
    }
    let budgets = fs::read_to_string(workspace.path(BUDGET)).context(BUDGET)?;
    let budgets: Budgets = serde_json::from_str(&budgets).context(BUDGET)?;
    let mut sizes = Vec::new();
    for Artefact { name, files, .. } in &ARTEFACTS {
        let budget = budgets.get(*name).with_context(|| format!("{BUDGET} has no {name}"))?;
        let files: Vec<PathBuf> = files.iter().map(|file| workspace.path(file)).collect();
        for (form, bytes) in compressed(workspace, &kit.node, &files)? {
            let budget = budget.get(&form).copied();
            sizes.push(Size { artefact: name, form, bytes, budget });
        }
    }
    Ok(sizes)
}

/// Names every size that has outgrown its budget.
fn judge(sizes: &[Size]) -> Result<()> {
    let outgrown: Vec<String> = sizes
        .iter()
        .filter_map(|size| {
            let budget = size.budget.filter(|budget| size.bytes > *budget)?;
            let Size { artefact, form, bytes, .. } = size;
            let more = bytes - budget;
            Some(format!("{artefact}, {form}: {bytes} bytes, {more} more than {budget}"))
        })
        .collect();
    if !outgrown.is_empty() {
        bail!(
            "larger than {BUDGET} allows; make it smaller, or raise the budget and say why in the commit\n  {}",
            outgrown.join("\n  ")
        );
    }
    Ok(())
}

/// Bytes of files together, as they are and as zlib and brotli pack them at their best, each file by itself.
fn compressed(workspace: &Workspace, node: &Node, files: &[PathBuf]) -> Result<Vec<(String, u64)>> {
    let mut command = node.command(workspace);
    command.arg(workspace.path("crates/xtask/src/sizes/compressed.mjs")).args(files);
    let output = command.output().context("cannot start node")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sizes: Value = serde_json::from_slice(&output.stdout)?;
    let sizes = sizes.as_object().context("no sizes")?;
    let size = |(form, bytes): (&String, &Value)| Some((form.clone(), bytes.as_u64()?));
    sizes.iter().map(size).collect::<Option<_>>().context("no sizes")
}

/// Budgets in bytes by artefact and form.
type Budgets = BTreeMap<String, BTreeMap<String, u64>>;

struct Artefact {
    name: &'static str,
    files: &'static [&'static str],
    build: fn(&Workspace, &Progress, &Kit) -> Result<()>,
}

/// What ships.
const ARTEFACTS: [Artefact; 7] = [
    Artefact { name: "bundle", files: &bundle::MADE, build: bundle::run },
    Artefact { name: "component.holding", files: &[component::HOLDING], build: component::run },
    Artefact { name: "component.scanning", files: &[component::SCANNING], build: component::run },
    Artefact { name: "component.verifying", files: &[component::VERIFYING], build: component::run },
    Artefact {
        name: "holder",
        files: &[HOLDER.packed.made],
        build: |workspace, progress, kit| HOLDER.run(workspace, progress, kit),
    },
    Artefact {
        name: "verifier",
        files: &[VERIFIER.packed.made],
        build: |workspace, progress, kit| VERIFIER.run(workspace, progress, kit),
    },
    Artefact {
        name: "worker",
        files: &["worker/build/index.js", "worker/build/index_bg.wasm"],
        build: |workspace, progress, kit| {
            worker_build::run(workspace, progress, kit, Flavour::Release)
        },
    },
];

/// How large it may be, in bytes.
const BUDGET: &str = "crates/xtask/sizes.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_artefact_has_a_budget_and_the_reverse() -> Result<()> {
        let budgets: Budgets = serde_json::from_str(include_str!("../sizes.json"))?;
        let names: Vec<_> = ARTEFACTS.iter().map(|artefact| artefact.name).collect();
        assert_eq!(budgets.keys().collect::<Vec<_>>(), names);
        for (name, budget) in budgets {
            assert!(budget.contains_key("gzip"), "{name}");
            let known = |form: &String| ["raw", "gzip", "brotli"].contains(&form.as_str());
            assert!(budget.keys().all(known), "{name}");
        }
        Ok(())
    }

    #[test]
    fn a_byte_more_than_the_budget_fails_and_is_named() {
        let size = |bytes, budget| Size { artefact: "toy", form: "gzip".to_owned(), bytes, budget };
        assert!(judge(&[size(100, Some(100)), size(100, None)]).is_ok());
        let error = judge(&[size(7, Some(7)), size(101, Some(100))]).unwrap_err().to_string();
        assert!(error.contains("toy, gzip: 101 bytes, 1 more than 100"), "{error}");
    }
}

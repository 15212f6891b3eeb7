//! `cargo xtask bench`: what a verification costs beside the peers that do the same job.
//!
//! It installs, builds, runs and merges; what is measured, and how, is said in crates/bench. Nothing fails by its time.

mod goals;
mod table;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use self::{goals::Goal, table::table};
use crate::{
    component, hosts,
    inputs::Inputs,
    machine,
    node::{self, Node},
    python_host, raw_module, setup,
    sizes::{self, Size},
    step::{Progress, run_logged},
    toolchain::Way,
    workspace::Workspace,
};

/// How long, what, and where it is written.
#[derive(Args)]
pub(crate) struct Options {
    /// About a minute once everything is built: fewer and shorter rounds, and figures that are the rougher for it.
    #[arg(long)]
    quick: bool,
    /// Only these parts; each brings the unit that its ratios are to. The hosts of crates/hosts are measured only where they
    /// are named: building wasmtime takes five minutes at first.
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = PARTS)]
    only: Vec<String>,
    /// Write every row into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Start of the random order of rows, as an earlier run printed it (0 to 4294967295); a new one by default.
    #[arg(long)]
    seed: Option<u32>,
}

/// Rounds, and milliseconds of a row in each and before the first.
struct Pace {
    rounds: u32,
    target_ms: u32,
    warm_ms: u32,
    seed: u32,
}

/// Measures the parts one after the other and prints the table.
pub(crate) fn run(workspace: &Workspace, way: Way, options: &Options) -> Result<()> {
    let wanted: Vec<&str> = PARTS
        .into_iter()
        .filter(|part| {
            let named = options.only.iter().any(|only| only == part);
            named || (options.only.is_empty() && *part != HOSTS)
        })
        .collect();
    let pace = options.pace()?;
    // A copy without git can be measured, too.
    let commit = machine::commit(workspace).ok();
    let changed = commit.as_ref().is_some_and(|commit| commit.changed);
    let with_sizes = wanted.contains(&"sizes");
    let with_peers = wanted.iter().any(|part| JAVASCRIPT.contains(part));
    let with_python = wanted.contains(&"python");
    let with_hosts = wanted.contains(&HOSTS);
    let with_modules = with_peers || with_python || with_hosts;
    let brought = match (with_sizes, with_modules) {
        (true, _) => setup::STEPS + sizes::STEPS,
        (false, true) => setup::STEPS + 1 + component::STEPS,
        (false, false) => node::STEPS,
    } + if with_python { python_host::STEPS } else { 0 };
    let with_program = with_peers || with_python || wanted.contains(&"native");
    let programs = usize::from(with_peers) + usize::from(with_program) + usize::from(with_hosts);
    let runs = wanted.len() - usize::from(with_sizes);
    let progress = Progress::of(brought + programs + runs);

    let load = machine::load();
    let mut rows = Vec::new();
    let node = if with_sizes {
        let kit = setup::run(workspace, &progress, way)?;
        rows.extend(sizes::measured(workspace, &progress, &kit)?.into_iter().map(size_row));
        kit.node
    } else if with_modules {
        let kit = setup::run(workspace, &progress, way)?;
        raw_module::VERIFIER.run(workspace, &progress, &kit)?;
        component::run(workspace, &progress, &kit)?;
        kit.node
    } else {
        node::run(workspace, &progress)?
    };
    if with_peers {
        peers(workspace, &progress)?;
    }
    if with_program {
        native_program(workspace, &progress)?;
    }
    if with_hosts {
        hosts_program(workspace, &progress)?;
    }
    let python = if with_python { Some(python_host::bring(workspace, &progress)?) } else { None };
    let folder = workspace.path(WORK);
    fs::create_dir_all(&folder)?;
    let (mut runtimes, mut notes, mut tables) = (serde_json::Map::new(), Vec::new(), String::new());
    for part in wanted.iter().copied().filter(|part| *part != "sizes") {
        let out = folder.join(format!("{part}.json"));
        let mut command = match &python {
            Some(python) if part == "python" => python_host::bench(workspace, python),
            _ => program(workspace, &node, part),
        };
        if !["native", HOSTS].contains(&part) {
            command.args(["--fixture", FIXTURE]);
        }
        command.args(pace.arguments()).arg("--out").arg(&out);
        progress.step(part, if options.quick { "15 s" } else { "1 min" }, || {
            run_logged(workspace, &format!("bench-{part}"), &mut command, "see what it says above")
        })?;
        let found = fs::read_to_string(&out)?;
        let found: &Value = &serde_json::from_str(&found)?;
        let runtime = match part {
            "native" => machine::rustc(),
            HOSTS => format!(
                "{}, {}",
                found["runtime"].as_str().context("no runtime")?,
                machine::rustc()
            ),
            _ => found["runtime"].as_str().context("no runtime")?.to_owned(),
        };
        let found_rows = merged(part, found).with_context(|| format!("what {part} found"))?;
        tables += &table(&format!("{part}: {runtime}"), &found_rows);
        rows.extend(found_rows);
        runtimes.insert(part.to_owned(), runtime.into());
        notes.extend(found["notes"].as_array().into_iter().flatten().cloned());
    }
    if with_sizes {
        let sizes: Vec<Value> = rows.iter().filter(|row| is_size(row)).cloned().collect();
        tables += &table("sizes", &sizes);
    }
    let report = json!({
        "commit": commit.map_or_else(|| "unknown".to_owned(), |commit| commit.name),
        "uncommitted_changes": changed,
        "machine": machine::describe(), "load": load, "date": machine::today()?,
        "command": options.command(pace.seed), "seed": pace.seed, "rounds": pace.rounds,
        "runtimes": runtimes, "notes": notes, "rows": rows,
    });
    if let Some(file) = &options.json {
        fs::write(file, format!("{report:#}\n")).with_context(|| file.display().to_string())?;
    }
    print!("{}{tables}{}", head(&report), foot(&report));
    Ok(())
}

impl Options {
    fn pace(&self) -> Result<Pace> {
        // WHY: many short rounds and not few long ones: on a machine that does other things, too, as many ratios are then
        // too large as too small.
        let seed = self.seed.map_or_else(|| getrandom::u32().context("no randomness"), Ok)?;
        Ok(if self.quick {
            Pace { rounds: 15, target_ms: 5, warm_ms: 60, seed }
        } else {
            Pace { rounds: 101, target_ms: 5, warm_ms: 150, seed }
        })
    }

    /// What runs the same again.
    fn command(&self, seed: u32) -> String {
        let mut command = "cargo xtask bench".to_owned();
        if self.quick {
            command += " --quick";
        }
        if !self.only.is_empty() {
            command += &format!(" --only {}", self.only.join(","));
        }
        format!("{command} --seed {seed}")
    }
}

impl Pace {
    fn arguments(&self) -> Vec<String> {
        let Self { rounds, target_ms, warm_ms, seed } = self;
        let named = [("rounds", rounds), ("target", target_ms), ("warm", warm_ms), ("seed", seed)];
        named.map(|(name, value)| format!("--{name}={value}")).into()
    }
}

/// Installs the peers in JavaScript, and Node 20.
fn peers(workspace: &Workspace, progress: &Progress) -> Result<()> {
    let what = "npm packages of the peers";
    let folder = workspace.path(JS);
    let lock = [folder.join("package.json"), folder.join("package-lock.json")];
    let modules = folder.join("node_modules");
    let inputs = Inputs::of(modules.join(".wardkey-stamp"), &[], &lock)?;
    if inputs.are_done(&modules.join(".bin/node")) {
        progress.ready(what);
        return Ok(());
    }
    progress.step(what, "10 s", || {
        let mut npm = workspace.command("npm");
        npm.current_dir(&folder);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]);
        run_logged(workspace, "npm-bench", &mut npm, "see that npm's registry can be reached")?;
        if !modules.join(".bin/node").exists() {
            bail!(
                "npm brings Node 20 for Linux on x64 and arm64 only, and this machine is neither"
            );
        }
        inputs.remember()
    })
}

fn native_program(workspace: &Workspace, progress: &Progress) -> Result<()> {
    progress.step("native program, with the peers", "3 min at first, 10 s later", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--locked", "--manifest-path"]);
        cargo.arg(workspace.path("crates/bench/Cargo.toml"));
        cargo.arg("--target-dir").arg(workspace.path(WORK)).env_remove("RUSTFLAGS");
        run_logged(workspace, "bench-build", &mut cargo, "the compiler's words above say where")?;
        let mut fixture = workspace.command(workspace.path(PROGRAM));
        fixture.args(["fixture", "--out", FIXTURE]);
        run_logged(workspace, "bench-fixture", &mut fixture, "see what it says above")
    })
}

fn hosts_program(workspace: &Workspace, progress: &Progress) -> Result<()> {
    progress.step("program with the hosts", "6 min at first, 90 s later", || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--release", "--locked", "--package", "wardkey-hosts-bench"]);
        cargo.args(["--manifest-path", hosts::MANIFEST, "--target-dir", hosts::TARGET]);
        cargo.env_remove("RUSTFLAGS");
        run_logged(workspace, "bench-hosts", &mut cargo, "the compiler's words above say where")
    })
}

/// What measures a part.
fn program(workspace: &Workspace, node: &Node, part: &str) -> Command {
    let js = workspace.path(JS);
    let mut command = match part {
        "native" => {
            let mut command = workspace.command(workspace.path(PROGRAM));
            command.arg("measure");
            return command;
        }
        HOSTS => return workspace.command(workspace.path(HOSTS_PROGRAM)),
        "node20" => workspace.command(js.join("node_modules/.bin/node")),
        _ => node.command(workspace),
    };
    // biscuit-wasm is imported as a module.
    command.args(["--no-warnings", "--experimental-wasm-modules"]);
    command.arg(js.join(if part == "workerd" { "workerd.mjs" } else { "node.mjs" }));
    command
}

/// The rows of a part under their names for good, with their goals.
fn merged(part: &str, found: &Value) -> Result<Vec<Value>> {
    let rows = found["rows"].as_array().context("no rows")?;
    let mut rows = rows.clone();
    for row in &mut rows {
        for name in ["id", "base"] {
            if let Some(id) = row[name].as_str() {
                row[name] = named(part, id).into();
            }
        }
        let goal = row["id"].as_str().and_then(Goal::of).map(|goal| goal.told(row));
        if let Some(goal) = goal {
            row["goal"] = goal;
        }
    }
    Ok(rows)
}

/// A row's name for good. Node 22 is what others are compared with: of its rows only the unit and those of a
/// verification say where they ran.
fn named(part: &str, id: &str) -> String {
    match part {
        // They say it themselves: figures of the list are had nowhere else.
        "native" | "python" | HOSTS => id.to_owned(),
        "node22" if !id.starts_with("unit") && !id.starts_with("verify") => id.to_owned(),
        _ => format!("{part}.{id}"),
    }
}

fn size_row(size: Size) -> Value {
    let Size { artefact, form, bytes, budget } = size;
    let id = format!("size.{artefact}_{form}");
    let most = budget.map_or_else(String::new, |budget| format!(", budget {budget}"));
    let mut row = json!({
        "id": id, "what": format!("{artefact}, {form}{most}"),
        "median": bytes, "minimum": bytes, "unit": "B",
    });
    if let (Some(goal), Some(fields)) =
        (Goal::of(&id).map(|goal| goal.told(&row)), row.as_object_mut())
    {
        fields.insert("goal".to_owned(), goal);
    }
    row
}

fn is_size(row: &Value) -> bool {
    row["id"].as_str().is_some_and(|id| id.starts_with("size."))
}

fn head(report: &Value) -> String {
    let text = |name: &str| report[name].as_str().unwrap_or_default();
    let changed = if report["uncommitted_changes"] == true { " and changes" } else { "" };
    format!(
        "\n{}\n  commit {}{changed}, {}, {} rounds\n  {}\n\
         load before it {}; where others compute, too, minima say more than medians\n\
         ratio: median of each round's ratio to the unit, or, for refusals and growth, to the accept beside it\n",
        text("command"),
        text("commit"),
        text("date"),
        report["rounds"],
        text("machine"),
        text("load"),
    )
}

fn foot(report: &Value) -> String {
    let notes = report["notes"].as_array().into_iter().flatten();
    let notes: String =
        notes.filter_map(Value::as_str).map(|note| format!("  note: {note}\n")).collect();
    let rows = report["rows"].as_array().into_iter().flatten();
    let (mut met, mut missed) = (0, 0);
    for is_met in rows.filter_map(|row| row.pointer("/goal/met")?.as_bool()) {
        *if is_met { &mut met } else { &mut missed } += 1;
    }
    format!("\n{notes}{met} goals met, {missed} missed; a goal is no test\n")
}

/// The parts of the table.
const PARTS: [&str; 7] = ["native", "node20", "node22", "workerd", "python", "sizes", HOSTS];
/// Components and plain modules outside JavaScript.
const HOSTS: &str = "hosts";
/// Those that take npm's peers.
const JAVASCRIPT: [&str; 3] = ["node20", "node22", "workerd"];
const JS: &str = "crates/bench/js";
/// Where programs and findings lie.
const WORK: &str = "target/bench";
const PROGRAM: &str = "target/bench/release/wardkey-bench";
const HOSTS_PROGRAM: &str = "target/hosts/release/wardkey-hosts-bench";
/// Our key set, list and keys for rows in JavaScript, which the native program writes.
const FIXTURE: &str = "target/bench/fixture.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_names_that_stay() {
        for (part, id, name) in [
            ("node22", "verify", "node22.verify"),
            ("node22", "verify_scalar", "node22.verify_scalar"),
            ("node22", "unit", "node22.unit"),
            ("node22", "peer.jose", "peer.jose"),
            ("node22", "reject.garbage", "reject.garbage"),
            ("node20", "peer.jose", "node20.peer.jose"),
            ("workerd", "verify", "workerd.verify"),
            ("native", "list.lookup_10m_ns", "list.lookup_10m_ns"),
            ("native", "native.verify", "native.verify"),
            ("node22", "component.jco", "component.jco"),
            ("python", "component.python", "component.python"),
            ("hosts", "component.wasmtime", "component.wasmtime"),
        ] {
            assert_eq!(named(part, id), name);
        }
    }

    #[test]
    fn a_merged_row_names_its_base_and_says_whether_its_goal_is_met() -> Result<()> {
        let found = json!({ "rows": [
            { "id": "verify", "base": "unit", "ratio": 0.31, "median": 400.0 },
            { "id": "peer.jose", "base": "unit", "ratio": 15.0, "median": 20000.0 },
        ] });
        let rows = merged("node22", &found)?;
        assert_eq!(rows[0]["base"], "node22.unit");
        assert_eq!(rows[0]["goal"], json!({ "of": "ratio", "at_most": 0.3, "met": false }));
        assert_eq!(rows[1].get("goal"), None);
        Ok(())
    }

    #[test]
    fn a_run_tells_how_to_have_it_again() {
        let options = Options {
            quick: true,
            only: vec!["native".to_owned(), "node22".to_owned()],
            json: None,
            seed: None,
        };
        let command = "cargo xtask bench --quick --only native,node22 --seed 7";
        assert_eq!(options.command(7), command);
    }
}

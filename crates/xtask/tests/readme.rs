//! The README says what cargo and the records say.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "it is all tests: what is not as they assume shall stop them"
)]

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::Value;

#[test]
fn the_readme_names_every_crate_with_its_folder() {
    let root = root();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let folder = manifest.parent().unwrap().strip_prefix(root).unwrap();
        (folder.to_str().unwrap().to_owned(), package["name"].as_str().unwrap().to_owned())
    });
    let packages: BTreeSet<_> = packages.collect();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let rooms = readme.lines().filter_map(|line| {
        let (folder, rest) = line.strip_prefix("| `")?.split_once("` (`")?;
        let (name, _) = rest.split_once("`) |")?;
        Some((folder.to_owned(), name.to_owned()))
    });
    assert_eq!(rooms.collect::<BTreeSet<_>>(), packages);
}

/// A figure that is quoted and not the record's is a claim that nobody tried.
#[test]
fn the_readme_quotes_the_records() {
    let readme = read("README.md").unwrap();
    let (_, quoted) = readme.split_once("\nRecorded so far, ").unwrap();
    let (quoted, _) = quoted.split_once("\n## ").unwrap();
    let quoted = quoted.split_whitespace().collect::<Vec<_>>().join(" ");
    let record: Value = serde_json::from_str(&read("crates/trials/RECORD.json").unwrap()).unwrap();
    let mutants = read("crates/core/MUTANTS.md");
    for phrase in [
        trials(&record["trials"]),
        scan_corpus(&record["scan-corpus"]),
        fuzz(&record["fuzz"]),
        kills(&record["kills"]),
        vec![mutation(mutants.as_deref())],
    ]
    .concat()
    {
        // A space before it: 0 is no part of 10.
        assert!(
            quoted.contains(&format!(" {phrase}")),
            "`Recorded so far` in README.md lacks: {phrase}"
        );
    }
}

fn trials(run: &Value) -> Vec<String> {
    let reports = run["found"]["reports"].as_array().unwrap();
    let cases = |suite: &str| {
        let mut all = 0;
        for report in reports.iter().map(|report| &report["report"]) {
            if report["suite"] == suite {
                assert_eq!(report["failures"], 0, "{suite}");
                all += report["stretch"]["count"].as_u64().unwrap();
            }
        }
        grouped(all)
    };
    vec![
        run["machine"].as_str().unwrap().split(", linux").next().unwrap().to_owned(),
        command("trials", run),
        format!("{} mutated keys", cases("mutants")),
        format!("alias of {} keys", cases("one-spelling")),
        format!("{} good keys", cases("good-keys")),
        format!("{} narrowings", cases("narrowings")),
    ]
}

fn scan_corpus(run: &Value) -> Vec<String> {
    let found = &run["found"];
    let planted = found["planted"].as_array().unwrap();
    let sum = |name: &str| planted.iter().map(|kind| kind[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("planted"), sum("found"));
    vec![
        command("scan-corpus", run),
        format!("{:.1} GB of other people's", found["bytes"].as_f64().unwrap() / 1e9),
        format!("{} findings", found["findings"]),
        format!("{} credentials that were planted, all found", grouped(sum("planted"))),
    ]
}

fn fuzz(run: &Value) -> Vec<String> {
    let Some(targets) = run["found"]["targets"].as_array() else {
        return vec!["Fuzzing has no run on record yet".to_owned()];
    };
    let inputs = targets.iter().map(|target| target["executions"].as_u64().unwrap()).sum();
    vec![command("fuzz", run), format!("{} inputs", grouped(inputs))]
}

fn kills(run: &Value) -> Vec<String> {
    let found = &run["found"];
    let Some(kills) = found["kills"].as_u64() else {
        return vec!["Killing workerd has no run on record yet".to_owned()];
    };
    let answered = grouped(found["acts_answered"].as_u64().unwrap());
    vec![command("kills", run), format!("{kills} kills of workerd"), format!("{answered} acts")]
}

/// What the last whole run came to, which keeps a record of its own.
fn mutation(record: Option<&str>) -> String {
    let Some(record) = record else {
        return "Mutation testing has no whole run on record yet".to_owned();
    };
    let cell = |name: &str| {
        let row = record.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
        row.unwrap().trim_end_matches(" |").trim_matches('*').to_owned()
    };
    format!(
        "{} of those of the core's {} mutants that compile",
        cell("**caught, of those that compile**"),
        cell("mutants")
    )
}

#[test]
fn a_record_of_mutants_is_quoted_with_its_rate() {
    let record = "| | |\n| mutants | 1369 |\n| **caught, of those that compile** | **97.1 %** |\n";
    assert_eq!(mutation(Some(record)), "97.1 % of those of the core's 1369 mutants that compile");
}

/// What a run is had again by, up to its commit.
fn command(part: &str, run: &Value) -> String {
    let by_default = format!("cargo xtask deep --only {part} --seed {}", run["seed"]);
    let command = run["command"].as_str().unwrap_or(&by_default);
    format!("`{command}`, commit {}", run["commit"].as_str().unwrap())
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).unwrap()).collect();
    parts.join(",")
}

fn read(name: &str) -> Option<String> {
    std::fs::read_to_string(root().join(name)).ok()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

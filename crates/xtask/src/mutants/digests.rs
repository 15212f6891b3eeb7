//! What outcomes rest on: when it changes, they count no more.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::tool::CARGO_MUTANTS;
use crate::{inputs::hex, workspace::Workspace};

/// Digests of all that decides what a mutant comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Digests {
    /// What every mutant is made by or compiled with.
    pub(super) all: BTreeMap<String, String>,
    /// Each source, which its own mutants are made of.
    pub(super) sources: BTreeMap<String, String>,
    /// What catches them. Not what a source does that the tests use beside the broken one: a change there leaves
    /// the outcomes of all other files as they are.
    pub(super) tests: String,
}

impl Digests {
    /// Of the checkout as it lies there.
    pub(super) fn of(workspace: &Workspace) -> Result<Self> {
        let mut all = BTreeMap::from([("cargo-mutants".to_owned(), CARGO_MUTANTS.to_owned())]);
        for name in [".cargo/mutants.toml", "crates/core/Cargo.toml", "Cargo.lock"] {
            let bytes = fs::read(workspace.path(name)).with_context(|| name.to_owned())?;
            all.insert(name.to_owned(), digest(&bytes));
        }
        let manifest = fs::read_to_string(workspace.path("Cargo.toml"))?;
        all.insert("Cargo.toml: profile".to_owned(), digest(profile(&manifest).as_bytes()));
        let mut sources = BTreeMap::new();
        let mut tests = Sha256::new();
        for (name, text) in files(workspace, SOURCES)? {
            tests.update(own_tests(&text));
            tests.update([0]);
            sources.insert(name, digest(text.as_bytes()));
        }
        for (name, text) in files(workspace, TESTS[0])?
            .into_iter()
            .chain(files(workspace, TESTS[1])?)
            .chain(files(workspace, TESTS[2])?)
        {
            for part in [name.as_bytes(), text.as_bytes()] {
                tests.update(part);
                tests.update([0]);
            }
        }
        Ok(Self { all, sources, tests: hex(&tests.finalize()) })
    }
}

/// Names from the root, and contents.
fn files(workspace: &Workspace, under: &str) -> Result<Vec<(String, String)>> {
    let mut files = vec![];
    for entry in WalkDir::new(workspace.path(under)).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let name = workspace.relative(entry.path()).display().to_string();
            let bytes = fs::read(entry.path())?;
            files.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(files)
}

/// The tests at the end of a source: they may catch a mutant of another one.
fn own_tests(source: &str) -> &str {
    source.split_once("\n#[cfg(test)]").map_or("", |(_, tests)| tests)
}

/// How the manifest says that mutants are compiled.
fn profile(manifest: &str) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.starts_with("[profile.mutants") || line.starts_with("[profile.dev");
        }
        if inside && !line.trim().is_empty() {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What the mutants are made of.
const SOURCES: &str = "crates/core/src";
/// What catches them, beside the tests inside the core's source; tests read FORMAT.md.
const TESTS: [&str; 3] = ["crates/core/tests", "crates/provision/src", "crates/core/FORMAT.md"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_profiles_of_mutants_are_looked_at() {
        let manifest = "[workspace]\na = 1\n\n[profile.mutants]\nb = 2\n\n[other]\nc = 3\n\
                        [profile.mutants.package.\"*\"]\nd = 4\n";
        let profile = profile(manifest);
        assert_eq!(profile, "[profile.mutants]\nb = 2\n[profile.mutants.package.\"*\"]\nd = 4\n");
    }

    #[test]
    fn each_source_and_the_tests_have_digests_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let write = |name: &str, text: &str| {
            let path = workspace.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in [".cargo/mutants.toml", "crates/core/Cargo.toml", "Cargo.lock", "Cargo.toml"] {
            write(name, "");
        }
        for (name, text) in [
            ("crates/core/src/a.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests {}\n"),
            ("crates/core/src/list/b.rs", "fn b() {}\n"),
            ("crates/core/tests/t.rs", ""),
            ("crates/provision/src/lib.rs", ""),
            ("crates/core/FORMAT.md", ""),
        ] {
            write(name, text);
        }
        let before = Digests::of(&workspace).unwrap();
        assert_eq!(before.sources.len(), 2);

        write("crates/core/src/list/b.rs", "fn b() { }\n");
        let after = Digests::of(&workspace).unwrap();
        assert_eq!((&after.all, &after.tests), (&before.all, &before.tests));
        assert_eq!(after.sources["crates/core/src/a.rs"], before.sources["crates/core/src/a.rs"]);
        assert_ne!(after.sources, before.sources);

        for (name, text) in [
            ("crates/core/FORMAT.md", "other"),
            ("crates/core/tests/u.rs", ""),
            ("crates/provision/src/lib.rs", "other"),
            ("crates/core/src/a.rs", "fn a() {}\n\n#[cfg(test)]\nmod tests { }\n"),
        ] {
            let before = Digests::of(&workspace).unwrap();
            write(name, text);
            assert_ne!(Digests::of(&workspace).unwrap().tests, before.tests, "{name}");
        }
        write("Cargo.lock", "other");
        assert_ne!(Digests::of(&workspace).unwrap().all, before.all);
    }
}

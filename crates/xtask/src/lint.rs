//! Formatting, clippy and the locks.

use anyhow::{Result, bail};

use crate::{guarded, hosts, step::Progress, wit, workspace::Workspace};

/// Runs every lint; fails if one does, after all have spoken.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tools = ["--manifest-path", "crates/tools/Cargo.toml"];
    let bench = ["--manifest-path", "crates/bench/Cargo.toml"];
    let fuzz = ["--manifest-path", "crates/core/fuzz/Cargo.toml"];
    let of_guard = ["--manifest-path", guarded::MANIFEST];
    let of_hosts = ["--manifest-path", hosts::MANIFEST];
    let lints: [(&str, &str, Vec<&str>); 17] = [
        ("formatting", "1 s", vec!["fmt", "--all", "--check"]),
        ("formatting of the tools", "1 s", [&["fmt", "--check"], &tools[..]].concat()),
        (
            "the lock is what the manifests say",
            "5 s",
            vec!["metadata", "--locked", "--format-version=1", "--quiet"],
        ),
        (
            "the tools' lock, too",
            "5 s",
            [&["metadata", "--locked", "--format-version=1", "--quiet"], &tools[..]].concat(),
        ),
        ("formatting of the fuzz targets", "1 s", [&["fmt", "--check"], &fuzz[..]].concat()),
        (
            "the fuzz targets' lock, too",
            "5 s",
            [&["metadata", "--locked", "--format-version=1", "--quiet"], &fuzz[..]].concat(),
        ),
        (
            "clippy for what the fuzz targets run",
            "20 s at first",
            // Without the fuzzer itself: linting must not take a C++ compiler.
            [
                &["clippy", "--no-default-features", "--all-targets", "--locked"],
                &fuzz[..],
                &["--target-dir", "target/fuzz", "--", "-Dwarnings"],
            ]
            .concat(),
        ),
        ("formatting of the benchmarks", "1 s", [&["fmt", "--check"], &bench[..]].concat()),
        (
            "the benchmarks' lock, too",
            "5 s",
            [&["metadata", "--locked", "--format-version=1", "--quiet"], &bench[..]].concat(),
        ),
        (
            "clippy for the benchmarks of what is ours",
            "20 s at first",
            // Without the peers: linting must not take minutes for what others wrote.
            [
                &["clippy", "--no-default-features", "--all-targets", "--locked"],
                &bench[..],
                &["--target-dir", "target/bench", "--", "-Dwarnings"],
            ]
            .concat(),
        ),
        ("formatting of the hosts", "1 s", [&["fmt", "--all", "--check"], &of_hosts[..]].concat()),
        (
            "the hosts' lock, too",
            "5 s",
            [&["metadata", "--locked", "--format-version=1", "--quiet"], &of_hosts[..]].concat(),
        ),
        (
            "clippy for the hosts",
            "2 min at first",
            [
                &["clippy", "--workspace", "--all-targets", "--locked"],
                &of_hosts[..],
                &["--target-dir", hosts::TARGET, "--", "-Dwarnings"],
            ]
            .concat(),
        ),
        (
            "formatting of the guard for wasi:http",
            "1 s",
            [&["fmt", "--all", "--check"], &of_guard[..]].concat(),
        ),
        (
            "its lock, too",
            "5 s",
            [&["metadata", "--locked", "--format-version=1", "--quiet"], &of_guard[..]].concat(),
        ),
        (
            "clippy for the guard for wasi:http",
            "30 s at first",
            [
                &["clippy", "--workspace", "--all-targets", "--locked"],
                &of_guard[..],
                &["--target-dir", guarded::NATIVE, "--", "-Dwarnings"],
            ]
            .concat(),
        ),
        (
            "clippy",
            "2 min at first",
            // Features, too: the faults that tests plant are code like any other.
            vec![
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--locked",
                "--",
                "-Dwarnings",
            ],
        ),
    ];
    let progress = Progress::of(lints.len() + 1);
    let mut failed = Vec::new();
    for (what, usually, arguments) in lints {
        let passed = progress.step(what, usually, || {
            let mut cargo = workspace.cargo();
            cargo.args(&arguments);
            if arguments.contains(&"metadata") {
                cargo.stdout(std::process::Stdio::null());
            }
            Ok(cargo.status()?.success())
        })?;
        if !passed {
            failed.push(what);
        }
    }
    let what = "the reference is what wit/ says";
    if let Err(error) = progress.step(what, "1 s", || wit::check(workspace)) {
        println!("{error:#}");
        failed.push(what);
    }
    if !failed.is_empty() {
        bail!("not clean: {}", failed.join(", "));
    }
    println!("lints: all clean");
    Ok(())
}

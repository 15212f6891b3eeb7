//! Other people's source, from the package registries and from what is on every developer's machine.

use std::{
    env, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};
use walkdir::WalkDir;

use crate::{step::run_logged, workspace::Workspace};

/// Where files come from.
pub(super) enum Source {
    /// A package file of Debian's.
    Debian { name: String, file: PathBuf },
    /// A package file of npm's.
    Npm { name: String, file: PathBuf },
    /// A folder of source that other tools have brought.
    Folder { name: String, path: PathBuf },
}

/// What takes a file's name and bytes.
type Take<'t> = dyn FnMut(String, Vec<u8>) -> Result<()> + Send + 't;

/// All sources, brought here if they can be, and the names of those that cannot.
pub(super) fn all(workspace: &Workspace) -> (Vec<Source>, Vec<String>) {
    let mut sources = Vec::new();
    let mut missing = Vec::new();
    let mut take = |name: String, source: Result<Source>| match source {
        Ok(source) => sources.push(source),
        Err(error) => {
            println!("without {name}: {error:#}");
            missing.push(name);
        }
    };
    for family in DEBIAN {
        take(format!("Debian's {family}"), debian(workspace, family));
    }
    for package in NPM {
        take(format!("npm's {package}"), npm(workspace, package));
    }
    // All registries that this machine uses, one folder each.
    let crates = cargo_home().join("registry/src");
    for (name, path) in [
        ("the crates in Cargo's registry folder", crates),
        ("Rust's standard library", std_source()),
    ] {
        let source = if path.is_dir() {
            Ok(Source::Folder { name: name.to_owned(), path })
        } else {
            Err(anyhow!("there is no {}", path.display()))
        };
        take(name.to_owned(), source);
    }
    // Only there after set-up, and mostly programs: it may be missing.
    let path = workspace.path("node_modules");
    if path.is_dir() {
        let name = "the npm packages of this workspace".to_owned();
        sources.push(Source::Folder { name, path });
    }
    (sources, missing)
}

/// The newest package that a package without a version depends on, downloaded unless it is there.
fn debian(workspace: &Workspace, family: &str) -> Result<Source> {
    let answer = Command::new("apt-cache").args(["depends", family]).output()?;
    let answer = String::from_utf8(answer.stdout)?;
    let package = answer
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: "))
        .with_context(|| format!("apt knows no {family}; run `apt-get update`"))?;
    let folder = workspace.tools(format!("corpus/{package}"));
    if file_in(&folder, "deb").is_none() {
        println!("downloading {package} (some 150 MB at most) …");
        fs::create_dir_all(&folder)?;
        let mut apt = Command::new("apt-get");
        apt.args(["download", package]).current_dir(&folder);
        run_logged(workspace, "corpus-debian", &mut apt, "see that Debian's packages can be had")?;
    }
    let file = file_in(&folder, "deb").context("apt-get downloaded no package")?;
    let version = file.file_stem().map(|stem| stem.to_string_lossy().replace("%3a", ":"));
    Ok(Source::Debian { name: format!("Debian's {}", version.unwrap_or_default()), file })
}

fn npm(workspace: &Workspace, package: &str) -> Result<Source> {
    let folder = workspace.tools(format!("corpus/{}", package.replace('/', "+")));
    if file_in(&folder, "tgz").is_none() {
        println!("downloading {package} …");
        fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        npm.args(["pack", "--ignore-scripts", package]).current_dir(&folder);
        run_logged(workspace, "corpus-npm", &mut npm, "see that npm's packages can be had")?;
    }
    let file = file_in(&folder, "tgz").context("npm packed nothing")?;
    Ok(Source::Npm { name: format!("npm's {package}"), file })
}

fn cargo_home() -> PathBuf {
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from)
}

/// Where rustup's component rust-src lies or, without it, Debian's rust-web-src.
fn std_source() -> PathBuf {
    let rustc = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = rustc.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let rustups = PathBuf::from(sysroot.unwrap_or_default().trim()).join("lib/rustlib/src");
    let debians = || {
        let versions = fs::read_dir("/usr/src").ok()?.flatten().map(|entry| entry.path());
        versions.map(|version| version.join("library")).find(|path| path.join("std").is_dir())
    };
    if rustups.is_dir() { rustups } else { debians().unwrap_or(rustups) }
}

fn file_in(folder: &Path, extension: &str) -> Option<PathBuf> {
    let mut files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    files.find(|path| path.extension().is_some_and(|is| is == extension))
}

impl Source {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Debian { name, .. } | Self::Npm { name, .. } | Self::Folder { name, .. } => {
                name.clone()
            }
        }
    }

    /// Reads all files in an order that stays the same.
    pub(super) fn read(&self, take: &mut Take<'_>) -> Result<()> {
        match self {
            Self::Debian { file, .. } => {
                let mut command = Command::new("dpkg-deb");
                command.arg("--fsys-tarfile").arg(file).stdout(Stdio::piped());
                let mut child = command.spawn().context("cannot start dpkg-deb")?;
                archive(child.stdout.take().context("no output of dpkg-deb")?, take)?;
                succeeded(child)
            }
            Self::Npm { file, .. } => {
                archive(flate2::read::GzDecoder::new(fs::File::open(file)?), take)
            }
            Self::Folder { path, .. } => folder(path, take),
        }
    }
}

fn folder(path: &Path, take: &mut Take<'_>) -> Result<()> {
    for entry in WalkDir::new(path).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(path)?;
            take(name.display().to_string(), fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Reads the files of a tar archive, and those of archives in it.
fn archive(from: impl Read, take: &mut Take<'_>) -> Result<()> {
    let mut archive = tar::Archive::new(from);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.display().to_string();
        if name.ends_with(".tar.xz") {
            unpacked(&mut entry, take).with_context(|| name)?;
        } else if entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            take(name, bytes)?;
        }
    }
    // Whoever writes it must not find that nobody reads its end.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(())
}

fn unpacked(packed: &mut impl Read, take: &mut Take<'_>) -> Result<()> {
    let mut command = Command::new("xz");
    command.args(["--decompress", "--stdout"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start xz")?;
    let mut input = child.stdin.take().context("no input of xz")?;
    let output = child.stdout.take().context("no output of xz")?;
    thread::scope(|scope| {
        let reader = scope.spawn(move || archive(output, take));
        io::copy(packed, &mut input)?;
        drop(input);
        reader.join().unwrap_or_else(|_| bail!("reading the archive panicked"))
    })?;
    succeeded(child)
}

fn succeeded(mut child: std::process::Child) -> Result<()> {
    let status = child.wait()?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

/// Packages that depend on the one with the current version of a source: C, and Go with its long names of tests.
const DEBIAN: [&str; 2] = ["linux-source", "golang-src"];
/// JavaScript, much of it minified and with source maps, which hold base64.
const NPM: [&str; 5] = [
    "typescript@5.9.3",
    "monaco-editor@0.55.1",
    "plotly.js-dist-min@3.3.0",
    "@babel/standalone@7.28.5",
    "pdfjs-dist@5.4.296",
];

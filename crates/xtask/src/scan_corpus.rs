//! The scanner against other people's source: it must find nothing there, and everything that is planted.
//!
//! Anybody can repeat it: the source comes from the package registries by their ordinary clients, and from what
//! cargo, rustup and npm have brought already. Every zero has a positive control in the same run.

mod plant;
mod source;

use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use wardkey::Scanner;

use crate::workspace::Workspace;
use plant::{KINDS, Kind, Planted, Seeded};
use source::Source;

/// What to scan and what to keep of it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fail if there is less source than this, in 10⁹ bytes.
    #[arg(long, default_value_t = 1.0)]
    least_gb: f64,
    /// What the planted keys and their places are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write what was measured into this file, as JSON.
    #[arg(long)]
    record: Option<PathBuf>,
}

/// Scans, prints what was scanned, and fails on a finding or a planted key that was not found.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        return optimised(workspace, options);
    }
    let report = measure(workspace, options)?;
    let text = serde_json::to_string_pretty(&report.as_json())?;
    if let Some(path) = &options.record {
        fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
    }
    report.print();
    report.judge(options)
}

/// The same command, compiled so that it takes a minute and not an hour.
fn optimised(workspace: &Workspace, options: &Options) -> Result<()> {
    println!("compiling the scanner with optimisations …");
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet", "--release", "--package", "xtask", "--", "scan-corpus"]);
    cargo.args(["--least-gb", &options.least_gb.to_string(), "--seed", &options.seed.to_string()]);
    if let Some(path) = &options.record {
        cargo.arg("--record").arg(std::path::absolute(path)?);
    }
    if !cargo.status()?.success() {
        bail!("the scan of the corpus failed");
    }
    Ok(())
}

/// What was scanned and found.
#[derive(Default)]
pub(crate) struct Report {
    seed: u64,
    sources: Vec<Tally>,
    planted: [Control; KINDS.len()],
    /// Time that scanning took, over all threads, plain and deep.
    plain: Duration,
    deep: Duration,
}

/// One source's sum.
#[derive(Default)]
struct Tally {
    name: String,
    files: u64,
    bytes: u64,
    findings: Vec<String>,
}

/// Keys of one kind that were planted, and how many were found.
#[derive(Clone, Copy, Default)]
struct Control {
    planted: u64,
    found: u64,
}

/// Brings the sources, scans all their files and plants keys in copies of some.
pub(crate) fn measure(workspace: &Workspace, options: &Options) -> Result<Report> {
    let sources = source::all(workspace)?;
    let tallies = sources.iter().map(|source| Tally { name: source.name(), ..Tally::default() });
    let report = Report { seed: options.seed, sources: tallies.collect(), ..Report::default() };
    let report = Mutex::new(report);
    let (sender, files) = sync_channel(64);
    let files = Mutex::new(files);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| scan_all(&files, &report, options.seed));
        }
        read_all(&sources, |file| Ok(sender.send(file)?), &report)?;
        drop(sender);
        anyhow::Ok(())
    })?;
    Ok(report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// A file of a source.
struct File {
    source: usize,
    /// Its number among all files, in an order that does not change.
    number: u64,
    name: String,
    bytes: Vec<u8>,
}

fn read_all(
    sources: &[Source],
    mut send: impl FnMut(File) -> Result<()> + Send,
    report: &Mutex<Report>,
) -> Result<()> {
    let (mut number, mut bytes_read, mut told) = (0, 0_u64, Instant::now());
    for (place, source) in sources.iter().enumerate() {
        println!("reading {} …", source.name());
        source
            .read(&mut |name, bytes| {
                number += 1;
                bytes_read += bytes.len() as u64;
                if told.elapsed() > Duration::from_secs(5) {
                    told = Instant::now();
                    let findings = lock(report).findings();
                    println!("  … {} files, {} MB, {findings} findings", number, bytes_read / MB);
                }
                send(File { source: place, number, name, bytes })
            })
            .with_context(|| source.name())?;
    }
    Ok(())
}

fn scan_all(files: &Mutex<Receiver<File>>, report: &Mutex<Report>, seed: u64) {
    loop {
        let next = lock(files).recv();
        let Ok(mut file) = next else { return };
        let (plain, deep) = (Scanner::default(), Scanner::default().deep());
        let start = Instant::now();
        let mut findings: Vec<_> = plain.scan(&file.bytes).collect();
        let plain_took = start.elapsed();
        let start = Instant::now();
        findings.extend(deep.scan(&file.bytes).filter(|finding| finding.is_base64()));
        let deep_took = start.elapsed();
        let planted = if file.number.is_multiple_of(SAMPLE) && findings.is_empty() {
            let mut random = Seeded::new(seed, file.number);
            Some(plant::one(&mut file.bytes, &mut random))
        } else {
            None
        };
        let found = planted.as_ref().map(|planted| is_found(&file, planted));

        let mut report = lock(report);
        report.plain += plain_took;
        report.deep += deep_took;
        let planted_len = planted.as_ref().map_or(0, |planted| planted.range.len());
        if let Some(tally) = report.sources.get_mut(file.source) {
            tally.files += 1;
            tally.bytes += (file.bytes.len() - planted_len) as u64;
            for finding in &findings {
                tally.findings.push(describe(&file, finding));
            }
        }
        if let (Some(planted), Some(found)) = (planted, found) {
            if !found {
                println!(
                    "  NOT FOUND: {:?} at {} of {}",
                    planted.kind, planted.range.start, file.name
                );
            }
            if let Some(control) = report.planted.get_mut(planted.kind as usize) {
                control.planted += 1;
                control.found += u64::from(found);
            }
        }
    }
}

/// Whether exactly what was planted is found: a whole key to the byte, a damaged one at least.
fn is_found(file: &File, planted: &Planted) -> bool {
    let scanner =
        if planted.kind == Kind::Base64 { Scanner::default().deep() } else { Scanner::default() };
    let findings: Vec<_> = scanner.scan(&file.bytes).collect();
    let [finding] = findings.as_slice() else { return false };
    let (found, there) = (finding.range(), &planted.range);
    match planted.kind {
        Kind::Key => found == *there && finding.kind() == planted.finding,
        // Padding holds nothing of it.
        Kind::Base64 => {
            found.start == there.start
                && found.end <= there.end
                && finding.kind() == planted.finding
        }
        // What follows it in the file may by chance be what was cut off, which makes it whole.
        Kind::CutShort => found.start == there.start && found.end >= there.end,
        Kind::Mistyped | Kind::Token => {
            found.start == there.start
                && found.end >= there.end
                && finding.kind() == planted.finding
        }
    }
}

fn describe(file: &File, finding: &wardkey::Finding) -> String {
    let before = file.bytes.get(..finding.range().start).unwrap_or_default();
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let text = file.bytes.get(finding.range()).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    format!("{}:{line}: {:?}: {:.120}", file.name, finding.kind(), text)
}

impl Report {
    fn files(&self) -> u64 {
        self.sources.iter().map(|tally| tally.files).sum()
    }

    fn bytes(&self) -> u64 {
        self.sources.iter().map(|tally| tally.bytes).sum()
    }

    fn findings(&self) -> usize {
        self.sources.iter().map(|tally| tally.findings.len()).sum()
    }

    fn mb_per_second(&self, took: Duration) -> f64 {
        (self.bytes() as f64 / took.as_secs_f64() / MB as f64).round()
    }

    /// What is worth keeping: the same for everybody but for versions and speed.
    pub(crate) fn as_json(&self) -> Value {
        let sources = self.sources.iter().map(|tally| {
            json!({
                "source": tally.name,
                "files": tally.files,
                "bytes": tally.bytes,
                "findings": tally.findings.len(),
            })
        });
        let planted = KINDS.iter().zip(&self.planted).map(|(kind, control)| {
            json!({ "kind": kind.as_str(), "planted": control.planted, "found": control.found })
        });
        json!({
            "seed": self.seed,
            "files": self.files(),
            "bytes": self.bytes(),
            "findings": self.findings(),
            "sources": sources.collect::<Vec<_>>(),
            "planted": planted.collect::<Vec<_>>(),
            "mb_per_second_per_core": {
                "scan": self.mb_per_second(self.plain),
                "deep": self.mb_per_second(self.deep),
            },
        })
    }

    fn print(&self) {
        println!("\n{:>10} {:>9} {:>9}  source", "bytes", "files", "findings");
        for tally in &self.sources {
            let Tally { name, files, bytes, findings } = tally;
            println!("{:>7} MB {files:>9} {:>9}  {name}", bytes / MB, findings.len());
            for finding in findings.iter().take(MOST_SHOWN) {
                println!("    {finding}");
            }
        }
        println!("{:>7} MB {:>9} {:>9}  all", self.bytes() / MB, self.files(), self.findings());
        for (kind, control) in KINDS.iter().zip(&self.planted) {
            println!("planted: {:>5} {}, found: {}", control.planted, kind.as_str(), control.found);
        }
        println!(
            "speed on one core: {} MB/s, deep {} MB/s",
            self.mb_per_second(self.plain),
            self.mb_per_second(self.deep)
        );
    }

    fn judge(&self, options: &Options) -> Result<()> {
        if self.findings() > 0 {
            bail!("{} findings in source that holds no key of ours", self.findings());
        }
        if self
            .planted
            .iter()
            .any(|control| control.planted == 0 || control.found < control.planted)
        {
            bail!("the positive control failed: a planted key was not found, or none was planted");
        }
        let bytes = self.bytes() as f64;
        if bytes < options.least_gb * 1e9 {
            bail!(
                "only {:.3} GB of source: less than the {} GB asked for",
                bytes / 1e9,
                options.least_gb
            );
        }
        println!("nothing found that is not ours, everything found that is");
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

const MB: u64 = 1_000_000;
/// One file in so many gets a key planted.
const SAMPLE: u64 = 10;
/// Findings of one source that are shown.
const MOST_SHOWN: usize = 40;

//! The scanner against other people's source: it must find nothing there, and everything that is planted.
//!
//! Anybody can repeat it: the source comes from the package registries by their ordinary clients, and from what
//! cargo, rustup and npm have brought already. Every zero has a positive control in the same run.

mod plant;
mod report;
mod source;
mod threads;

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use wardkey::Scanner;

use self::{
    plant::{Kind, Planted, Seeded},
    report::{EVERYDAY, Report, Tally},
    source::Source,
};
use crate::workspace::Workspace;

/// What to scan and what to keep of it.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fail if there is less text than this, in 10⁹ bytes (0 to 1000; 1.5 is taken, too).
    #[arg(long, default_value_t = 1.0, value_parser = gigabytes)]
    least_gb: f64,
    /// What the planted keys and their places are drawn from (0 to 18446744073709551615).
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write what was measured into this file, as JSON.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Do without a source that cannot be had here: Debian's, npm's, Cargo's crates or Rust's standard library.
    #[arg(long)]
    allow_missing: bool,
}

fn gigabytes(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1_000.0).contains(number));
    number.ok_or_else(|| "it is from 0 to 1000".into())
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
    if options.allow_missing {
        cargo.arg("--allow-missing");
    }
    if !cargo.status()?.success() {
        bail!("the scan of the corpus failed");
    }
    Ok(())
}

/// Brings the sources, scans all their files and plants keys in copies of some.
fn measure(workspace: &Workspace, options: &Options) -> Result<Report> {
    let (sources, missing) = source::all(workspace);
    ensure!(
        missing.is_empty() || options.allow_missing,
        "not here: {}; a scan of less says less, which --allow-missing does",
        missing.join(", ")
    );
    let tallies = sources.iter().map(|source| Tally { name: source.name(), ..Tally::default() });
    let report = Report { seed: options.seed, sources: tallies.collect(), ..Report::default() };
    let report = Mutex::new(report);
    let everyday: Vec<_> = EVERYDAY.chunks(1).map(Scanner::new).collect::<Result<_, _>>()?;
    for (brand, scanner) in EVERYDAY.iter().zip(&everyday) {
        // The control of a count that is 0 in most source.
        let name = format!("fn {brand}_live_{LONG_NAME}() {{}}");
        ensure!(scanner.finds_any(name.as_bytes()), "what costs a brand {brand} is not seen");
    }
    threads::over(
        |send| read_all(&sources, send, &report),
        |file: File| {
            let name = file.name.clone();
            threads::caught(|| scan(file, &everyday, &report, options.seed))
                .with_context(|| format!("the scanner panicked over {name}"))
        },
    )?;
    Ok(report.into_inner().unwrap_or_else(PoisonError::into_inner))
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
    send: &(dyn Fn(File) -> Result<()> + Sync),
    report: &Mutex<Report>,
) -> Result<()> {
    let (mut number, mut bytes_read, mut told) = (0, 0_u64, Instant::now());
    for (place, source) in sources.iter().enumerate() {
        println!("reading {} …", source.name());
        source
            .read(&mut |name, bytes| {
                if !is_text(&bytes) {
                    if let Some(tally) = lock(report).sources.get_mut(place) {
                        tally.binaries += 1;
                    }
                    return Ok(());
                }
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

/// Text, as far as git and grep would say.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().take(LOOKED_AT).any(|byte| *byte == 0)
}

fn scan(mut file: File, everyday: &[Scanner<'_>], report: &Mutex<Report>, seed: u64) {
    let (plain, deep) = (Scanner::default(), Scanner::default().deep());
    let start = Instant::now();
    let mut findings: Vec<_> = plain.scan(&file.bytes).collect();
    let plain_took = start.elapsed();
    let start = Instant::now();
    findings.extend(deep.scan(&file.bytes).filter(|finding| finding.is_base64()));
    let deep_took = start.elapsed();
    // Only what no scanner without the brand finds.
    let branded: Vec<Vec<String>> = everyday
        .iter()
        .map(|scanner| {
            let all = scanner.scan(&file.bytes);
            let own = all.filter(|one| findings.iter().all(|other| other.range() != one.range()));
            own.map(|finding| describe(&file, &finding)).collect()
        })
        .collect();
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
    for (all, own) in report.everyday.iter_mut().zip(branded) {
        all.extend(own);
    }
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
            println!("  NOT FOUND: {:?} at {} of {}", planted.kind, planted.range.start, file.name);
        }
        if let Some(control) = report.planted.get_mut(planted.kind as usize) {
            control.planted += 1;
            control.found += u64::from(found);
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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const MB: u64 = 1_000_000;
/// One file in so many gets a key planted.
const SAMPLE: u64 = 10;
/// As long as what is taken for a key that was cut short.
const LONG_NAME: &str = "sessions_are_counted_by_device_and_place";
/// Bytes of a file that say whether it is text.
const LOOKED_AT: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_among_the_first_bytes_is_no_text() {
        assert!(is_text(b"fn main() {}"));
        assert!(is_text("Schlüssel".as_bytes()));
        assert!(!is_text(b"\x7fELF\0"));
        let mut late = vec![b'a'; LOOKED_AT];
        late.push(0);
        assert!(is_text(&late));
        late[LOOKED_AT - 1] = 0;
        assert!(!is_text(&late));
    }

    #[test]
    fn an_everyday_brand_is_told_by_its_name() {
        let bytes = format!("fn user_live_{LONG_NAME}() {{}}").into_bytes();
        let file = File { source: 0, number: 1, name: "a.rs".into(), bytes };
        let report = Mutex::new(Report { sources: vec![Tally::default()], ..Report::default() });
        let everyday =
            [Scanner::new(&EVERYDAY[..1]).unwrap(), Scanner::new(&EVERYDAY[1..2]).unwrap()];
        scan(file, &everyday, &report, 1);
        let report = report.into_inner().unwrap();
        assert_eq!(report.everyday.map(|findings| findings.len()), [1, 0, 0, 0]);
        assert_eq!(report.sources[0].findings.len(), 0);
    }
}

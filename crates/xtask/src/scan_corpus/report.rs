//! What was scanned and found, printed, kept and judged.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{MB, Options, plant::KINDS};

/// What was scanned and found.
#[derive(Default)]
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) sources: Vec<Tally>,
    /// What a scanner finds besides that knows one of these brands: no key of anybody's.
    pub(super) everyday: [Vec<String>; EVERYDAY_BRANDS],
    pub(super) planted: [Control; KINDS.len()],
    /// Time that scanning took, over all threads, plain and deep.
    pub(super) plain: Duration,
    pub(super) deep: Duration,
}

/// One source's sum.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) name: String,
    /// Text files, and their bytes.
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// Files that are no text, which are not scanned.
    pub(super) binaries: u64,
    pub(super) findings: Vec<String>,
}

/// Keys of one kind that were planted, and how many were found.
#[derive(Clone, Copy, Default)]
pub(super) struct Control {
    pub(super) planted: u64,
    pub(super) found: u64,
}

impl Report {
    fn files(&self) -> u64 {
        self.sources.iter().map(|tally| tally.files).sum()
    }

    fn binaries(&self) -> u64 {
        self.sources.iter().map(|tally| tally.binaries).sum()
    }

    fn bytes(&self) -> u64 {
        self.sources.iter().map(|tally| tally.bytes).sum()
    }

    pub(super) fn findings(&self) -> usize {
        self.sources.iter().map(|tally| tally.findings.len()).sum()
    }

    fn mb_per_second(&self, took: Duration) -> f64 {
        (self.bytes() as f64 / took.as_secs_f64() / MB as f64).round()
    }

    /// What is worth keeping: the same for everybody but for versions and speed.
    pub(super) fn as_json(&self) -> Value {
        let sources = self.sources.iter().map(|tally| {
            json!({
                "source": tally.name,
                "files": tally.files,
                "bytes": tally.bytes,
                "binaries_left_out": tally.binaries,
                "findings": tally.findings.len(),
            })
        });
        let planted = KINDS.iter().zip(&self.planted).map(|(kind, control)| {
            json!({ "kind": kind.as_str(), "planted": control.planted, "found": control.found })
        });
        let everyday = EVERYDAY
            .iter()
            .zip(&self.everyday)
            .map(|(brand, findings)| ((*brand).to_owned(), findings.len().into()));
        json!({
            "seed": self.seed,
            "files": self.files(),
            "bytes": self.bytes(),
            "findings": self.findings(),
            "sources": sources.collect::<Vec<_>>(),
            "findings_of_everyday_brands": Value::Object(everyday.collect()),
            "planted": planted.collect::<Vec<_>>(),
            "mb_per_second_per_core": {
                "scan": self.mb_per_second(self.plain),
                "deep": self.mb_per_second(self.deep),
            },
        })
    }

    pub(super) fn print(&self) {
        println!("\n{:>10} {:>9} {:>9} {:>9}  source", "text", "files", "binaries", "findings");
        for tally in &self.sources {
            let Tally { name, files, bytes, binaries, findings } = tally;
            let found = findings.len();
            println!("{:>7} MB {files:>9} {binaries:>9} {found:>9}  {name}", bytes / MB);
            for finding in findings.iter().take(MOST_SHOWN) {
                println!("    {finding}");
            }
        }
        let (files, binaries, findings) = (self.files(), self.binaries(), self.findings());
        println!("{:>7} MB {files:>9} {binaries:>9} {findings:>9}  all", self.bytes() / MB);
        for (brand, findings) in EVERYDAY.iter().zip(&self.everyday) {
            println!("were `{brand}` a brand, findings: {}", findings.len());
            for finding in findings.iter().take(FEW_SHOWN) {
                println!("    {finding}");
            }
        }
        for (kind, control) in KINDS.iter().zip(&self.planted) {
            println!("planted: {:>5} {}, found: {}", control.planted, kind.as_str(), control.found);
        }
        println!(
            "speed on one core: {} MB/s, deep {} MB/s",
            self.mb_per_second(self.plain),
            self.mb_per_second(self.deep)
        );
    }

    pub(super) fn judge(&self, options: &Options) -> Result<()> {
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
        let empty = self.sources.iter().find(|tally| tally.files == 0);
        if let (Some(empty), false) = (empty, options.allow_missing) {
            bail!("{} holds no text at all", empty.name);
        }
        let bytes = self.bytes() as f64;
        if bytes < options.least_gb * 1e9 {
            bail!(
                "only {:.3} GB of text: less than the {} GB asked for",
                bytes / 1e9,
                options.least_gb
            );
        }
        println!("nothing found that is not ours, everything found that is");
        Ok(())
    }
}

/// Words that somebody might take for a brand, and that stand before `_live_` or `_test_` in other people's source, too.
pub(super) static EVERYDAY: [&str; EVERYDAY_BRANDS] = ["user", "app", "api", "data"];
const EVERYDAY_BRANDS: usize = 4;
/// Findings of one source that are shown.
const MOST_SHOWN: usize = 40;
/// Findings of an everyday brand that are shown.
const FEW_SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan_corpus::plant;

    fn report(files: u64) -> Report {
        let control = Control { planted: 1, found: 1 };
        let tally = Tally { name: "a".into(), files, bytes: 2_000_000_000, ..Tally::default() };
        let planted = [control; plant::KINDS.len()];
        Report { sources: vec![tally], planted, ..Report::default() }
    }

    fn options(allow_missing: bool) -> Options {
        Options { least_gb: 1.0, seed: 1, record: None, allow_missing }
    }

    #[test]
    fn findings_and_empty_sources_fail_and_everyday_brands_are_only_told() {
        assert!(report(1).judge(&options(false)).is_ok());
        assert!(report(0).judge(&options(false)).is_err());
        assert!(report(0).judge(&options(true)).is_ok());
        let mut everyday = report(1);
        everyday.everyday[0].push("a".into());
        assert!(everyday.judge(&options(false)).is_ok());
        assert_eq!(everyday.as_json()["findings_of_everyday_brands"]["user"], 1);
        let mut finding = report(1);
        finding.sources[0].findings.push("a".into());
        assert!(finding.judge(&options(false)).is_err());
    }
}

//! Where and on what a record was made.

use std::{
    fs,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// The commit that is checked out, and what lies there beside it.
#[derive(PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) name: String,
    pub(crate) changed: bool,
    pub(crate) changes: String,
}

/// Asks git. A record that is not committed yet is no change.
pub(crate) fn commit(workspace: &Workspace) -> Result<Commit> {
    let git = |arguments: &[&str]| -> Result<String> {
        let output =
            workspace.command("git").args(arguments).output().context("cannot start git")?;
        if !output.status.success() {
            bail!(
                "git {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    };
    let name = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&[
        "status",
        "--porcelain",
        "--",
        ".",
        ":!*RECORD.md",
        ":!*RECORD.json",
        ":!*MUTANTS.md",
    ])?;
    Ok(Commit { name, changed: !changes.is_empty(), changes })
}

/// Processor, cores and system, as far as they say.
pub(crate) fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']).trim());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{model}, {cores} cores, {os} {architecture}, {}", rustc())
}

/// The compiler's own words about its version.
pub(crate) fn rustc() -> String {
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    rustc.as_deref().unwrap_or("rustc unknown").trim().to_owned()
}

/// How many programs wanted to run in the last minute, on average.
pub(crate) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown").to_owned()
}

/// The day in UTC, as YYYY-MM-DD.
pub(crate) fn today() -> Result<String> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(date_of(seconds / 86_400))
}

/// The date of a day counted from 1970-01-01 (Howard Hinnant's civil_from_days).
fn date_of(days: u64) -> String {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_date() {
        for (days, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_781, "2026-11-24"),
        ] {
            assert_eq!(date_of(days), date);
        }
    }
}

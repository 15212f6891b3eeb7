//! Writes mutants of the `mutants` suite with the core's decisions, for another implementation to decide:
//! `trials-sample --scale smoke|test|deep --count N --seed N --out FILE`. `tests/python/wardkey_format/mutants.py` reads them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is its job")]

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;

use wardkey_trials::Scale;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut scale, mut count, mut seed, mut out) = (None, None, None, None);
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--scale" => scale = Scale::named(value),
            [name, value] if name == "--count" => count = value.parse::<u64>().ok(),
            [name, value] if name == "--seed" => seed = value.parse::<u64>().ok(),
            [name, value] if name == "--out" => out = Some(value),
            _ => (scale, count, seed, out) = (None, None, None, None),
        }
    }
    let (Some(scale), Some(count), Some(seed), Some(out)) = (scale, count, seed, out) else {
        eprintln!("usage: trials-sample --scale smoke|test|deep --count N --seed N --out FILE");
        return ExitCode::from(2);
    };
    match write(scale, count, seed, out) {
        Ok(written) => {
            println!("{written} mutants of seed {seed}, with the core's decisions");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{out}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(scale: Scale, count: u64, seed: u64, out: &str) -> io::Result<u64> {
    let (setting, mutants) = wardkey_trials::mutants::sample(scale, seed, count)
        .ok_or_else(|| io::Error::other("there is no pool of keys"))?;
    let mut file = BufWriter::new(File::create(out)?);
    writeln!(file, "{setting}")?;
    let mut written = 0;
    for mutant in mutants {
        writeln!(file, "{mutant}")?;
        written += 1;
    }
    file.flush()?;
    Ok(written)
}

//! Writes the vectors of FORMAT.md, or compares those in a folder with what it would write:
//! `trials-vectors write|check FOLDER`.
//!
//! Every byte is made by hand here, with none of the core's own writers, and every case declares what
//! must come out. Nothing is written unless the core says the same.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is its job")]

mod adopt;
mod file;
mod head;
mod head_bytes;
mod http;
mod key;
mod key_bytes;
mod key_set;
mod key_set_bytes;
mod mint_narrow;
mod scan;
mod spelling;
mod state;
mod verify;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (folder, check) = match arguments.as_slice() {
        ["write", folder] => (Path::new(folder), false),
        ["check", folder] => (Path::new(folder), true),
        _ => {
            eprintln!("usage: trials-vectors write|check FOLDER");
            return ExitCode::from(2);
        }
    };
    let files = [
        key::file(),
        mint_narrow::file(),
        key_set::file(),
        state::file(),
        head::file(),
        adopt::file(),
        verify::file(),
        http::file(),
        scan::file(),
    ];
    let mut complaints = Vec::new();
    for file in &files {
        complaints.extend(file.complaints());
    }
    if complaints.is_empty() {
        for file in &files {
            let done = if check { file.check(folder) } else { file.write(folder) };
            match done {
                Ok(told) => println!("{told}"),
                Err(complaint) => complaints.push(complaint),
            }
        }
    }
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

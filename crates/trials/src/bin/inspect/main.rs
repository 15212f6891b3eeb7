//! Looks into the release wasm: `trials-inspect no-panic FILE.wasm`, or `trials-inspect counted FILE.wasm OUT.wasm`
//! for the module that counts its instructions. What was found goes to standard output, the last line as JSON;
//! what is wrong goes to standard error.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is its job")]

mod calls;
mod counted;
mod names;
mod no_panic;
mod traps;

use std::process::ExitCode;

/// Whatever went wrong, in words.
type Fault = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let found = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["no-panic", file] => read(file).and_then(|wasm| no_panic::no_panic(&wasm)),
        ["counted", file, out] => read(file)
            .and_then(|wasm| Ok(std::fs::write(out, counted::counted(&wasm)?)?))
            .map(|()| out.to_string().into()),
        _ => {
            eprintln!("usage: trials-inspect no-panic FILE.wasm | counted FILE.wasm OUT.wasm");
            return ExitCode::from(2);
        }
    };
    match found {
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn read(file: &str) -> Result<Vec<u8>, Fault> {
    std::fs::read(file).map_err(|error| format!("{file}: {error}").into())
}

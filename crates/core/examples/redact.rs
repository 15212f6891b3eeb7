//! Passes a text on with every key and bootstrap token in it replaced, whatever surrounds it; further brands by name:
//! `cargo run -q -p wardkey --example redact -- acme < build.log`
#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

use std::io::{self, Read as _};

fn main() -> Result<(), String> {
    let brands: Vec<String> = std::env::args().skip(1).collect();
    let brands: Vec<&str> = brands.iter().map(String::as_str).collect();
    let scanner = wardkey::Scanner::new(&brands).map_err(|error| error.to_string())?.deep();
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    print!("{}", scanner.redact(&text));
    Ok(())
}

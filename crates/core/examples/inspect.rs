//! Tells what a key says of itself, unproven, without showing it:
//! `cargo run -q -p wardkey --example inspect < .wardkey/first.key`
#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

use std::io;

fn main() -> Result<(), String> {
    let mut key = String::new();
    io::stdin().read_line(&mut key).map_err(|error| error.to_string())?;
    let unproven = wardkey::inspect(key.trim()).map_err(|reason| {
        format!("what came in is no key ({}): give one on standard input", reason.as_str())
    })?;
    print!("{unproven}");
    Ok(())
}

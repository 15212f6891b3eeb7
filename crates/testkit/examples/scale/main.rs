//! What operations cost in tenants of more and more keys, for `cargo xtask scale`.
//!
//! `scale KEYS FOLDER`: works in a database in FOLDER, tells of its progress on stderr, and writes what it found to
//! stdout as JSON, and the list's state into FOLDER.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for a person at a terminal: printing is its job"
)]

mod lists;
mod operations;
mod tenant;

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use wardkey_registry::RegistryError;

use crate::tenant::Tenant;

/// At how many keys costs are taken, besides at the number that is asked for.
const SIZES: [u32; 2] = [1_000, 100_000];

/// Dead keys of the largest tenant: as many as design.md's figure is about.
const DEAD: usize = 1_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (keys, folder) = (arguments.next().and_then(|text| text.parse().ok()), arguments.next());
    let (Some(keys), Some(folder)) = (keys, folder) else {
        eprintln!("scale KEYS FOLDER");
        return ExitCode::FAILURE;
    };
    match run(keys, Path::new(&folder)) {
        Ok(found) => {
            println!("{found}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(keys: u32, folder: &Path) -> Result<serde_json::Value, RegistryError> {
    let mut tenant = Tenant::new(&folder.join("book.sqlite"))?;
    let mut operations = Vec::new();
    let sizes = SIZES.into_iter().filter(|size| *size < keys).chain([keys]);
    for size in sizes {
        eprintln!("a tenant of {size} keys …");
        tenant.grow_to(size)?;
        operations.extend(operations::costs(&tenant, size)?);
    }
    eprintln!("{DEAD} dead keys of {keys} …");
    let lists = lists::figures(&tenant, DEAD.min(keys as usize / 2), &folder.join("state"))?;
    Ok(json!({ "keys": keys, "lists": lists, "operations": operations }))
}

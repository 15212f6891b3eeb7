#![doc = include_str!("../README.md")]
#![expect(clippy::disallowed_methods, reason = "reading the clock is its job")]

mod accepts;
pub mod bare_mac;
pub mod claims;
mod fixture;
mod issuer;
mod list;
mod refusals;
pub mod rounds;

use anyhow::Result;

pub use fixture::told as fixture;
use rounds::{Found, Row};

/// Every row of what is ours, natively, and the unit.
///
/// # Errors
/// Where something that is measured does not do what it is measured for.
pub fn rows() -> Result<Vec<Row>> {
    let mut rows = bare_mac::rows()?;
    rows.extend(accepts::rows()?);
    rows.extend(refusals::rows()?);
    rows.extend(list::rows()?);
    Ok(rows)
}

/// What a list takes in memory.
pub fn memory() -> Vec<Found> {
    list::memory()
}

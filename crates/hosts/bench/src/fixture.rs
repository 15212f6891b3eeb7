//! What a verifier is given: the bytes and keys of every other row of the benchmarks.

use std::net::IpAddr;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Key set, list and keys.
#[derive(Clone)]
pub(crate) struct Fixture {
    pub(crate) key_set: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) state: Vec<u8>,
    pub(crate) scope: String,
    pub(crate) now: u64,
    pub(crate) caller: IpAddr,
    pub(crate) keys: Vec<String>,
    pub(crate) forged: Vec<String>,
}

impl Fixture {
    pub(crate) fn new() -> Result<Self> {
        let told = wardkey_bench::fixture()?;
        let at = |place: &str| told.pointer(place).context(place.to_owned());
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
        let bytes = |place: &str| anyhow::Ok(STANDARD.decode(text(at(place)?)?)?);
        let texts = |place: &str| -> Result<Vec<String>> {
            at(place)?.as_array().context("a list")?.iter().map(text).collect()
        };
        Ok(Self {
            key_set: bytes("/key_set")?,
            head: bytes("/head")?,
            state: bytes("/state")?,
            scope: text(at("/scope")?)?,
            now: at("/now")?.as_u64().context("a time")?,
            caller: text(at("/caller")?)?.parse()?,
            keys: texts("/keys/0")?,
            forged: texts("/refusals/forged/keys")?,
        })
    }

    /// The key of this number, round and round.
    pub(crate) fn key(keys: &[String], number: usize) -> &str {
        keys.get(number % keys.len()).map_or("", String::as_str)
    }
}

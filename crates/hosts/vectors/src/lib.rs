#![doc = include_str!("../README.md")]
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it is for tests, which fail by panicking"
)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// One case, its shared values put in.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// What must come out.
    pub expect: Value,
    /// What is done.
    pub case: Value,
}

/// The cases of a vector file.
///
/// # Panics
/// Where there is no such file, or it is none.
pub fn cases(file: &str) -> Vec<Case> {
    let text = fs::read_to_string(checkout().join(format!("tests/vectors/{file}.json")));
    let told: Value =
        serde_json::from_str(&text.expect("vectors are there")).expect("vectors are JSON");
    let cases = told["cases"].as_array().expect("cases");
    cases
        .iter()
        .map(|each| Case {
            name: text_of(&each["name"]).to_owned(),
            expect: whole(&each["expect"], &told["shared"]),
            case: whole(&each["case"], &told["shared"]),
        })
        .collect()
}

/// A wasm file that `cargo xtask` makes.
///
/// # Panics
/// Where it is not there: with the command that makes it.
pub fn artefact(file: &str, command: &str) -> Vec<u8> {
    let path = checkout().join("target").join(file);
    fs::read(&path)
        .unwrap_or_else(|error| panic!("target/{file}: {error}; `cargo xtask {command}` makes it"))
}

/// The bytes that a hexadecimal text stands for.
///
/// # Panics
/// For anything else.
pub fn bytes(hex: &Value) -> Vec<u8> {
    let digits = text_of(hex).as_bytes();
    let digit = |byte: u8| (byte as char).to_digit(16).expect("a hexadecimal digit") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// A text of a case.
///
/// # Panics
/// For anything else.
pub fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// The texts of a list.
///
/// # Panics
/// For anything else.
pub fn texts_of(value: &Value) -> Vec<String> {
    let list = value.as_array().unwrap_or_else(|| panic!("{value} is no list"));
    list.iter().map(|each| text_of(each).to_owned()).collect()
}

/// When a head was made, in Unix milliseconds (FORMAT.md, section 4.2).
///
/// # Panics
/// For what is too short for a head.
pub fn issued_at(head: &[u8]) -> u64 {
    u64::from_be_bytes(head[43..51].try_into().expect("eight bytes"))
}

/// The case that most others are like: allowed, one scope asked, no address bound.
///
/// # Panics
/// Where there is none.
pub fn usual() -> Value {
    let cases = cases("verify");
    let usual = cases.into_iter().find(|Case { expect, case, .. }| {
        expect["allow"]["zone"] == "fresh"
            && case["list"].is_object()
            && case["required"]["scopes"].as_array().is_some_and(|scopes| scopes.len() == 1)
            && case["caller"].is_null()
    });
    usual.expect("the usual case").case
}

fn whole(value: &Value, shared: &Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('@') {
            Some(name) => whole(&shared[name], shared),
            None => value.clone(),
        },
        Value::Array(list) => list.iter().map(|each| whole(each, shared)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, each)| (name.clone(), whole(each, shared))).collect()
        }
        _ => value.clone(),
    }
}

fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// KiB of this process that are in memory.
///
/// # Panics
/// Where there is no `/proc`.
pub fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

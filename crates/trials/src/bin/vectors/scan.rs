//! `scan.json`: keys and bootstrap tokens in texts, by the patterns (FORMAT.md section 6).

mod keys;
mod tokens;

use serde_json::{Value, json};

use crate::file::VectorFile;

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "scan.json",
        "Finding by the patterns: a key whose checksum fits, what is only like a key, a bootstrap token; `at` is in bytes of UTF-8.",
    );
    nothing(&mut file);
    keys::whole(&mut file);
    keys::glued(&mut file);
    keys::like(&mut file);
    keys::bounds(&mut file);
    keys::early_ends(&mut file);
    tokens::add(&mut file);
    file
}

/// What is found: its place, what it is, its text.
type Found<'t> = (usize, &'static str, &'t str);

const KEY: &str = "key";
const KEY_LIKE: &str = "key_like";
const TOKEN: &str = "bootstrap_token";

fn finds(text: &str, found: &[Found<'_>]) -> (Value, Value) {
    let found =
        found.iter().map(|(at, what, text)| json!({ "at": at, "what": what, "text": text }));
    (
        json!({ "ok": { "findings": found.collect::<Value>() } }),
        json!({ "do": "scan", "text": text }),
    )
}

/// The whole text is one thing.
fn is(what: &'static str, text: &str) -> (Value, Value) {
    finds(text, &[(0, what, text)])
}

fn nothing_in(text: &str) -> (Value, Value) {
    finds(text, &[])
}

fn add(file: &mut VectorFile, name: &str, (expect, case): (Value, Value)) {
    file.add("6", name, expect, case);
}

fn nothing(file: &mut VectorFile) {
    for (name, text) in [
        ("no text", String::new()),
        ("a word", "key".into()),
        ("a sentence", "the key begins with example_test_, and then nothing follows".into()),
        ("a prefix alone", "example_test_".into()),
        (
            "a name in somebody's source",
            "let wk_test_connection_of_the_billing_service = 1;".into(),
        ),
        ("600 digits", "A".repeat(600)),
        ("a key id", "key_0011223344556677".into()),
        ("a bootstrap token's prefix alone", "wkboot_".into()),
    ] {
        add(file, &format!("nothing: {name}"), nothing_in(&text));
    }
}

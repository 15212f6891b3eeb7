//! Runs the public verifier over secrets that valgrind has been told are undefined, so that it reports
//! every branch and every address that depends on them; and two leaky controls, which it must report.
//!
//! `cargo xtask constant-time` runs it under memcheck and judges the report: by the names of the
//! functions here, which is why none is inlined.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command: printing is its job")]

mod valgrind;

use std::hint::black_box;
use std::process::ExitCode;

use wardkey::{AuthenticHead, Catalog, HeadError, KeySet, SigningKey, UnverifiedHead};
use wardkey_trials::fixture::{self, Fixture, Verifier, bad_tag, word};

fn main() -> ExitCode {
    if !valgrind::is_watching() {
        eprintln!("this means something under valgrind only: cargo xtask constant-time");
        return ExitCode::from(2);
    }
    match run() {
        Some(true) => ExitCode::SUCCESS,
        Some(false) | None => {
            eprintln!("the fixture came out wrong, so that nothing was tried");
            ExitCode::FAILURE
        }
    }
}

/// Whether every key was judged as it should be; `None` when there is nothing to judge with.
fn run() -> Option<bool> {
    let clean = Fixture::new(1)?;
    let mut fixture = clean.clone();
    for place in secret_places()? {
        valgrind::taint(fixture.key_set.get_mut(place..=place)?);
    }
    let (key_set, catalog) = tainted_key_set(&fixture.key_set)?;
    let mut sound = true;
    for (place, name) in FORGED {
        let forged = clean.forged_head(place, 3);
        let word = tainted_head_word(&UnverifiedHead::parse(&forged).ok()?, &key_set);
        println!("{name} byte of the head's tag changed: {word}");
        sound &= word == HeadError::Tag.as_str();
    }
    let head = tainted_head(&fixture.head, &key_set)?;
    let list = fixture::list(&head, &fixture.state, &key_set)?;
    let required = fixture::required(&catalog)?;
    let verifier = Verifier { key_set, list, required };
    let mut said = |what: &str, right: &str, text: &str| {
        let word = tainted_verify(&verifier, text);
        println!("{what}: {word}");
        sound &= word == right;
    };
    for blocks in 0..=MAX_BLOCKS {
        let clean = clean.narrowed(blocks)?;
        said(&format!("good key, {blocks} blocks"), "allow", &clean.key);
        for (place, name) in FORGED {
            let forged = clean.forged(place, 3)?;
            said(&format!("{name} byte of its tag changed"), bad_tag(), &forged);
        }
    }

    let mut secret = [7; 32];
    valgrind::taint(&mut secret);
    let mut tag = tainted_tag(&secret);
    black_box(control_early_exit(&tag, &[0; 16]));
    black_box(control_table(&secret));
    valgrind::untaint(&mut tag);
    Some(sound)
}

/// Where a key set holds secrets: in those bytes that depend on the tenant's secret.
fn secret_places() -> Option<Vec<usize>> {
    let sets: Option<Vec<_>> = (1..=8).map(|secret| Some(Fixture::new(secret)?.key_set)).collect();
    let sets = sets?;
    let first = sets.first()?;
    let differs = |place: &usize| sets.iter().any(|set| set.get(*place) != first.get(*place));
    let places: Vec<usize> = (0..first.len()).filter(differs).collect();
    println!("{} secret bytes in a key set of {}", places.len(), first.len());
    // A list key and a signing key.
    (places.len() == 64).then_some(places)
}

#[inline(never)]
fn tainted_key_set(bytes: &[u8]) -> Option<(KeySet, Catalog<'_>)> {
    black_box(KeySet::parse(black_box(bytes)).ok())
}

#[inline(never)]
fn tainted_head<'b>(bytes: &'b [u8], key_set: &KeySet) -> Option<AuthenticHead<'b>> {
    black_box(fixture::head(black_box(bytes), key_set))
}

#[inline(never)]
fn tainted_head_word(head: &UnverifiedHead<'_>, key_set: &KeySet) -> &'static str {
    fixture::head_word(&black_box(black_box(head).authenticate(key_set)))
}

#[inline(never)]
fn tainted_verify(verifier: &Verifier, key: &str) -> &'static str {
    word(&black_box(verifier.decide(black_box(key))))
}

#[inline(never)]
fn tainted_tag(secret: &[u8; 32]) -> [u8; 16] {
    *black_box(SigningKey::new(black_box(secret)).tag(b"a message")).secret_bytes()
}

/// What a careless comparison does.
#[inline(never)]
fn control_early_exit(made: &[u8; 16], given: &[u8; 16]) -> bool {
    made.iter().zip(given).all(|(made, given)| black_box(*made) == *given)
}

/// What a careless table does.
#[inline(never)]
fn control_table(secret: &[u8; 32]) -> u8 {
    let table: [u8; 256] = black_box([1; 256]);
    secret.iter().fold(0, |sum, byte| sum ^ table.get(usize::from(*byte)).copied().unwrap_or(0))
}

/// Bytes of a tag that are changed.
const FORGED: [(usize, &str); 3] = [(0, "first"), (8, "middle"), (15, "last")];
/// Most blocks of a key.
const MAX_BLOCKS: u32 = 4;

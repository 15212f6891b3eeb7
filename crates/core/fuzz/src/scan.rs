//! The scanner: what it takes out of a text, and what it leaves.

use wardkey::{FindingKind, Piece, Scanner};

use crate::input::Input;
use crate::key_form::{Fields, KeyForm};
use crate::spelling;
use crate::world::{AUDIENCE, ISSUED, PREFIX, TENANT};

/// Scans a text of the fuzzer's, then the same with a whole key somewhere in it, plain or as base64.
/// Tells how the key was found.
///
/// # Panics
/// When findings overlap, when a text changes beside them, or when any of the key is left.
pub fn run(data: &[u8]) -> &'static str {
    let mut input = Input::new(data);
    let place = usize::from(input.u16());
    let shape = input.u8();
    let around = input.rest();
    for scanner in [Scanner::default(), Scanner::default().deep()] {
        cuts_cleanly(&scanner, around);
    }

    let key = key();
    let (front, back) = around.split_at(place.min(around.len()));
    // WHY: a character of base64 beside it would belong to it, and shift what it means.
    let front = front.trim_ascii_end();
    let written = if shape & 2 == 0 { key.clone() } else { format!(" {} ", base64(&key)) };
    let text = [front, written.as_bytes(), back].concat();
    let scanner = Scanner::default().deep();
    let pieces = cuts_cleanly(&scanner, &text);
    let left = text_of(&pieces);
    let whole = left.windows(key.len()).any(|window| window == key.as_bytes());
    assert!(!whole, "left in {:?}", String::from_utf8_lossy(&left));
    let found = pieces.iter().find_map(|piece| match piece {
        Piece::Credential(finding) => match finding.kind() {
            FindingKind::Key(id) if id.0 == KEY_ID => Some(finding),
            _ => None,
        },
        Piece::Text(_) => None,
    });
    match found {
        Some(finding) if finding.is_base64() => "base64",
        Some(_) => "key",
        // Something around it swallowed it: gone is gone.
        None => "swallowed",
    }
}

/// Findings ascend without touching each other, and what lies between them stays as it was.
fn cuts_cleanly<'t>(scanner: &Scanner<'_>, text: &'t [u8]) -> Vec<Piece<'t>> {
    let mut at = 0;
    for finding in scanner.scan(text) {
        let range = finding.range();
        assert!(at <= range.start && range.start < range.end && range.end <= text.len());
        at = range.end;
    }
    assert_eq!(scanner.finds_any(text), at > 0);
    let pieces: Vec<_> = scanner.pieces(text).collect();
    let kept: usize = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Credential(finding) => finding.range().len(),
        })
        .sum();
    assert_eq!(kept, text.len(), "every byte is text or finding");
    if let Ok(text) = str::from_utf8(text) {
        let shown = scanner.redact(text).to_string();
        let by_pieces: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Piece::Credential(finding) => finding.to_string(),
            })
            .collect();
        assert_eq!(shown, by_pieces);
    }
    pieces
}

/// What a redacted text still holds.
fn text_of(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut left = vec![];
    for piece in pieces {
        match piece {
            Piece::Text(text) => left.extend_from_slice(text),
            Piece::Credential(finding) => left.extend(finding.to_string().bytes()),
        }
    }
    left
}

/// A whole key, whose tag nobody checks here.
fn key() -> String {
    let key = KeyForm {
        tenant: TENANT,
        audience: AUDIENCE,
        epoch: 1,
        key_id: KEY_ID,
        index: 808,
        issued_at: ISSUED,
        expires_at: ISSUED + 7_200,
        subject: b"svc:fuzz".to_vec(),
        scopes: vec![1],
        constraints: Fields::new(),
        blocks: vec![],
        tag: [0x5a; 16],
        base_len: 0,
    };
    spelling::text(PREFIX, &key.write())
}

/// Base64 of a text, without padding.
fn base64(text: &str) -> String {
    let mut written = String::new();
    spelling::digits(text.as_bytes(), &mut written);
    written
}

const KEY_ID: [u8; 8] = [0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];

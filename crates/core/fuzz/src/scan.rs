//! The scanner: what it takes out of a text, and what it leaves.

use wardkey::{FindingKind, Piece, Scanner};

use crate::buried_key::{BuriedKey, NAMED};
use crate::input::Input;

/// Scans a text of the fuzzer's, then the same with a key somewhere in it. Tells how the key was found.
///
/// # Panics
/// When findings overlap, when a text changes beside them, or when any of the key's secret is left.
pub fn run(data: &[u8]) -> &'static str {
    let mut input = Input::new(data);
    let place = usize::from(input.u16());
    let shape = input.u8();
    let key = BuriedKey::draw(shape, &mut input);
    let around = input.rest();
    let scanner = Scanner::new(&NAMED).expect("a brand");
    for scanner in [scanner, scanner.deep()] {
        cuts_cleanly(&scanner, around);
    }

    let (front, back) = around.split_at(place.min(around.len()));
    let front = front.trim_ascii_end();
    let text = [front, key.written.as_bytes(), back].concat();
    let pieces = cuts_cleanly(&scanner.deep(), &text);
    let covered = front.len() + key.covered.start..front.len() + key.covered.end;
    let findings = pieces.iter().filter_map(|piece| match piece {
        Piece::Credential(finding) => Some(finding),
        Piece::Text(_) => None,
    });
    let over = findings.clone().find(|finding| {
        let range = finding.range();
        range.start <= covered.start && covered.end <= range.end
    });
    let Some(finding) = over else {
        // Something around it swallowed a part: gone is gone, unless the fuzzer had written it itself.
        let left = left_of(&text, findings.map(wardkey::Finding::range));
        assert!(
            !key.shows_in(&left) || key.shows_in(around),
            "left in {:?}",
            String::from_utf8_lossy(&left)
        );
        return "swallowed";
    };
    match finding.kind() {
        FindingKind::Key(id) if key.is_whole && id.0 == key.key_id => {
            if finding.is_base64() {
                "base64"
            } else {
                "key"
            }
        }
        _ if key.is_whole => "swallowed",
        _ if finding.is_base64() => "damaged_base64",
        _ => "damaged",
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

/// What a redacted text still holds; nothing of it is joined over what was taken out.
fn left_of(text: &[u8], findings: impl Iterator<Item = std::ops::Range<usize>>) -> Vec<u8> {
    let (mut left, mut at) = (vec![], 0);
    for range in findings {
        left.extend_from_slice(&text[at..range.start]);
        left.extend_from_slice(b"[redacted]");
        at = range.end;
    }
    left.extend_from_slice(&text[at..]);
    left
}

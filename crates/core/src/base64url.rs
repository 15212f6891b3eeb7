//! base64url without padding (RFC 4648 section 5), in its one spelling.
//!
//! Not by a crate, because those that were tried have panics that the compiler cannot rule out, and
//! this is the first code that any text from outside meets (`cargo xtask no-panic`).

/// How many bytes so many characters are; `None` where no bytes are written so.
pub(crate) const fn decoded_len(characters: usize) -> Option<usize> {
    match characters % 4 {
        1 => None,
        rest => Some(characters / 4 * 3 + rest * 3 / 4),
    }
}

/// Decodes into the front of `out`, and returns how many bytes that were. `None` for padding, foreign
/// characters, spare bits that are not zero, and what is longer than `out`; `out` then holds anything.
///
/// # Leaks
/// By its table, which characters the text has: the caller's own credential.
pub(crate) fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let len = decoded_len(text.len())?;
    // WHY: looked at once, at the end, because looking at each character costs more than the work.
    let mut seen = 0;
    let (groups, last) = text.as_chunks::<4>();
    let (triples, rest) = out.get_mut(..len)?.as_chunks_mut::<3>();
    for (triple, group) in triples.iter_mut().zip(groups) {
        let [a, b, c, d] = group.map(value);
        seen |= a | b | c | d;
        *triple = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    let spare = match (last, rest) {
        ([a, b], [first]) => {
            let [a, b] = [*a, *b].map(value);
            seen |= a | b;
            *first = a << 2 | b >> 4;
            b & 0b1111
        }
        ([a, b, c], [first, second]) => {
            let [a, b, c] = [*a, *b, *c].map(value);
            seen |= a | b | c;
            *first = a << 2 | b >> 4;
            *second = b << 4 | c >> 2;
            c & 0b11
        }
        _ => 0,
    };
    (seen & FOREIGN == 0 && spare == 0).then_some(len)
}

/// Encodes into the front of `out`, and returns how many characters that were; `None` when it is too
/// short.
pub(crate) fn encode(bytes: &[u8], out: &mut [u8]) -> Option<usize> {
    let (triples, last) = bytes.as_chunks::<3>();
    let (last, rest_len) = match *last {
        [] => ([0; 3], 0),
        [a] => ([a, 0, 0], 2),
        [a, b, ..] => ([a, b, 0], 3),
    };
    let len = triples.len() * 4 + rest_len;
    let (groups, rest) = out.get_mut(..len)?.as_chunks_mut::<4>();
    for (group, triple) in groups.iter_mut().zip(triples) {
        *group = characters(*triple);
    }
    rest.iter_mut().zip(characters(last)).for_each(|(slot, character)| *slot = character);
    Some(len)
}

fn characters([a, b, c]: [u8; 3]) -> [u8; 4] {
    [a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c]
        .map(|digit| ALPHABET.get(usize::from(digit & 63)).copied().unwrap_or_default())
}

/// The six bits of a digit.
pub(crate) const fn sextet(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

/// The six bits of a digit, or [`FOREIGN`], by a table.
fn value(character: u8) -> u8 {
    VALUES.get(usize::from(character)).copied().unwrap_or(FOREIGN)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A bit that no digit has.
const FOREIGN: u8 = 0x80;

static VALUES: [u8; 256] = {
    let mut values = [FOREIGN; 256];
    let mut character = 0;
    while character < 256 {
        if let Some(digit) = sextet(character as u8) {
            #[expect(clippy::indexing_slicing, reason = "evaluated when this is compiled")]
            {
                values[character] = digit;
            }
        }
        character += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::vec::Vec;

    fn decoded(text: &[u8]) -> Option<Vec<u8>> {
        let mut out = [0xff; 16];
        let len = decode(text, &mut out)?;
        Some(out[..len].to_vec())
    }

    #[test]
    fn it_decodes_what_another_implementation_decodes_and_nothing_else() {
        // Every end of up to three characters, behind nothing and behind whole groups.
        for front in [&b""[..], b"AAAA", b"Zm9vYmFy"] {
            for first in 0..=u8::MAX {
                for second in 0..=u8::MAX {
                    let pair = [first, second];
                    for end in
                        [&[][..], &[first], &pair, &[b'Q', first, second], &[first, second, b'A']]
                    {
                        let text = [front, end].concat();
                        assert_eq!(decoded(&text), URL_SAFE_NO_PAD.decode(&text).ok(), "{text:?}");
                    }
                    let text = [front, &[first, b'x', second, b'-']].concat();
                    assert_eq!(decoded(&text), URL_SAFE_NO_PAD.decode(&text).ok(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn it_encodes_what_another_implementation_encodes() {
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for start in 0..bytes.len() {
            for len in 0..=9.min(bytes.len() - start) {
                let bytes = &bytes[start..start + len];
                let mut out = [0; 12];
                let written = encode(bytes, &mut out).expect("it fits");
                assert_eq!(out[..written], *URL_SAFE_NO_PAD.encode(bytes).as_bytes());
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(decode(b"Zm9vYmFy", &mut [0; 5]), None);
        assert_eq!(decode(b"Zm9vYmFy", &mut [0; 6]), Some(6));
        assert_eq!(encode(b"foobar", &mut [0; 7]), None);
        assert_eq!(encode(b"foobar", &mut [0; 8]), Some(8));
    }
}

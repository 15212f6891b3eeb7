//! The text of a key from any bytes, as FORMAT.md sections 2.1 and 2.6 say it: for keys that no issuer would
//! write. Its own tables, so that it checks the core's. And how others read it.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Appends the four bytes of the checksum of a prefix and the payload so far.
pub(crate) fn push_checksum(prefix: &[u8], payload: &mut Vec<u8>) {
    payload.extend(checksum(prefix, payload).to_be_bytes());
}

/// The checksum of a prefix and what of the payload it is over: CRC-32 (ISO-HDLC).
pub(crate) fn checksum(prefix: &[u8], checked: &[u8]) -> u32 {
    !crc(crc(u32::MAX, prefix), checked)
}

/// Writes prefix and base64url(payload) over `text`.
pub(crate) fn write_text(prefix: &[u8], payload: &[u8], text: &mut Vec<u8>) {
    text.clear();
    text.extend_from_slice(prefix);
    let (groups, rest) = payload.as_chunks::<3>();
    for group in groups {
        text.extend(digits(*group));
    }
    match rest {
        [a] => text.extend(digits([*a, 0, 0]).iter().take(2)),
        [a, b] => text.extend(digits([*a, *b, 0]).iter().take(3)),
        _ => {}
    }
}

/// Where the prefix of a key's text ends: behind the second underscore.
pub(crate) fn prefix_len(text: &str) -> Option<usize> {
    text.match_indices('_').nth(1).map(|(place, _)| place + 1)
}

/// Hex of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A decoder that ignores spare bits and padding, as a verifier's must not.
pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The digits of base64url (RFC 4648 section 5), by value.
pub(crate) const ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn digits([a, b, c]: [u8; 3]) -> [u8; 4] {
    [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63]
        .map(|value| ALPHABET.get(usize::from(value)).copied().unwrap_or_default())
}

/// The register of the checksum, eight bytes at a time, on from what it was before.
fn crc(before: u32, bytes: &[u8]) -> u32 {
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &TABLES;
    let look = |table: &[u32; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
    let (groups, rest) = bytes.as_chunks::<8>();
    let mut crc = before;
    for [a, b, c, d, e, f, g, h] in groups {
        let [w, x, y, z] = crc.to_le_bytes();
        crc = look(t7, w ^ a)
            ^ look(t6, x ^ b)
            ^ look(t5, y ^ c)
            ^ look(t4, z ^ d)
            ^ look(t3, *e)
            ^ look(t2, *f)
            ^ look(t1, *g)
            ^ look(t0, *h);
    }
    for byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ look(t0, low ^ byte);
    }
    crc
}

/// By table n: what a byte does to the checksum, n zero bytes behind it.
static TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut table = 0;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::indexing_slicing, reason = "evaluated when this is compiled")]
            let mut crc = if table == 0 { byte as u32 } else { tables[table - 1][byte] };
            let mut bit = 0;
            while bit < 8 {
                crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
                bit += 1;
            }
            #[expect(clippy::indexing_slicing, reason = "evaluated when this is compiled")]
            {
                tables[table][byte] = crc;
            }
            byte += 1;
        }
        table += 1;
    }
    tables
};

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    #[test]
    fn the_checksum_is_crc_32_iso_hdlc() {
        for split in 0..=9 {
            let (prefix, payload) = b"123456789".split_at(split);
            let mut payload = payload.to_vec();
            push_checksum(prefix, &mut payload);
            assert_eq!(payload.last_chunk(), Some(&0xcbf4_3926_u32.to_be_bytes()));
        }
    }

    #[test]
    fn the_text_is_what_another_implementation_encodes() {
        let bytes: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_mul(83)).collect();
        for len in 0..bytes.len() {
            let mut text = vec![];
            write_text(b"x_", &bytes[..len], &mut text);
            assert_eq!(text, format!("x_{}", URL_SAFE_NO_PAD.encode(&bytes[..len])).as_bytes());
        }
    }
}

//! A key's text by arithmetic of its own, bit by bit, so that it checks the core's.

/// The text of a key over any bytes up to the checksum, which is made right.
pub(crate) fn text(prefix: &str, checked: &[u8]) -> String {
    let payload = [checked, &crc(prefix, checked)].concat();
    let mut text = String::from(prefix);
    digits(&payload, &mut text);
    text
}

/// Base64url without padding.
pub(crate) fn digits(bytes: &[u8], text: &mut String) {
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place)) & 63]));
        }
    }
}

/// Prefix and payload of a text, read leniently: what a decoder might take that knows no rule.
pub(crate) fn read(text: &str) -> Option<(&str, Vec<u8>)> {
    let second = text.match_indices('_').nth(1)?.0 + 1;
    let (prefix, encoded) = text.split_at(second);
    let mut payload = vec![];
    let (mut bits, mut count) = (0_usize, 0);
    for digit in encoded.bytes() {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            payload.push(u8::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    Some((prefix, payload))
}

/// What the digits in a text are written for, in either alphabet, whatever else stands between them: the bits of what
/// is no digit are zero.
pub(crate) fn bytes_of_digits(text: &[u8]) -> Vec<u8> {
    let mut bytes = vec![];
    for group in text.chunks(4) {
        let bits = group.iter().fold(0, |bits, digit| {
            let digit = match digit {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            };
            bits << 6 | ALPHABET.iter().position(|known| *known == digit).unwrap_or(0)
        });
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&u32::try_from(bits).expect("24 bits").to_be_bytes()[1..]);
    }
    bytes
}

fn crc(prefix: &str, checked: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in prefix.bytes().chain(checked.iter().copied()) {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    (!crc).to_be_bytes()
}

/// The digits of base64url (RFC 4648 section 5).
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_it_was_written() {
        for len in 0..20 {
            let checked = vec![0xa5; len];
            let text = text("wk_test_", &checked);
            let (prefix, payload) = read(&text).expect("a text");
            assert_eq!(prefix, "wk_test_");
            assert_eq!(payload, [checked.as_slice(), &crc(prefix, &checked)].concat());
        }
        assert_eq!(crc("1234", b"56789"), 0xcbf4_3926_u32.to_be_bytes());
    }
}

//! Test vectors that others wrote, for every primitive in use: HMAC-SHA-256, HKDF-SHA-256,
//! XChaCha20-Poly1305.

mod aead;
mod hkdf;
mod hmac;

pub(crate) use self::aead::{CASES as AEAD, wycheproof as wycheproof_aead};
pub(crate) use self::hkdf::{
    RFC_CASES as RFC5869, WYCHEPROOF_CASES as HKDF, rfc5869, wycheproof as wycheproof_hkdf,
};
pub(crate) use self::hmac::{
    RFC_CASES as RFC4231, WYCHEPROOF_CASES as HMAC, rfc4231, wycheproof as wycheproof_hmac,
};
use crate::tally::Tally;

/// Whether all vectors are there: one that went missing, or all of a file that cannot be read any more, would
/// be missed by nobody.
fn expect_all(vectors: usize, pinned: u64, tally: &mut Tally) {
    tally.expect(vectors as u64 == pinned, "all vectors there", || {
        format!("{vectors}, not {pinned}")
    });
}

/// Bytes from hex, as RFCs print them. Empty for what is no hex: then the vector fails.
fn hex(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|byte| char::from(byte).to_digit(16));
    let digits: Vec<u8> = digits.filter_map(|digit| u8::try_from(digit).ok()).collect();
    digits
        .chunks(2)
        .filter_map(|pair| match pair {
            [high, low] => Some(high << 4 | low),
            _ => None,
        })
        .collect()
}

/// The bytes with their last bit changed.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    if let Some(last) = flipped.last_mut() {
        *last ^= 1;
    }
    flipped
}

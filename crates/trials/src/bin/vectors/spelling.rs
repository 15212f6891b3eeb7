//! How FORMAT.md spells numbers, sets and tags, written by hand.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The bytes counted up from one of them: no secret, and plainly none.
pub(crate) fn counted(from: u8) -> [u8; 32] {
    let mut next = from;
    [(); 32].map(|()| {
        let byte = next;
        next = next.wrapping_add(1);
        byte
    })
}

/// HMAC-SHA-256, the first 16 bytes; under a key of any length.
pub(crate) fn tag(key: &[u8], message: &[u8]) -> [u8; 16] {
    let mut tag = [0; 16];
    if let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) {
        let whole = mac.chain_update(message).finalize().into_bytes();
        tag.iter_mut().zip(whole).for_each(|(slot, byte)| *slot = byte);
    }
    tag
}

/// A number in groups of 7 bits, most significant first, in so many groups: more than it needs make
/// it longer than the shortest.
pub(crate) fn var_in(groups: u32, value: u128) -> Vec<u8> {
    let group = |number: u32| {
        let bits = u8::try_from(value >> (7 * number) & 0x7f).unwrap_or_default();
        bits | if number == 0 { 0 } else { 0x80 }
    };
    (0..groups).rev().map(group).collect()
}

/// A number in groups of 7 bits, in its one spelling.
pub(crate) fn var(value: u64) -> Vec<u8> {
    var_in((64 - value.leading_zeros()).div_ceil(7).max(1), value.into())
}

/// A bit set in its one spelling.
pub(crate) fn bit_set(numbers: &[u8]) -> Vec<u8> {
    let len = numbers.iter().max().map_or(0, |most| usize::from(*most) / 8 + 1);
    let byte = |at: usize| {
        let here = numbers.iter().filter(|number| usize::from(**number) / 8 == at);
        here.fold(0, |byte, number| byte | 1 << (number % 8))
    };
    (0..len).map(byte).collect()
}

/// Bytes behind their own length.
pub(crate) fn sized(bytes: &[u8]) -> Vec<u8> {
    [&[len_of(bytes)], bytes].concat()
}

/// A field: type, length, value.
pub(crate) fn field(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number], sized(value).as_slice()].concat()
}

/// The entries of networks, in the order given; a text that is no network is none.
pub(crate) fn networks(texts: &[&str]) -> Vec<u8> {
    let entry = |text: &&str| {
        let (address, len) = text.split_once('/')?;
        let len: u8 = len.parse().ok()?;
        Some(match address.parse().ok()? {
            IpAddr::V4(v4) => [&[4, len], v4.octets().as_slice()].concat(),
            IpAddr::V6(v6) => [&[6, len], v6.octets().as_slice()].concat(),
        })
    };
    texts.iter().filter_map(entry).flatten().collect()
}

/// A length that fits a byte; what is longer is spelled 255, and nobody reads it.
pub(crate) fn len_of(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes with one of them changed by flipping bits.
pub(crate) fn flipped(bytes: &[u8], at: usize, bits: u8) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    if let Some(byte) = flipped.get_mut(at) {
        *byte ^= bits;
    }
    flipped
}

/// The first bytes.
pub(crate) fn cut(bytes: &[u8], len: usize) -> Vec<u8> {
    bytes.iter().copied().take(len).collect()
}

//! Where a key begins and ends, by its checksum: whatever is glued to it on either side.

use crc::{CRC_32_ISO_HDLC, Crc, Digest};

use super::base64url::sextet;
use crate::identifier::KeyId;
use crate::key::MAX_KEY_LEN;

/// A key whose checksum fits.
pub(super) struct Confirmed {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) key_id: KeyId,
}

/// Tries every start in `starts` (places of possible brands' first characters) and every end of the `run` of
/// digits from `payload` on, all at once: the checksum of each start runs along, four bytes behind the last.
///
/// The longest that fits wins, so that no attacker shortens what is taken away.
pub(super) fn confirm(
    text: &[u8],
    starts: impl Iterator<Item = usize>,
    payload: usize,
    run: usize,
) -> Option<Confirmed> {
    let mut running: [Option<(usize, Digest<'_, u32>)>; MOST_STARTS] = Default::default();
    for (slot, start) in running.iter_mut().zip(starts) {
        let mut digest = CRC.digest();
        digest.update(text.get(start..payload)?);
        *slot = Some((start, digest));
    }
    let digits = text.get(payload..payload + run)?;
    let (mut bits, mut bit_count, mut bytes) = (0_u32, 0_u32, 0_usize);
    let (mut last_four, mut key_id) = (0_u32, 0_u64);
    let mut best = None;
    for (place, digit) in digits.iter().enumerate() {
        bits = bits << 6 | u32::from(sextet(*digit)?);
        bit_count += 6;
        if bit_count < 8 {
            continue;
        }
        bit_count -= 8;
        let [.., byte] = (bits >> bit_count).to_be_bytes();
        bits &= (1 << bit_count) - 1;
        bytes += 1;
        if KEY_ID.contains(&bytes) {
            key_id = key_id << 8 | u64::from(byte);
        }
        let [behind, ..] = last_four.to_be_bytes();
        last_four = last_four << 8 | u32::from(byte);
        let spelt_out = bytes >= MIN_PAYLOAD_LEN && bits == 0;
        for (start, digest) in running.iter_mut().flatten() {
            if bytes > 4 {
                digest.update(&[behind]);
            }
            let end = payload + place + 1;
            let fits =
                spelt_out && end - *start <= MAX_KEY_LEN && digest.clone().finalize() == last_four;
            if fits {
                best = Some((*start, end));
            }
        }
    }
    best.map(|(start, end)| Confirmed { start, end, key_id: KeyId(key_id.to_be_bytes()) })
}

/// Digits of the shortest key's payload: a base of 29 bytes, a tag of 16 and a checksum of 4.
pub(super) const MIN_PAYLOAD_DIGITS: usize = (MIN_PAYLOAD_LEN * 4).div_ceil(3);
const MIN_PAYLOAD_LEN: usize = 49;
/// A brand has 2 to 12 characters.
const MOST_STARTS: usize = 11;
/// Which bytes of the payload the key id is, counted from 1: after the version and the signing key's id.
const KEY_ID: core::ops::RangeInclusive<usize> = 6..=13;

static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

//! Where a key begins and ends, by its checksum: whatever is glued to it on either side.

use crc::Digest;

use super::character::Character;
use super::work;
use crate::base::MIN_BASE_LEN;
use crate::base64url::sextet;
use crate::checksum::CRC_LEN;
use crate::identifier::KeyId;
use crate::key::MAX_KEY_LEN;
use crate::signing::TAG_LEN;

/// A key whose checksum fits.
pub(super) struct Confirmed {
    pub(super) brand_len: usize,
    /// Where its last character ends in the text.
    pub(super) end: usize,
    pub(super) key_id: KeyId,
}

/// Tries every brand in `brands` (its length, and the checksum so far, of the prefix that it makes) and every
/// end of the payload's `digits`, all at once: the checksum of each runs along, four bytes behind the last.
///
/// A checksum of 32 bits fits by chance, too, and a tail would stand behind an end that is too early. So no end
/// counts before the base's own lengths are up, and of several the last one does.
pub(super) fn confirm<'d>(
    brands: impl Iterator<Item = (usize, Digest<'d, u32>)>,
    digits: impl Iterator<Item = Character>,
) -> Option<Confirmed> {
    let mut running: [Option<(usize, Digest<'_, u32>)>; MOST_BRANDS] = Default::default();
    for (slot, brand) in running.iter_mut().zip(brands) {
        *slot = Some(brand);
    }
    let (mut bits, mut bit_count, mut bytes) = (0_u32, 0_u32, 0_usize);
    let (mut last_four, mut key_id) = (0_u32, 0_u64);
    let mut base = BaseLen { part: Part::Subject { then: SUBJECT }, constraints: false };
    let mut best = None;
    for (digit, count) in digits.take(MAX_KEY_LEN).zip(1..) {
        work::spend(1);
        bits = bits << 6 | u32::from(sextet(digit.byte)?);
        bit_count += 6;
        if bit_count < 8 {
            continue;
        }
        bit_count -= 8;
        let [.., byte] = (bits >> bit_count).to_be_bytes();
        bits &= (1 << bit_count) - 1;
        bytes += 1;
        base.read(bytes - 1, byte);
        if KEY_ID.contains(&bytes) {
            key_id = key_id << 8 | u64::from(byte);
        }
        let [behind, ..] = last_four.to_be_bytes();
        last_four = last_four << 8 | u32::from(byte);
        let may_end = bits == 0 && base.end().is_some_and(|end| bytes >= end + TAIL_LEN);
        for (brand_len, digest) in running.iter_mut().flatten() {
            if bytes > 4 {
                digest.update(&[behind]);
            }
            let fits = may_end
                && *brand_len + MIDDLE_LEN + count <= MAX_KEY_LEN
                && digest.clone().finalize() == last_four;
            if fits {
                best = Some((*brand_len, digit.end));
            }
        }
    }
    best.map(|(brand_len, end)| Confirmed { brand_len, end, key_id: KeyId(key_id.to_be_bytes()) })
}

/// Follows a base's lengths to where it ends: its fields before the subject are of a fixed length.
struct BaseLen {
    part: Part,
    constraints: bool,
}

/// The next length that comes, at which byte.
enum Part {
    Subject { then: usize },
    Scopes { then: usize },
    Constraints { then: usize },
    End { then: usize },
}

impl BaseLen {
    fn read(&mut self, place: usize, byte: u8) {
        let after = |len: u8| place + 1 + usize::from(len);
        self.part = match self.part {
            Part::Subject { then } if then == place => {
                self.constraints = byte >> 7 == 1;
                Part::Scopes { then: after(byte & 0x3f) }
            }
            Part::Scopes { then } if then == place && self.constraints => {
                Part::Constraints { then: after(byte) }
            }
            Part::Scopes { then } | Part::Constraints { then } if then == place => {
                Part::End { then: after(byte) }
            }
            _ => return,
        };
    }

    const fn end(&self) -> Option<usize> {
        match self.part {
            Part::End { then } => Some(then),
            _ => None,
        }
    }
}

/// Digits of the shortest key's payload: a base of 29 bytes, a tag of 16 and a checksum of 4.
pub(super) const MIN_PAYLOAD_DIGITS: usize = (MIN_PAYLOAD_LEN * 4).div_ceil(3);
const MIN_PAYLOAD_LEN: usize = MIN_BASE_LEN + TAIL_LEN;
/// The subject's length byte.
const SUBJECT: usize = 25;
const TAIL_LEN: usize = TAG_LEN + CRC_LEN;
/// A brand has 2 to 12 characters.
const MOST_BRANDS: usize = 11;
/// `_live_` or `_test_`.
const MIDDLE_LEN: usize = 6;
/// Which bytes of the payload the key id is, counted from 1: after the version and the signing key's id.
const KEY_ID: core::ops::RangeInclusive<usize> = 6..=13;

//! The states that come with heads, and their bytes.

use super::heads::FLOOR;
use super::model::Bits;
use crate::issuer::state_bytes;

/// The bytes that come as the state: of the head's, of another, cut, or none at all.
pub(super) fn given(which: u64, right: Option<&Bits>) -> Vec<u8> {
    let other = Bits { floor: FLOOR, dead: vec![false; 3] };
    let mut bytes = match which {
        0 => return vec![],
        1 | 2 => right.unwrap_or(&other).bytes(),
        _ => other.bytes(),
    };
    if which == 2 {
        bytes.pop();
    }
    bytes
}

/// A state's bytes, which are of its one spelling, as bits.
pub(super) fn bits_of(bytes: &[u8]) -> Option<Bits> {
    let (floor, rest) = bytes.get(1..)?.split_first_chunk()?;
    let (count, bits) = rest.split_first_chunk()?;
    let bit =
        |place: u32| bits.get((place / 8) as usize).is_some_and(|b| b >> (place % 8) & 1 == 1);
    let dead = (0..u32::from_be_bytes(*count)).map(bit).collect();
    Some(Bits { floor: u32::from_be_bytes(*floor), dead })
}

impl Bits {
    /// Its bytes (FORMAT.md section 4.1).
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bits = vec![0_u8; self.dead.len().div_ceil(8)];
        for (place, dead) in self.dead.iter().enumerate() {
            if let Some(byte) = bits.get_mut(place / 8) {
                *byte |= u8::from(*dead) << (place % 8);
            }
        }
        state_bytes(self.floor, self.dead.len() as u32, &bits)
    }
}

/// No state, the right one, that one cut, another one.
pub(super) const STATES: u64 = 4;

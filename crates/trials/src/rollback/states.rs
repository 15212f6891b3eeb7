//! The states that come with heads, and their bytes.

use super::heads::FLOOR;
use super::model::Bits;
use crate::issuer::{state_bytes, state_digest};

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
        state_bytes(self.floor, self.dead.len() as u32, &self.packed())
    }

    pub(super) fn digest(&self) -> Option<[u8; 32]> {
        state_digest(&self.bytes())
    }

    fn packed(&self) -> Vec<u8> {
        let byte =
            |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        self.dead.chunks(8).map(byte).collect()
    }
}

/// No state, the right one, that one cut, another one.
pub(super) const STATES: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_worked_example() {
        let mut bits = Bits { floor: 800, dead: vec![false; 10] };
        (bits.dead[1], bits.dead[9]) = (true, true);
        assert_eq!(bits.bytes(), [1, 0, 0, 3, 0x20, 0, 0, 0, 10, 2, 2]);
        let digest = crate::spelling::hex(&bits.digest().expect("a state"));
        let format = include_str!("../../../core/FORMAT.md");
        assert!(format.contains(&format!("    {digest}\n")), "{digest}");
        assert!(digest.starts_with("f17e17f7"));
    }
}

//! A state, read and written by the specification's words.

use wardkey::{CHUNK_LEN, chunk_digest, state_digest};

/// What stands in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateForm<'a> {
    pub(crate) floor: u32,
    pub(crate) bit_count: u32,
    pub(crate) bits: &'a [u8],
}

impl<'a> StateForm<'a> {
    /// Reads a state; `None` for what breaks a rule.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, bits) = bytes.split_first_chunk::<9>()?;
        let [1, f0, f1, f2, f3, n0, n1, n2, n3] = *header else { return None };
        let floor = u32::from_be_bytes([f0, f1, f2, f3]);
        let bit_count = u32::from_be_bytes([n0, n1, n2, n3]);
        let room = bits.len() as u64 * 8;
        let fits = u64::from(bit_count) <= room && room - u64::from(bit_count) < 8;
        let spare =
            (u64::from(bit_count)..room).all(|bit| bits[(bit / 8) as usize] >> (bit % 8) & 1 == 0);
        let in_range = u64::from(floor) + u64::from(bit_count) <= 1 << 32;
        (fits && spare && in_range).then_some(Self { floor, bit_count, bits })
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        [&[1], &self.floor.to_be_bytes()[..], &self.bit_count.to_be_bytes(), self.bits].concat()
    }

    pub(crate) fn is_dead(&self, index: u32) -> bool {
        let bit = i64::from(index) - i64::from(self.floor);
        bit < 0
            || bit < i64::from(self.bit_count)
                && self.bits[(bit / 8) as usize] >> (bit % 8) & 1 == 1
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        state_digest(self.floor, self.bit_count, self.bits.chunks(CHUNK_LEN).map(chunk_digest))
    }
}

//! CRC-32 (ISO-HDLC) over a key's text: typos and garbage are refused without a MAC, and secret
//! scanners confirm a find offline. It proves nothing about authenticity.

use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Bytes of the checksum at a key's end.
pub(crate) const CRC_LEN: usize = 4;

/// The checksum of a key: over its prefix text, then all payload bytes before it.
pub(crate) fn checksum(prefix: &[u8], payload: &[u8]) -> [u8; CRC_LEN] {
    let mut digest = CRC.digest();
    digest.update(prefix);
    digest.update(payload);
    digest.finalize().to_be_bytes()
}

pub(crate) static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The same checksum in steps of sixteen bytes, for whoever verifies key after key.
///
/// Its tables are 16 KiB, more than all of the verifier's code, so that they are made when a verifier is, and not shipped.
/// They are crate `crc`'s. The walk over them is not, because it has panics that the compiler cannot rule out.
///
/// # Leaks
/// By its tables, which bytes a key has: the caller's own credential.
pub(crate) struct FastChecksum(Crc<u32, Table<16>>);

impl FastChecksum {
    /// Bytes of a step.
    pub(crate) const STEP: usize = 16;

    pub(crate) fn new() -> Self {
        Self(Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC))
    }

    /// How many zeros stand before so many bytes to be checked: they end with a step, and what comes over byte by byte
    /// costs more than all the rest.
    pub(crate) const fn front_len(checked_len: usize) -> usize {
        checked_len.next_multiple_of(Self::STEP) - checked_len
    }

    /// The checksum of such zeros, `front_len` of them, and the bytes to be checked.
    pub(crate) fn of(&self, front_len: usize, steps: &[u8]) -> [u8; CRC_LEN] {
        let (steps, _) = steps.as_chunks::<{ Self::STEP }>();
        let before = BEFORE_ZEROS.get(front_len).copied().unwrap_or_default();
        let sum = steps.iter().fold(before, |sum, step| {
            let mut step = *step;
            for (byte, before) in step.iter_mut().zip(sum.to_le_bytes()) {
                *byte ^= before;
            }
            // The last byte's table is the first.
            let parts = self.0.table().iter().zip(step.iter().rev());
            parts.fold(0, |sum, (table, byte)| {
                sum ^ table.get(usize::from(*byte)).copied().unwrap_or_default()
            })
        });
        (!sum).to_be_bytes()
    }
}

/// What the checksum must begin with, so that it is its own first value after so many zeros.
const BEFORE_ZEROS: [u32; FastChecksum::STEP] = {
    let mut before = [u32::MAX; FastChecksum::STEP];
    let mut rest: &mut [u32] = &mut before;
    let mut value = u32::MAX;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = value;
        let mut bit = 0;
        while bit < 8 {
            // The step of a zero bit, undone: the polynomial's highest bit tells whether it was added.
            value = if value >> 31 == 1 { (value ^ POLYNOMIAL) << 1 | 1 } else { value << 1 };
            bit += 1;
        }
        rest = others;
    }
    before
};

/// CRC-32's, its bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

impl fmt::Debug for FastChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FastChecksum")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc_32_iso_hdlc() {
        // The catalogue's check value over the nine digits, whichever way they are split.
        assert_eq!(checksum(b"1234", b"56789"), 0xcbf4_3926_u32.to_be_bytes());
    }

    #[test]
    fn both_say_the_same_of_every_length() {
        let fast = FastChecksum::new();
        let mut bytes = [0; 400];
        for (slot, number) in bytes.iter_mut().zip(0_usize..) {
            *slot = (number * 167 % 251) as u8;
        }
        for len in 0..=bytes.len() {
            let front = FastChecksum::front_len(len);
            let mut steps = [0; 416];
            steps[front..front + len].copy_from_slice(&bytes[..len]);
            assert_eq!((front + len) % FastChecksum::STEP, 0);
            assert_eq!(fast.of(front, &steps[..front + len]), checksum(&[], &bytes[..len]));
        }
    }
}

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

    /// Fills the room in front of all other bytes to be checked: those zeros, then the first bytes; `None` for fewer
    /// than four, or where there is no room.
    ///
    /// The checksum's first value goes into them. So it starts from 0, which zeros do not change.
    pub(crate) fn begin(room: &mut [u8], bytes: &[u8]) -> Option<()> {
        let (zeros, room) = room.split_at_mut_checked(room.len().checked_sub(bytes.len())?)?;
        zeros.fill(0);
        room.copy_from_slice(bytes);
        for byte in room.first_chunk_mut::<4>()? {
            *byte = !*byte;
        }
        Some(())
    }

    /// The checksum of what was laid out so, which begins with the zeros.
    pub(crate) fn of(&self, steps: &[u8]) -> [u8; CRC_LEN] {
        let (steps, _) = steps.as_chunks::<{ Self::STEP }>();
        let sum = steps.iter().fold(0_u32, |sum, step| {
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
        for prefix_len in 4..=18 {
            for len in prefix_len..=bytes.len() {
                let (prefix, payload) = bytes[..len].split_at(prefix_len);
                let front = FastChecksum::front_len(len);
                let mut laid_out = [0xff; 416];
                let begun = FastChecksum::begin(&mut laid_out[..front + prefix_len], prefix);
                assert_eq!(begun, Some(()));
                laid_out[front + prefix_len..front + len].copy_from_slice(payload);
                assert_eq!((front + len) % FastChecksum::STEP, 0);
                assert_eq!(fast.of(&laid_out[..front + len]), checksum(prefix, payload));
            }
        }
        assert_eq!(FastChecksum::begin(&mut [0; 3], b"abc"), None);
        assert_eq!(FastChecksum::begin(&mut [0; 3], b"abcd"), None);
    }
}

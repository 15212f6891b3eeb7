//! CRC-32 (ISO-HDLC) over a key's text: typos and garbage are refused without a MAC, and secret
//! scanners confirm a find offline. It proves nothing about authenticity.

use crc::{CRC_32_ISO_HDLC, Crc};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc_32_iso_hdlc() {
        // The catalogue's check value over the nine digits, whichever way they are split.
        assert_eq!(checksum(b"1234", b"56789"), 0xcbf4_3926_u32.to_be_bytes());
    }
}

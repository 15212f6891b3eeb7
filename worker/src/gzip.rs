//! gzip (RFC 1952) for what is one byte over and over, with others between: the state of a list.

use crc::{CRC_32_ISO_HDLC, Crc};
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
    create_comp_flags_from_zip_params,
};

/// Compresses bytes; `None` if it does not come to its end.
///
/// WHY not the runtime, which compresses whatever is said to be compressed: it looks for any text that comes again, and in bits
/// that are set by chance finds little but accidents. Runs alone make a fifth less of a state, in less time.
pub(crate) fn gzipped(bytes: &[u8]) -> Option<Vec<u8>> {
    let flags = create_comp_flags_from_zip_params(LEVEL, RAW, CompressionStrategy::RLE as i32);
    let mut compressor = CompressorOxide::new(flags);
    let mut member = HEADER.to_vec();
    let take = |piece: &[u8]| {
        member.extend_from_slice(piece);
        true
    };
    let (status, read) = compress_to_output(&mut compressor, bytes, TDEFLFlush::Finish, take);
    if status != TDEFLStatus::Done || read != bytes.len() {
        return None;
    }
    member.extend_from_slice(&CRC.checksum(bytes).to_le_bytes());
    member.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
    Some(member)
}

/// Deflate; no flags, no time, nothing about how; of no system that is known.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const LEVEL: i32 = 6;
/// No zlib header around it.
const RAW: i32 = 0;

#[cfg(test)]
mod tests {
    use miniz_oxide::inflate::decompress_to_vec;

    use super::gzipped;

    /// So many bits, some of them set by chance.
    fn state(bits: usize, set: usize) -> Vec<u8> {
        let mut bytes = vec![0; bits.div_ceil(8)];
        let mut drawn: u64 = 1;
        for _ in 0..set {
            drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let bit = usize::try_from(drawn >> 33).unwrap() % bits;
            bytes[bit / 8] |= 1 << (bit % 8);
        }
        bytes
    }

    #[test]
    fn what_is_compressed_is_what_comes_out_with_its_checksum_and_length() {
        for (bits, set) in [(0, 0), (8, 3), (4_096, 40), (1_000_000, 1_000), (1_000_000, 600_000)] {
            let bytes = if bits == 0 { Vec::new() } else { state(bits, set) };
            let member = gzipped(&bytes).unwrap();
            assert_eq!(member[..4], [0x1f, 0x8b, 8, 0]);
            let (deflated, trailer) = member[10..].split_at(member.len() - 18);
            assert_eq!(decompress_to_vec(deflated).unwrap(), bytes);
            assert_eq!(trailer[4..], u32::try_from(bytes.len()).unwrap().to_le_bytes());
        }
        // RFC 1952's CRC-32 of the nine digits, as the catalogue has it.
        let member = gzipped(b"123456789").unwrap();
        assert_eq!(member[member.len() - 8..member.len() - 4], 0xcbf4_3926_u32.to_le_bytes());
    }

    #[test]
    fn a_thousand_dead_of_a_million_are_what_design_says() {
        let len = gzipped(&state(1_000_000, 1_000)).unwrap().len();
        assert!(len <= 2_560, "{len} bytes");
    }
}

//! A head's bytes, read by their places in FORMAT.md and by nothing of the core: a second opinion.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

/// What a head says beside its times and its state.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// Audience, current and least edition of its key set.
    pub audiences: Vec<(u8, u32, u32)>,
    /// Audience and epoch of each dead signing key.
    pub dead: Vec<(u8, u8)>,
}

/// What a head says.
pub fn told(head: &[u8]) -> Told {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let count = usize::from(head[63]);
    let audiences = head[64..64 + 13 * count].chunks(13);
    let audiences = audiences.map(|entry| (entry[0], number(&entry[1..5]), number(&entry[5..9])));
    let rest = &head[64 + 13 * count..];
    let dead = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    let dead = rest[2..2 + 2 * dead].chunks(2).map(|pair| (pair[0], pair[1]));
    Told { audiences: audiences.collect(), dead: dead.collect() }
}

/// The sequence of a head: behind the format version (u8) and the tenant (u16).
pub fn sequence_of(head: &[u8]) -> u64 {
    u64::from_be_bytes(head[3..11].try_into().unwrap())
}

/// The digest of the state that a head names.
pub fn digest_of(head: &[u8]) -> &[u8] {
    &head[11..43]
}

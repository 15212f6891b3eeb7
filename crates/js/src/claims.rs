//! What is known of the key that was verified last, laid out for whoever asks.

use wardkey::{ListSeen, UnverifiedKey, Zone};

/// Bytes of a layout.
pub(crate) const CLAIMS_LEN: usize = 64;

/// Where the base stands, what is left of it, and what list an allow rests on: see ABI.md.
pub(crate) fn layout(key: &UnverifiedKey<'_>, seen: Option<ListSeen>) -> [u8; CLAIMS_LEN] {
    let base = key.unproven_base_bytes();
    let zone = match seen.map(|seen| seen.zone) {
        None => 0,
        Some(Zone::Fresh) => 1,
        Some(Zone::MustAsk) => 2,
        Some(Zone::Stale) => 3,
        Some(Zone::Registry) => 4,
    };
    let words = [
        base.as_ptr().addr() as u32,
        base.len() as u32,
        key.unproven_expires_at().0,
        u32::from(key.is_narrowed()) | zone << 8,
    ];
    let (sequence, age) = seen.map_or((0, 0), |seen| (seen.sequence, seen.age_ms));
    let mut out = [0; CLAIMS_LEN];
    let (front, scopes) = out.split_at_mut(32);
    for (slot, word) in front.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *slot = word.to_le_bytes();
    }
    for (slot, number) in front.as_chunks_mut::<8>().0.iter_mut().skip(2).zip([sequence, age]) {
        *slot = (number as f64).to_le_bytes();
    }
    for (slot, byte) in scopes.iter_mut().zip(key.unproven_scopes_left().as_bytes()) {
        *slot = *byte;
    }
    out
}

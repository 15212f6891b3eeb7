//! What is known of the key that was verified last, laid out for whoever asks.

use wardkey::{ListSeen, MAX_BASE_LEN, UnverifiedKey, Zone};

/// Bytes of a layout: a front, and the base behind it.
pub(crate) const CLAIMS_LEN: usize = FRONT_LEN + MAX_BASE_LEN;

/// Where the base stands, what is left of it, and what list an allow rests on: see ABI.md.
pub(crate) fn lay_out(out: &mut [u8; CLAIMS_LEN], key: &UnverifiedKey<'_>, seen: Option<ListSeen>) {
    let base = key.unproven_base_bytes();
    let (front, behind) = out.split_at_mut(FRONT_LEN);
    let zone = match seen.map(|seen| seen.zone) {
        None => 0,
        Some(Zone::Fresh) => 1,
        Some(Zone::MustAsk) => 2,
        Some(Zone::Stale) => 3,
        Some(Zone::Registry) => 4,
    };
    let words = [
        behind.as_ptr().addr() as u32,
        base.len() as u32,
        key.unproven_expires_at().0,
        u32::from(key.is_narrowed()) | zone << 8,
    ];
    let (sequence, age) = seen.map_or((0, 0), |seen| (seen.sequence, seen.age_ms));
    let (front, scopes) = front.split_at_mut(32);
    for (slot, word) in front.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *slot = word.to_le_bytes();
    }
    for (slot, number) in front.as_chunks_mut::<8>().0.iter_mut().skip(2).zip([sequence, age]) {
        *slot = (number as f64).to_le_bytes();
    }
    scopes.fill(0);
    for (slot, byte) in scopes.iter_mut().zip(key.unproven_scopes_left().as_bytes()) {
        *slot = *byte;
    }
    if let Some(room) = behind.get_mut(..base.len()) {
        room.copy_from_slice(base);
    }
}

const FRONT_LEN: usize = 64;

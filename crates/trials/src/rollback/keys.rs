//! The keys that are decided after each head.

use wardkey::{Base, Constraints, KeyId, ScopeSet, StatusIndex, Subject, UnixSeconds};

use super::heads::{BIT_OF_NEWER, FLOOR, ISSUED, USUAL};
use super::model::{CHUNK_BITS, Key};
use crate::issuer::Issuer;

/// Keys whose times and indexes meet every rule of section 5.
pub(super) fn keys() -> [Key; 11] {
    let usual = Key {
        index: FLOOR,
        issued_at: ISSUED,
        expires_at: ISSUED + 8_000,
        not_before: 0,
        in_window: true,
        of_dead_epoch: true,
    };
    let list_second = (USUAL / 1_000) as u32;
    [
        usual,
        Key { index: FLOOR + BIT_OF_NEWER, ..usual },
        Key { index: FLOOR + 3, ..usual },
        Key { index: FLOOR - 1, ..usual },
        // What heads revoke that raise the floor by a chunk.
        Key { index: FLOOR + CHUNK_BITS + BIT_OF_NEWER, ..usual },
        Key {
            index: u32::MAX,
            not_before: list_second + 62,
            expires_at: list_second + 70,
            ..usual
        },
        Key { issued_at: list_second + 20, ..usual },
        // Dead as soon as the next list has moved the clock.
        Key { expires_at: list_second + 60, ..usual },
        Key { in_window: false, of_dead_epoch: false, ..usual },
        Key { issued_at: 0, expires_at: u32::MAX, ..usual },
        Key { issued_at: 1, expires_at: u32::MAX, ..usual },
    ]
}

/// A key's text, as this issuer would mint it.
pub(super) fn text(issuer: &Issuer, key: &Key) -> Option<String> {
    let signer = issuer.signers.get(usize::from(!key.in_window))?;
    let not_before = (key.not_before > 0).then_some(UnixSeconds(key.not_before));
    let base = Base {
        signing_key: issuer.id(signer),
        key_id: KeyId([0; 8]),
        status_index: StatusIndex(key.index),
        issued_at: UnixSeconds(key.issued_at),
        expires_at: UnixSeconds(key.expires_at),
        subject: Subject::new("s").ok()?,
        scopes: ScopeSet::from_iter(0..4),
        constraints: Constraints { not_before, networks: None },
    };
    Some(issuer.mint(&base)?.secret_str().to_owned())
}

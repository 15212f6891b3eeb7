//! What a key's issuer says, in the words of `wit/`.

use wardkey::{Base, KeyId, MAX_SUBJECT_LEN, Networks, ScopeSet, SigningKeyId};

use crate::address::Network;
use crate::handed::{Maybe, Told};

/// Bytes of `key_` and 16 hex digits.
const KEY_ID_LEN: usize = 20;
/// Most networks of a base or a narrowing: 126 bytes of 6 each.
const MAX_NETWORKS: usize = 21;

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Claims {
    tenant: u16,
    audience: u8,
    epoch: u8,
    key_id: Told<u8>,
    status_index: u32,
    issued_at_s: u32,
    expires_at_s: u32,
    subject: Told<u8>,
    scopes: Told<u8>,
    not_before_s: Maybe<u32>,
    networks: Told<Network>,
}

/// Room for the texts and lists of one key's claims, or of one narrowing.
pub(crate) struct Said {
    key_id: [u8; KEY_ID_LEN],
    subject: [u8; MAX_SUBJECT_LEN],
    scopes: [u8; 256],
    networks: [Network; MAX_NETWORKS],
}

impl Said {
    pub(crate) const fn new() -> Self {
        Self {
            key_id: *b"key_0000000000000000",
            subject: [0; MAX_SUBJECT_LEN],
            scopes: [0; 256],
            networks: [Network::NONE; MAX_NETWORKS],
        }
    }

    pub(crate) fn claims(&mut self, base: &Base) -> Claims {
        let SigningKeyId { tenant, audience, epoch } = base.signing_key;
        Claims {
            tenant: tenant.0,
            audience: audience.0,
            epoch: epoch.number(),
            key_id: self.key_id(base.key_id),
            status_index: base.status_index.0,
            issued_at_s: base.issued_at.0,
            expires_at_s: base.expires_at.0,
            subject: self.subject(base.subject.as_bytes()),
            scopes: self.scopes(&base.scopes),
            not_before_s: base.constraints.not_before.map(|second| second.0).into(),
            networks: self.networks(base.constraints.networks.as_ref()),
        }
    }

    pub(crate) fn key_id(&mut self, id: KeyId) -> Told<u8> {
        self.key_id = key_id_text(id);
        Told::new(&self.key_id)
    }

    pub(crate) fn subject(&mut self, subject: &[u8]) -> Told<u8> {
        let Some(room) = self.subject.get_mut(..subject.len()) else { return Told::new(&[]) };
        room.copy_from_slice(subject);
        Told::new(room)
    }

    pub(crate) fn scopes(&mut self, scopes: &ScopeSet) -> Told<u8> {
        Told::new(fill(&mut self.scopes, scopes.iter()))
    }

    pub(crate) fn networks(&mut self, networks: Option<&Networks>) -> Told<Network> {
        let networks = networks.into_iter().flat_map(Networks::iter);
        Told::new(fill(&mut self.networks, networks.map(Network::from)))
    }
}

/// Writes items to the front of a room, and gives that front.
fn fill<T>(room: &mut [T], items: impl Iterator<Item = T>) -> &[T] {
    let mut count = 0;
    for (slot, item) in room.iter_mut().zip(items) {
        *slot = item;
        count += 1;
    }
    room.get(..count).unwrap_or_default()
}

/// `key_` and 16 lower-case hex digits.
pub(crate) fn key_id_text(id: KeyId) -> [u8; KEY_ID_LEN] {
    let mut text = *b"key_0000000000000000";
    if let Some((_, digits)) = text.split_first_chunk_mut::<4>() {
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(id.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
    }
    text
}

const fn digit(value: u8) -> u8 {
    value + if value < 10 { b'0' } else { b'a' - 10 }
}

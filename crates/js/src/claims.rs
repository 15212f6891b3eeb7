//! What a verification found out, laid out for whoever asks.

use wardkey::{Allow, Base, SigningKeyId, Zone};

/// Bytes of [`layout`].
pub(crate) const CLAIMS_LEN: usize = 144;

/// What there is to tell of the last verification.
#[derive(Clone, Copy)]
#[expect(clippy::large_enum_variant, reason = "there is one, in memory of its own")]
pub(crate) enum Told {
    Nothing,
    Allowed(Allow),
    Authentic(Base),
}

impl Told {
    /// Writes it: see ABI.md.
    pub(crate) fn layout(&self, out: &mut [u8; CLAIMS_LEN]) -> bool {
        let (id, key_id, index, expires, subject, scopes) = match self {
            Self::Nothing => return false,
            Self::Allowed(allow) => (
                allow.signing_key,
                allow.key_id,
                allow.status_index,
                allow.expires_at,
                allow.subject,
                allow.scopes,
            ),
            Self::Authentic(base) => (
                base.signing_key,
                base.key_id,
                base.status_index,
                base.expires_at,
                base.subject,
                base.scopes,
            ),
        };
        let (flags, sequence, age) = match self {
            Self::Allowed(allow) => {
                let zone = match allow.list.zone {
                    Zone::Fresh => 0,
                    Zone::MustAsk => 1,
                    Zone::Stale => 2,
                    Zone::Registry => 3,
                };
                (
                    u32::from(allow.narrowed) | zone << 1,
                    allow.list.sequence as f64,
                    allow.list.age_ms as f64,
                )
            }
            _ => (0, 0.0, 0.0),
        };
        let SigningKeyId { tenant, audience, epoch } = id;
        let first =
            u32::from(tenant.0) | u32::from(audience.0) << 16 | u32::from(epoch.number()) << 24;
        let subject = subject.as_str().as_bytes();
        let words = [first, index.0, expires.0, flags, subject.len() as u32, 0];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            if let Some(room) = out.get_mut(at..at + bytes.len()) {
                room.copy_from_slice(bytes);
            }
            at += bytes.len();
        };
        for word in words {
            put(&word.to_le_bytes());
        }
        put(&key_id.0);
        let mut set = [0; 32];
        for (slot, byte) in set.iter_mut().zip(scopes.as_bytes()) {
            *slot = *byte;
        }
        put(&set);
        put(&sequence.to_le_bytes());
        put(&age.to_le_bytes());
        put(subject);
        true
    }
}

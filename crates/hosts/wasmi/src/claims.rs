//! What is known of the key that was verified last.

/// What its issuer said, and what is left of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// Tenant, audience and epoch of its signing key.
    pub signing_key: (u16, u8, u8),
    /// The key's stable name.
    pub key_id: String,
    /// The generation's number in the revocation list.
    pub status_index: u32,
    /// Who it acts as.
    pub subject: String,
    /// The first Unix second in which it is dead, by its issuer or by a narrowing.
    pub expires_at_s: u32,
    /// Whether a holder has narrowed it.
    pub narrowed: bool,
    /// The numbers of the scopes that are left.
    pub scopes: Vec<u8>,
    /// The zone of the list that an allow rests on, as FORMAT.md writes it.
    pub zone: Option<&'static str>,
    /// The list's sequence, exact up to 2⁵³, and its age in milliseconds.
    pub sequence: f64,
    /// The list's age.
    pub age_ms: f64,
    /// The base's bytes (FORMAT.md, section 2.2), which the registry's answer repeats.
    pub base: Vec<u8>,
}

impl Claims {
    /// Of the bytes that `claims` points at: 64 and the base behind them.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let (front, rest) = bytes.split_first_chunk::<64>()?;
        let word = |at: usize| Some(u32::from_le_bytes(front.get(at..at + 4)?.try_into().ok()?));
        let double = |at: usize| Some(f64::from_le_bytes(front.get(at..at + 8)?.try_into().ok()?));
        let base = rest.get(..word(4)? as usize)?;
        let number = |at: usize| Some(u32::from_be_bytes(base.get(at..at + 4)?.try_into().ok()?));
        let id = u64::from_be_bytes(base.get(5..13)?.try_into().ok()?);
        let subject = base.get(26..26 + usize::from(base.get(25)? & 0x3f))?;
        let bits = front.get(32..64)?;
        let held = |scope: &u8| {
            bits.get(usize::from(scope / 8)).is_some_and(|byte| byte >> (scope % 8) & 1 == 1)
        };
        Some(Self {
            signing_key: (
                u16::from_be_bytes(base.get(1..3)?.try_into().ok()?),
                *base.get(3)?,
                *base.get(4)?,
            ),
            key_id: format!("key_{id:016x}"),
            status_index: number(13)?,
            subject: String::from_utf8(subject.to_vec()).ok()?,
            expires_at_s: word(8)?,
            narrowed: *front.get(12)? == 1,
            scopes: (0..=255).filter(held).collect(),
            zone: ZONES.get(usize::from(*front.get(13)?)).copied().flatten(),
            sequence: double(16)?,
            age_ms: double(24)?,
            base: base.to_vec(),
        })
    }
}

const ZONES: [Option<&str>; 5] =
    [None, Some("fresh"), Some("must_ask"), Some("stale"), Some("registry")];

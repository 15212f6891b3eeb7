//! An issuer all of whose secrets are known, and what it writes: key sets, keys, heads and states, byte by
//! byte as FORMAT.md sections 3 and 4 say them.

use wardkey::{
    AudienceId, Base, Catalog, Environment, Epoch, KeySet, KeyText, List, ListKey, Prefix,
    RiskLevel, SigningKey, SigningKeyId, TAG_LEN, TenantId, UnixMillis,
};

use sha2::{Digest as _, Sha256};

use crate::chance::Chance;
use crate::fixture;

/// One audience of a tenant.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    pub(crate) tenant: u16,
    pub(crate) audience: u8,
    /// The key set's version.
    pub(crate) version: u32,
    /// Fresh-for, high, standard, low, max-skew: milliseconds.
    pub(crate) bounds: [u32; 5],
    pub(crate) list_key: [u8; 32],
    /// Ascending.
    pub(crate) signers: Vec<Signer>,
    /// Ascending.
    pub(crate) catalog: Vec<Scope>,
}

/// One epoch's signing key; times are seconds.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) epoch: Epoch,
    pub(crate) secret: [u8; 32],
    pub(crate) prefix: Prefix,
    pub(crate) mint_from: u32,
    pub(crate) mint_until: u32,
    pub(crate) verify_until: u32,
}

/// One scope of the catalog.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) number: u8,
    pub(crate) risk: RiskLevel,
    pub(crate) name: String,
}

/// What a head says.
#[derive(Clone, Debug)]
pub(crate) struct HeadWords {
    pub(crate) tenant: u16,
    pub(crate) sequence: u64,
    pub(crate) digest: [u8; 32],
    pub(crate) issued_at: u64,
    pub(crate) not_after: u64,
    pub(crate) cutoff: u32,
    /// Number, current and least key-set version, cut-off.
    pub(crate) audiences: Vec<(u8, u32, u32, u32)>,
    /// Audience and epoch.
    pub(crate) dead: Vec<(u8, u8)>,
    /// The log of changes with its count (FORMAT.md section 4.3); nothing stands for none.
    pub(crate) changes: Vec<u8>,
}

/// An issuer's verifier, with a list that was adopted as it was made.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) key_set: KeySet,
    pub(crate) list: List<Vec<u8>>,
    pub(crate) head_bytes: Vec<u8>,
    pub(crate) state_bytes: Vec<u8>,
    catalog_bytes: Vec<u8>,
}

impl Issuer {
    /// Any audience: its numbers, brands, epochs, secrets and bounds. Its keys may be minted within a day
    /// around `now`, and verified for two.
    pub(crate) fn drawn(chance: &mut Chance, now: UnixMillis) -> Option<Self> {
        let second = now.second()?.0;
        let mut epochs: Vec<u8> = (0..1 + chance.below(8)).map(|_| chance.byte().max(1)).collect();
        epochs.sort_unstable();
        epochs.dedup();
        let mut signers = vec![];
        for epoch in epochs {
            signers.push(Signer {
                epoch: Epoch::new(epoch)?,
                secret: chance.bytes(),
                prefix: drawn_prefix(chance)?,
                mint_from: second.saturating_sub(chance.between(80_000, 90_000)),
                mint_until: second.saturating_add(chance.between(80_000, 90_000)),
                verify_until: second.saturating_add(chance.between(170_000, 180_000)),
            });
        }
        let mut numbers: Vec<u8> = (0..=4 + chance.below(28)).map(|_| chance.byte()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let scope = |(place, number): (usize, u8)| Scope {
            number,
            // Every level is there, the lowest number is a low one.
            risk: RiskLevel::ALL.get(place % 4).copied().unwrap_or(RiskLevel::Strict),
            name: format!("thing-{number}:do"),
        };
        let fresh_for = chance.between(1_000, 5_000);
        let high = chance.between(fresh_for, 30_000);
        let standard = chance.between(high, 300_000);
        let low = chance.between(standard, 3_600_000);
        Some(Self {
            tenant: u16::from_be_bytes(chance.bytes()),
            audience: chance.byte().max(1),
            version: chance.draw() as u32,
            bounds: [fresh_for, high, standard, low, chance.between(0, 60_000)],
            list_key: chance.bytes(),
            signers,
            catalog: numbers.into_iter().enumerate().map(scope).collect(),
        })
    }

    pub(crate) fn id(&self, signer: &Signer) -> SigningKeyId {
        SigningKeyId {
            tenant: TenantId(self.tenant),
            audience: AudienceId(self.audience),
            epoch: signer.epoch,
        }
    }

    /// The signer that a base names.
    pub(crate) fn signer(&self, id: SigningKeyId) -> Option<&Signer> {
        self.signers.iter().find(|signer| self.id(signer) == id)
    }

    /// A good key.
    pub(crate) fn mint(&self, base: &Base) -> Option<KeyText> {
        let signer = self.signer(base.signing_key)?;
        KeyText::sign(&signer.prefix, base, &SigningKey::new(&signer.secret)).ok()
    }

    /// The key set, catalog included.
    pub(crate) fn key_set_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(self.tenant.to_be_bytes());
        bytes.push(self.audience);
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(self.bounds.map(u32::to_be_bytes).concat());
        bytes.extend(self.list_key);
        bytes.push(self.signers.len() as u8);
        for signer in &self.signers {
            bytes.push(signer.epoch.number());
            bytes.extend(signer.secret);
            bytes.push(signer.prefix.as_str().len() as u8);
            bytes.extend(signer.prefix.as_str().as_bytes());
            for second in [signer.mint_from, signer.mint_until, signer.verify_until] {
                bytes.extend(second.to_be_bytes());
            }
        }
        bytes.extend(self.catalog_bytes());
        bytes
    }

    fn catalog_bytes(&self) -> Vec<u8> {
        let mut bytes = (self.catalog.len() as u16).to_be_bytes().to_vec();
        for Scope { number, risk, name } in &self.catalog {
            bytes.extend([*number, risk.number(), name.len() as u8]);
            bytes.extend(name.as_bytes());
        }
        bytes
    }

    /// A head that says nothing special of this audience, and the only one.
    pub(crate) fn head(
        &self,
        sequence: u64,
        issued_at: UnixMillis,
        state: &[u8],
    ) -> Option<HeadWords> {
        Some(HeadWords {
            tenant: self.tenant,
            sequence,
            digest: state_digest(state)?,
            issued_at: issued_at.0,
            not_after: issued_at.0.checked_add(wardkey::NOT_AFTER_MS)?,
            cutoff: 0,
            audiences: vec![(self.audience, self.version, self.version, 0)],
            dead: vec![],
            changes: vec![],
        })
    }
}

impl HeadWords {
    /// The head, with a tag of each of these list keys in the order of its audiences.
    pub(crate) fn bytes(&self, list_keys: &[[u8; 32]]) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(self.tenant.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.digest);
        bytes.extend(self.issued_at.to_be_bytes());
        bytes.extend(self.not_after.to_be_bytes());
        bytes.extend(self.cutoff.to_be_bytes());
        bytes.push(self.audiences.len() as u8);
        for (number, current, least, cutoff) in &self.audiences {
            bytes.push(*number);
            bytes.extend([*current, *least, *cutoff].map(u32::to_be_bytes).concat());
        }
        bytes.extend((self.dead.len() as u16).to_be_bytes());
        bytes.extend(self.dead.iter().flat_map(|(audience, epoch)| [*audience, *epoch]));
        if self.changes.is_empty() {
            bytes.extend([0, 0]);
        }
        bytes.extend(&self.changes);
        let tags: Vec<_> = list_keys.iter().map(|key| ListKey::new(key).tag(&bytes)).collect();
        bytes.extend(tags.iter().flat_map(|tag| *tag.secret_bytes()));
        bytes
    }
}

/// A state of so many bits.
pub(crate) fn state_bytes(floor: u32, bit_count: u32, bits: &[u8]) -> Vec<u8> {
    [&[1], &floor.to_be_bytes()[..], &bit_count.to_be_bytes(), bits].concat()
}

/// The digest of a state's bytes (FORMAT.md section 4.1), by none of the core's code.
pub(crate) fn state_digest(bytes: &[u8]) -> Option<[u8; 32]> {
    // Floor and bit count, as they stand there.
    let (numbers, bits) = bytes.get(1..)?.split_first_chunk::<8>()?;
    let mut whole = Sha256::new_with_prefix(numbers);
    bits.chunks(4096).for_each(|chunk| whole.update(Sha256::digest(chunk)));
    Some(whole.finalize().into())
}

/// The tag that a holder can make: one of its own is the key (FORMAT.md section 2.5). HMAC fills a key of 16
/// bytes with zeros, as it does one of 32.
pub(crate) fn tag_after(tag: &[u8; TAG_LEN], block: &[u8]) -> [u8; TAG_LEN] {
    let mut secret = [0; 32];
    secret.iter_mut().zip(tag).for_each(|(to, from)| *to = *from);
    *SigningKey::new(&secret).tag(block).secret_bytes()
}

impl World {
    /// The verifier of an issuer, with a list of this sequence, time and state; `None` never.
    pub(crate) fn new(
        issuer: Issuer,
        sequence: u64,
        issued_at: UnixMillis,
        state_bytes: Vec<u8>,
    ) -> Option<Self> {
        let (key_set_bytes, catalog_bytes) = (issuer.key_set_bytes(), issuer.catalog_bytes());
        let (key_set, _) = KeySet::parse(&key_set_bytes).ok()?;
        let words = issuer.head(sequence, issued_at, &state_bytes)?;
        let head_bytes = words.bytes(&[issuer.list_key]);
        let head = fixture::head(&head_bytes, &key_set)?;
        let list = fixture::list_at(&head, &state_bytes, &key_set, issued_at)?;
        Some(Self { issuer, key_set, list, head_bytes, state_bytes, catalog_bytes })
    }

    /// Any issuer's verifier at this time, with a list made then in which some indexes are dead.
    pub(crate) fn drawn(chance: &mut Chance, now: UnixMillis) -> Option<Self> {
        let issuer = Issuer::drawn(chance, now)?;
        let bits: Vec<u8> =
            (0..1 + chance.below(300)).map(|_| chance.byte() & chance.byte()).collect();
        let bit_count = 8 * bits.len() as u32;
        let state_bytes = state_bytes(chance.between(0, u32::MAX - bit_count), bit_count, &bits);
        Self::new(issuer, chance.draw() >> 1, now, state_bytes)
    }

    /// A status index that is alive in the state.
    pub(crate) fn living(&self, chance: &mut Chance) -> Option<u32> {
        let (floor, bits) = self.state_bytes.get(1..)?.split_first_chunk()?;
        let (bit_count, bits) = bits.split_first_chunk()?;
        let (floor, bit_count) = (u32::from_be_bytes(*floor), u32::from_be_bytes(*bit_count));
        loop {
            let bit = chance.between(0, bit_count + 50);
            let byte = bits.get(usize::try_from(bit / 8).ok()?).copied().unwrap_or(0);
            if byte >> (bit % 8) & 1 == 0
                && let Some(index) = floor.checked_add(bit)
            {
                return Some(index);
            }
        }
    }

    pub(crate) fn catalog(&self) -> Option<Catalog<'_>> {
        let (tenant, audience) = (self.key_set.tenant(), self.key_set.audience());
        Catalog::parse(tenant, audience, self.issuer.version, &self.catalog_bytes).ok()
    }
}

/// Any prefix.
fn drawn_prefix(chance: &mut Chance) -> Option<Prefix> {
    let mut brand = String::new();
    for place in 0..=1 + chance.below(11) {
        let letters = if place == 0 { 26 } else { 36 };
        brand.push(char::from_digit((chance.below(letters) as u32 + 10) % 36, 36)?);
    }
    let environment = *chance.pick(&[Environment::Live, Environment::Test])?;
    Prefix::new(&brand, environment).ok()
}

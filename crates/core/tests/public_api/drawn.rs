//! Keys and bootstrap tokens drawn by chance, which is the same in every run.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wardkey::{
    AudienceId, Environment, Epoch, KeyId, Narrowing, Network, Networks, Prefix, ScopeSet,
    StatusIndex, Subject, TenantId, UnixSeconds, narrow,
};

use crate::tenant::{ALPHABET, Tenant};

/// Randomness that is the same in every run (splitmix64).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).expect("31 bits") % bound
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next().to_be_bytes()[0]).collect()
    }

    /// Characters that may be glued to a key.
    pub(crate) fn digits(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(self.pick(ALPHABET))).collect()
    }
}

/// A whole key, and the id that it shows.
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) id: KeyId,
}

const BRANDS: [&str; 7] = ["wk", "wkadmin", "acme", "a1", "z9z9z9z9z9z9", "abcdefghijkl", "live"];

/// Any key that provision mints, of any brand.
pub(crate) fn any_key(random: &mut Seeded) -> Key {
    let brand = random.pick(&BRANDS);
    key_of(random, brand)
}

pub(crate) fn key_of(random: &mut Seeded, brand: &str) -> Key {
    let environment = random.pick(&[Environment::Live, Environment::Test]);
    let prefix = Prefix::new(brand, environment).expect("a brand");
    let number = u16::try_from(random.below(65_536)).expect("16 bits");
    let audience = AudienceId(random.bytes(1)[0]);
    let mut tenant = Tenant::of(TenantId(number), audience, random.bytes(1)[0]);
    tenant.prefix = prefix;
    let mut base = tenant.base();
    base.signing_key.epoch = Epoch::new(random.bytes(1)[0] | 1).expect("not 0");
    base.key_id = KeyId(random.next().to_be_bytes());
    base.status_index = StatusIndex(u32::try_from(random.next() >> 33).expect("31 bits"));
    let mut subject = String::from("s");
    for _ in 0..random.below(63) {
        subject.push(char::from(random.pick(b"abcdefghijklmnopqrstuvwxyz0123456789:._/-")));
    }
    base.subject = Subject::new(&subject).expect("a subject");
    let last = u8::try_from(random.below(256)).expect("a byte");
    base.scopes = ScopeSet::from_iter([last / 2, last]);
    if random.below(3) == 0 {
        base.constraints.not_before = Some(UnixSeconds(base.issued_at.0 + 10));
    }
    if random.below(4) == 0 {
        let network = Network::new([10, 1, 0, 0].into(), 16).expect("a network");
        base.constraints.networks = Some(Networks::new([network]).expect("networks"));
    }
    let mut text = tenant.text(&base);
    // Some are narrowed, up to four times.
    for _ in 0..random.below(9).saturating_sub(4) {
        let narrowing = Narrowing {
            expires_at: Some(UnixSeconds(base.issued_at.0 + 900)),
            ..Narrowing::default()
        };
        text = narrow(&text, &narrowing).expect("short enough").secret_str().to_owned();
    }
    Key { text, id: base.key_id }
}

pub(crate) fn any_token(random: &mut Seeded) -> String {
    let chance = URL_SAFE_NO_PAD.encode(random.bytes(32));
    format!("wkboot_{}_{}_{chance}", 1 + random.below(65_535), 1_700_000_000 + random.below(1_000))
}

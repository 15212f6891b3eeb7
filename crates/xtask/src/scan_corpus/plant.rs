//! Credentials that are planted in other people's source, to see that they are found there.

use std::ops::Range;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use wardkey::{
    AudienceId, Base, Constraints, Environment, Epoch, FindingKind, KeyId, Prefix, ScopeSet,
    SigningKeyId, StatusIndex, Subject, TenantId, UnixSeconds,
};
use wardkey_provision::{TenantSecret, key_text};

/// In which way a credential is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Base64,
    CutShort,
    Mistyped,
    Token,
}

pub(super) const KINDS: [Kind; 5] =
    [Kind::Key, Kind::Base64, Kind::CutShort, Kind::Mistyped, Kind::Token];

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "whole keys of any brand",
            Self::Base64 => "whole keys in base64",
            Self::CutShort => "keys cut short",
            Self::Mistyped => "keys with one wrong character",
            Self::Token => "bootstrap tokens",
        }
    }
}

/// What was planted, where, and as what it must be found.
pub(super) struct Planted {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    pub(super) finding: FindingKind,
}

/// Plants a credential of any kind at any place.
pub(super) fn one(file: &mut Vec<u8>, random: &mut Seeded) -> Planted {
    let kind = random.pick(&KINDS);
    let (text, finding) = credential(kind, random);
    let at = random.below(file.len() + 1);
    let range = at..at + text.len();
    file.splice(at..at, text.bytes());
    Planted { kind, range, finding }
}

fn credential(kind: Kind, random: &mut Seeded) -> (String, FindingKind) {
    let any = ["wk", "wkadmin", "acme", "billing2", "a1", "abcdefghijkl"];
    let known = ["wk", "wkadmin"];
    let brands = if matches!(kind, Kind::Key | Kind::Base64) { &any[..] } else { &known };
    let (text, id) = key(random.pick(brands), random);
    match kind {
        Kind::Key => (text, FindingKind::Key(id)),
        Kind::Base64 => (STANDARD.encode(text), FindingKind::Key(id)),
        Kind::CutShort => {
            let cut = 1 + random.below(27);
            let kept = text.len() - cut;
            (text.chars().take(kept).collect(), FindingKind::DamagedKey)
        }
        Kind::Mistyped => {
            let place = text.len() - 1 - random.below(60);
            let change = |(at, old): (usize, char)| match (at == place, old) {
                (true, 'x') => 'y',
                (true, _) => 'x',
                _ => old,
            };
            (text.chars().enumerate().map(change).collect(), FindingKind::DamagedKey)
        }
        Kind::Token => {
            let chance: Vec<u8> = (0..32).map(|_| random.byte()).collect();
            let chance = URL_SAFE_NO_PAD.encode(chance);
            let (tenant, expiry) = (random.below(65_536), 1_800_000_000 + random.below(1_000_000));
            (format!("wkboot_{tenant}_{expiry}_{chance}"), FindingKind::BootstrapToken)
        }
    }
}

/// A key of a tenant that exists in this run only.
fn key(brand: &str, random: &mut Seeded) -> (String, KeyId) {
    let tenant = TenantId(u16::from(random.byte()));
    let secret = TenantSecret::new(tenant, std::array::from_fn(|_| random.byte()));
    let key_id = KeyId(std::array::from_fn(|_| random.byte()));
    let issued_at = 1_700_000_000 + u32::from(random.byte()) * 100_000;
    let subject = "svc:".to_owned() + &"planted-".repeat(1 + random.below(7));
    let environment = random.pick(&[Environment::Live, Environment::Test]);
    let made = (|| {
        let base = Base {
            signing_key: SigningKeyId { tenant, audience: AudienceId(1), epoch: Epoch::FIRST },
            key_id,
            status_index: StatusIndex(u32::from(random.byte()) * 8),
            issued_at: UnixSeconds(issued_at),
            expires_at: UnixSeconds(issued_at + 3_600),
            subject: Subject::new(&subject).ok()?,
            scopes: ScopeSet::from_iter([random.byte()]),
            constraints: Constraints {
                not_before: random.pick(&[None, Some(UnixSeconds(issued_at + 60))]),
                ..Constraints::default()
            },
        };
        key_text(&secret, &Prefix::new(brand, environment).ok()?, &base).ok()
    })();
    // Every value above is one that a key may hold; an empty text would not be found and fail the run.
    (made.map(|text| text.secret_str().to_owned()).unwrap_or_default(), key_id)
}

/// Randomness that is the same in every run (splitmix64).
pub(super) struct Seeded(u64);

impl Seeded {
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        let [first, ..] = self.next().to_be_bytes();
        first
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        #[expect(
            clippy::indexing_slicing,
            reason = "below the length; what is picked from is never empty"
        )]
        from[self.below(from.len())]
    }
}

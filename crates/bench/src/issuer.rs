//! An issuer of ours, and what its verifiers hold.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use anyhow::{Context, Result, ensure};
use wardkey::{
    Adoption, AudienceId, Base, Bounds, Catalog, Constraints, Cutoff, Decision, Environment, Epoch,
    KeyId, KeySet, List, Prefix, Query, Refresh, Registry, Requirement, ScopeSet, SigningKey,
    SigningKeyId, State, StatusIndex, Subject, TenantId, UnixMillis, UnixSeconds, UnverifiedHead,
};
use wardkey_provision::{
    AudiencePolicy, ChangeLog, HeadAudience, HeadBody, LiveSigningKey, ScopePolicy, TenantSecret,
    key_set_bytes, key_text, state_bytes,
};

use crate::claims::{ASKED, SCOPES, subject};
use crate::rounds::Chance;

/// One audience with so many signing keys.
pub(crate) struct Issuer {
    pub(crate) secret: TenantSecret,
    pub(crate) prefix: Prefix,
    audience: AudiencePolicy,
    signing_keys: Vec<LiveSigningKey>,
}

/// What a verifier holds, and what it asks for.
pub(crate) struct Verifier {
    pub(crate) key_set: KeySet,
    pub(crate) list: Option<List<Vec<u8>>>,
    pub(crate) required: Requirement,
}

/// What a list is made of.
pub(crate) struct ListParts {
    pub(crate) state: Vec<u8>,
    pub(crate) head: HeadBody,
}

impl Issuer {
    pub(crate) fn new(signing_keys: u8) -> Result<Self> {
        let scope = |(number, name): (u8, &&str)| ScopePolicy {
            number,
            name: (*name).to_owned(),
            risk: if *name == STRICT { "strict" } else { "standard" }.to_owned(),
        };
        let window = |number| {
            Some(LiveSigningKey {
                epoch: Epoch::new(number)?,
                mint_from: UnixSeconds(ISSUED - 3_600),
                mint_until: UnixSeconds(ISSUED + 3_600),
                verify_until: UnixSeconds(ISSUED + 100_000),
            })
        };
        Ok(Self {
            secret: TenantSecret::new(TenantId(7), [7; 32]),
            prefix: Prefix::new("wk", Environment::Live)?,
            audience: AudiencePolicy {
                number: AUDIENCE.0,
                name: "billing".to_owned(),
                scopes: (0..).zip(SCOPES.iter().chain(&[STRICT])).map(scope).collect(),
                max_lifetime_s: 86_400,
                ..AudiencePolicy::default()
            },
            signing_keys: (1..=signing_keys).map(window).collect::<Option<_>>().context("epoch")?,
        })
    }

    /// The base of a key of the last signing key, like any other's but for its number.
    pub(crate) fn base(&self, number: usize) -> Result<Base> {
        let epoch = self.signing_keys.last().context("no signing key")?.epoch;
        Ok(Base {
            signing_key: self.signing_key_id(epoch),
            key_id: KeyId((number as u64).to_be_bytes()),
            status_index: StatusIndex(FLOOR + 1 + 2 * number as u32),
            issued_at: UnixSeconds(ISSUED),
            expires_at: UnixSeconds(ISSUED + 7_200),
            subject: Subject::new(&subject(number % 100))?,
            scopes: ScopeSet::from_iter(0..8),
            constraints: Constraints::default(),
        })
    }

    pub(crate) fn signing_key_id(&self, epoch: Epoch) -> SigningKeyId {
        SigningKeyId { tenant: self.secret.tenant(), audience: AUDIENCE, epoch }
    }

    pub(crate) fn key(&self, base: &Base) -> Result<String> {
        Ok(key_text(&self.secret, &self.prefix, base)?.secret_str().to_owned())
    }

    /// A key that the right signing key has not signed.
    pub(crate) fn forged(&self, base: &Base) -> Result<String> {
        let key = wardkey::KeyText::sign(&self.prefix, base, &SigningKey::new(&[1; 32]))?;
        Ok(key.secret_str().to_owned())
    }

    /// A list of so many indexes, of which about one in a thousand is dead, and never an odd one.
    pub(crate) fn list(&self, bit_count: u32) -> Result<ListParts> {
        let mut bits = vec![0_u8; (bit_count as usize).div_ceil(8)];
        let mut chance = Chance(bit_count.into());
        for _ in 0..bit_count / 1_000 {
            let bit = chance.below(bit_count) & !1;
            if let Some(byte) = bits.get_mut(bit as usize / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
        let state = state_bytes(FLOOR, bit_count, &bits);
        let head = HeadBody {
            sequence: 5,
            state_digest: State::parse(&state)?.digest(),
            issued_at: NOW,
            cutoff: Cutoff(UnixSeconds(0)),
            audiences: vec![HeadAudience {
                audience: AUDIENCE,
                current_key_set: KEY_SET_VERSION,
                least_key_set: KEY_SET_VERSION,
                cutoff: Cutoff(UnixSeconds(0)),
            }],
            dead: Vec::new(),
            changes: ChangeLog::default(),
        };
        Ok(ListParts { state, head })
    }

    pub(crate) fn key_set(&self) -> Result<Vec<u8>> {
        let bytes = key_set_bytes(
            &self.secret,
            &self.audience,
            &self.prefix,
            KEY_SET_VERSION,
            &Bounds::DEFAULT,
            &self.signing_keys,
        )?;
        Ok(bytes.to_vec())
    }

    /// A verifier with this list.
    pub(crate) fn verifier(&self, parts: Option<&ListParts>) -> Result<Verifier> {
        let bytes = self.key_set()?;
        let (key_set, catalog) = KeySet::parse(&bytes)?;
        let list = parts.map(|parts| adopted(&self.secret, &key_set, parts)).transpose()?;
        let required = Requirement::all_of(&catalog, [ASKED])?;
        Ok(Verifier { key_set, list, required })
    }

    /// What else can be asked for.
    pub(crate) fn required(
        &self,
        build: impl Fn(&Catalog<'_>) -> Result<Requirement>,
    ) -> Result<Requirement> {
        build(&KeySet::parse(&self.key_set()?)?.1)
    }
}

fn adopted(secret: &TenantSecret, key_set: &KeySet, parts: &ListParts) -> Result<List<Vec<u8>>> {
    let head = parts.head.sign(secret)?;
    let head = UnverifiedHead::parse(&head)?.authenticate(key_set)?;
    let mut list = None;
    let state = Some(State::parse(&parts.state)?);
    let adoption = List::adopt(&mut list, &head, state, NOW, key_set.bounds())?;
    ensure!(adoption == Adoption::Adopted, "the list is not adopted");
    list.context("no list")
}

impl Verifier {
    /// Decides as a host does first.
    pub(crate) fn decide(&self, key: &str) -> Decision {
        let query = Query {
            required: &self.required,
            now: NOW,
            caller: Some(CALLER),
            refresh: Refresh::NotTried,
            registry: Registry::NotAsked,
        };
        wardkey::verify(&self.key_set, self.list.as_ref(), key, query)
    }

    pub(crate) fn shared(self) -> Rc<Self> {
        Rc::new(self)
    }
}

/// The audience of all keys.
pub(crate) const AUDIENCE: AudienceId = AudienceId(2);
/// The edition of the key set.
pub(crate) const KEY_SET_VERSION: u32 = 3;
/// The one scope that the registry is asked about each time.
pub(crate) const STRICT: &str = "payouts:create";
/// When the keys were issued.
pub(crate) const ISSUED: u32 = 1_700_000_000;
/// The clock: the head has just been made.
pub(crate) const NOW: UnixMillis = UnixMillis(1_700_001_000_000);
/// The list's floor.
pub(crate) const FLOOR: u32 = 800;
/// An address that a caller may have.
pub(crate) const CALLER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

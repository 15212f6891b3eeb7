//! A tenant with one audience, whose every part a test may bend.

use std::net::IpAddr;

use wardkey::{
    Adoption, AudienceId, Base, Bounds, Catalog, Constraints, Cutoff, Decision, Environment, Epoch,
    KeyId, KeySet, List, Prefix, Query, Refresh, Registry, Requirement, ScopeSet, SigningKey,
    SigningKeyId, State, StatusIndex, Subject, Tag, TenantId, UnixMillis, UnixSeconds,
    UnverifiedHead, Zone,
};
use wardkey_provision::{
    AudiencePolicy, ChangeLog, HeadAudience, HeadBody, LiveSigningKey, ScopePolicy, TenantSecret,
    key_set_bytes, key_text, state_bytes,
};

/// When the usual key was issued, in Unix seconds.
pub(crate) const ISSUED: u32 = 1_700_000_000;
/// When it expires.
pub(crate) const EXPIRES: u32 = ISSUED + 7_200;
/// The usual clock: 1,000 s after the issue.
pub(crate) const NOW: UnixMillis = UnixMillis((ISSUED as u64 + 1_000) * 1_000);
/// The usual key's number in the list.
pub(crate) const INDEX: u32 = 808;
/// The usual key-set version.
pub(crate) const VERSION: u32 = 3;
pub(crate) const TENANT: TenantId = TenantId(7);
pub(crate) const AUDIENCE: AudienceId = AudienceId(2);

/// The first millisecond of a second.
pub(crate) fn ms(second: u32) -> u64 {
    u64::from(second) * 1_000
}

/// What a test may bend before it makes bytes of it.
pub(crate) struct Tenant {
    pub(crate) secret: TenantSecret,
    pub(crate) audience: AudiencePolicy,
    pub(crate) prefix: Prefix,
    pub(crate) bounds: Bounds,
    pub(crate) key_set_version: u32,
    pub(crate) signing_keys: Vec<LiveSigningKey>,
    pub(crate) floor: u32,
    pub(crate) bits: Vec<u8>,
    pub(crate) head: HeadBody,
}

/// A key set with its catalog.
pub(crate) struct Verifier {
    pub(crate) key_set: KeySet,
    pub(crate) catalog: Catalog<'static>,
}

impl Tenant {
    pub(crate) fn new() -> Self {
        Self::of(TENANT, AUDIENCE, 1)
    }

    pub(crate) fn of(tenant: TenantId, audience: AudienceId, secret: u8) -> Self {
        let scope = |number, name: &str, risk: &str| ScopePolicy {
            number,
            name: name.into(),
            risk: risk.into(),
        };
        Self {
            secret: TenantSecret::new(tenant, [secret; 32]),
            audience: AudiencePolicy {
                number: audience.0,
                name: "billing".into(),
                scopes: vec![
                    scope(0, "invoice:list", "low"),
                    scope(1, "invoice:read", "standard"),
                    scope(2, "invoice:write", "high"),
                    scope(9, "invoice:void", "strict"),
                    scope(39, "invoice:print", "low"),
                ],
                max_lifetime_s: 86_400,
                ..AudiencePolicy::default()
            },
            prefix: Prefix::new("wk", Environment::Live).expect("a prefix"),
            bounds: Bounds::DEFAULT,
            key_set_version: VERSION,
            signing_keys: vec![signing_key(1)],
            floor: 800,
            bits: vec![0, 0],
            head: HeadBody {
                sequence: 5,
                state_digest: [0; 32],
                issued_at: NOW,
                cutoff: Cutoff(UnixSeconds(0)),
                audiences: vec![HeadAudience {
                    audience,
                    current_key_set: VERSION,
                    least_key_set: VERSION,
                    cutoff: Cutoff(UnixSeconds(0)),
                }],
                dead: vec![],
                changes: ChangeLog::default(),
            },
        }
    }

    /// The usual key's words: every scope but the last.
    pub(crate) fn base(&self) -> Base {
        Base {
            signing_key: SigningKeyId {
                tenant: self.secret.tenant(),
                audience: self.audience.id(),
                epoch: Epoch::FIRST,
            },
            key_id: KeyId([0, 1, 2, 3, 4, 5, 6, 255]),
            status_index: StatusIndex(INDEX),
            issued_at: UnixSeconds(ISSUED),
            expires_at: UnixSeconds(EXPIRES),
            subject: Subject::new("svc:billing").expect("a subject"),
            scopes: ScopeSet::from_iter([0, 1, 2, 9]),
            constraints: Constraints::default(),
        }
    }

    pub(crate) fn text(&self, base: &Base) -> String {
        let text = key_text(&self.secret, &self.prefix, base).expect("a key");
        text.secret_str().to_owned()
    }

    pub(crate) fn key(&self) -> String {
        self.text(&self.base())
    }

    pub(crate) fn key_set_bytes(&self) -> Vec<u8> {
        let bytes = key_set_bytes(
            &self.secret,
            &self.audience,
            &self.prefix,
            self.key_set_version,
            &self.bounds,
            &self.signing_keys,
        );
        bytes.expect("a key set").to_vec()
    }

    pub(crate) fn verifier(&self) -> Verifier {
        let (key_set, catalog) =
            KeySet::parse(self.key_set_bytes().leak()).expect("what provision writes, core reads");
        Verifier { key_set, catalog }
    }

    pub(crate) fn state_bytes(&self) -> Vec<u8> {
        let bit_count = u32::try_from(self.bits.len() * 8).expect("few bits");
        state_bytes(self.floor, bit_count, &self.bits)
    }

    pub(crate) fn state(&self) -> State<Vec<u8>> {
        State::parse(&self.state_bytes()).expect("a state")
    }

    pub(crate) fn head_bytes(&self) -> Vec<u8> {
        let body = HeadBody { state_digest: self.state().digest(), ..self.head.clone() };
        body.sign(&self.secret).expect("a head")
    }

    /// The list as a verifier takes it that has none, at the moment that its head was made.
    pub(crate) fn list(&self) -> List<Vec<u8>> {
        self.list_of(&self.head_bytes())
    }

    pub(crate) fn list_of(&self, head: &[u8]) -> List<Vec<u8>> {
        let key_set = self.verifier().key_set;
        let head = UnverifiedHead::parse(head).expect("a head").authenticate(&key_set);
        let head = head.expect("an authentic head");
        let (now, mut list) = (head.head().issued_at(), None);
        let adopted = List::adopt(&mut list, &head, Some(self.state()), now, key_set.bounds());
        assert_eq!(adopted, Ok(Adoption::Adopted));
        list.expect("adopted")
    }

    /// The decision on the usual key for a low scope, at the usual time.
    pub(crate) fn decided(&self) -> &'static str {
        let verifier = self.verifier();
        word(&verifier.decide(Some(&self.list()), &self.key(), &verifier.low(), NOW))
    }
}

/// A signing key whose windows hold the usual key with an hour to spare.
pub(crate) fn signing_key(epoch: u8) -> LiveSigningKey {
    LiveSigningKey {
        epoch: Epoch::new(epoch).expect("not 0"),
        mint_from: UnixSeconds(ISSUED - 3_600),
        mint_until: UnixSeconds(ISSUED + 3_600),
        verify_until: UnixSeconds(EXPIRES + 3_600),
    }
}

impl Verifier {
    pub(crate) fn all_of(&self, names: &[&str]) -> Requirement {
        Requirement::all_of(&self.catalog, names.iter().copied()).expect("known scopes")
    }

    pub(crate) fn low(&self) -> Requirement {
        self.all_of(&["invoice:list"])
    }

    pub(crate) fn strict(&self) -> Requirement {
        self.all_of(&["invoice:void"])
    }

    /// Decides with nothing asked yet.
    pub(crate) fn decide(
        &self,
        list: Option<&List<Vec<u8>>>,
        key: &str,
        required: &Requirement,
        now: UnixMillis,
    ) -> Decision {
        self.decide_after(list, key, required, now, Refresh::NotTried, Registry::NotAsked)
    }

    pub(crate) fn decide_after(
        &self,
        list: Option<&List<Vec<u8>>>,
        key: &str,
        required: &Requirement,
        now: UnixMillis,
        refresh: Refresh,
        registry: Registry,
    ) -> Decision {
        let query = Query { required, now, caller: None, refresh, registry };
        wardkey::verify(&self.key_set, list, key, query)
    }
}

impl Verifier {
    /// Decides for a caller, at the usual time.
    pub(crate) fn decide_from(
        &self,
        caller: Option<IpAddr>,
        list: &List<Vec<u8>>,
        key: &str,
        required: &Requirement,
    ) -> Decision {
        let (refresh, registry) = (Refresh::NotTried, Registry::NotAsked);
        let query = Query { required, now: NOW, caller, refresh, registry };
        wardkey::verify(&self.key_set, Some(list), key, query)
    }
}

/// The tag of a key with one more block: HMAC fills a key of 16 bytes with zeros, as it does one of 32.
pub(crate) fn tag_after(tag: &Tag, block: &[u8]) -> Tag {
    let mut secret = [0; 32];
    secret[..16].copy_from_slice(tag.secret_bytes());
    SigningKey::new(&secret).tag(block)
}

/// A decision in words, for tables.
pub(crate) fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allow(allow) => match allow.list.zone {
            Zone::Fresh => "allow fresh",
            Zone::MustAsk => "allow must_ask",
            Zone::Stale => "allow stale",
            Zone::Registry => "allow registry",
        },
        Decision::Deny(denial) => denial.reason.as_str(),
        Decision::Ask(wardkey::Ask::Refresh) => "ask refresh",
        Decision::Ask(wardkey::Ask::Registry(_)) => "ask registry",
    }
}

/// A key's text from bytes that no issuer would write: prefix, payload up to the checksum.
///
/// Checksum and base64url are the test's own, bit by bit, so that they check the core's.
pub(crate) fn handmade(prefix: &str, checked: &[u8]) -> String {
    let mut crc = u32::MAX;
    for byte in prefix.as_bytes().iter().chain(checked) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    let payload = [checked, &(!crc).to_be_bytes()].concat();
    let mut text = String::from(prefix);
    for group in payload.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let digit = (bits >> (18 - 6 * place)) & 63;
            text.push(*ALPHABET.get(digit as usize).expect("6 bits") as char);
        }
    }
    text
}

/// The digits of base64url (RFC 4648 section 5).
pub(crate) const ALPHABET: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A base as the core encodes it.
pub(crate) fn encoded(base: &Base) -> Vec<u8> {
    let mut bytes = vec![0; wardkey::MAX_BASE_LEN];
    let len = base.encode(&mut bytes).expect("a base");
    bytes.truncate(len);
    bytes
}

impl Tenant {
    /// A key's text over any bytes, with the right tag of epoch 1 and the right checksum: what a
    /// careless issuer with the signing key could write.
    pub(crate) fn tagged(&self, base: &[u8]) -> String {
        let tag = self.secret.signing_key(self.base().signing_key).tag(base);
        handmade(self.prefix.as_str(), &[base, tag.secret_bytes()].concat())
    }
}

//! A verifier with a good key and a good head, and forgeries of both: for what needs one verifier and no more. `issuer.rs` has
//! issuers of any kind.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wardkey::{
    Adoption, Ask, AudienceId, AuthenticHead, Base, Bounds, Catalog, Constraints, Cutoff, Decision,
    Environment, Epoch, HeadError, KeyId, KeySet, List, Narrowing, Prefix, Query, Reason, Refresh,
    Registry, Requirement, ScopeSet, SigningKeyId, State, StatusIndex, Subject, TAG_LEN, TenantId,
    UnixMillis, UnixSeconds, UnverifiedHead,
};
use wardkey_provision::{
    AudiencePolicy, ChangeLog, HeadAudience, HeadBody, LiveSigningKey, ScopePolicy, TenantSecret,
    key_set_bytes, key_text, state_bytes,
};

use crate::spelling;

/// The bytes that a verifier is given, and a key that it allows.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// A key set with its catalog.
    pub key_set: Vec<u8>,
    /// A head for it.
    pub head: Vec<u8>,
    /// The state that the head names; no key is dead.
    pub state: Vec<u8>,
    /// A key that may do [`SCOPE`].
    pub key: String,
}

/// What a verifier makes of a [`Fixture`].
#[derive(Debug)]
pub struct Verifier {
    /// Its key set.
    pub key_set: KeySet,
    /// The list in force.
    pub list: List<Vec<u8>>,
    /// What is asked for: [`SCOPE`].
    pub required: Requirement,
}

/// The scope that the good key is asked for.
pub const SCOPE: &str = "invoice:list";
/// The clock: the head has just been made.
pub const NOW: UnixMillis = UnixMillis(1_700_001_000_000);

impl Fixture {
    /// The fixture of a tenant whose secret is `secret`, 32 times; `None` never.
    pub fn new(secret: u8) -> Option<Self> {
        let tenant = TenantSecret::new(TenantId(7), [secret; 32]);
        let audience = AudienceId(2);
        let prefix = Prefix::new("wk", Environment::Live).ok()?;
        let scope = |number, name: &str, risk: &str| ScopePolicy {
            number,
            name: name.into(),
            risk: risk.into(),
        };
        let policy = AudiencePolicy {
            number: audience.0,
            name: "billing".into(),
            scopes: vec![scope(0, SCOPE, "low"), scope(9, "invoice:void", "strict")],
            max_lifetime_s: 86_400,
            ..AudiencePolicy::default()
        };
        let issued = EXPIRES - 7_200;
        let signing_key = LiveSigningKey {
            epoch: Epoch::FIRST,
            mint_from: UnixSeconds(issued - 3_600),
            mint_until: UnixSeconds(issued + 3_600),
            verify_until: UnixSeconds(issued + 10_800),
        };
        let key_set =
            key_set_bytes(&tenant, &policy, &prefix, 3, &Bounds::DEFAULT, &[signing_key]).ok()?;
        let state = state_bytes(800, 16, &[0, 0]);
        let head = HeadBody {
            sequence: 5,
            state_digest: State::parse(&state).ok()?.digest(),
            issued_at: NOW,
            cutoff: Cutoff(UnixSeconds(0)),
            audiences: vec![HeadAudience {
                audience,
                current_key_set: 3,
                least_key_set: 3,
                cutoff: Cutoff(UnixSeconds(0)),
            }],
            dead: vec![],
            changes: ChangeLog::default(),
        };
        let base = Base {
            signing_key: SigningKeyId {
                tenant: tenant.tenant(),
                audience,
                epoch: signing_key.epoch,
            },
            key_id: KeyId([0, 1, 2, 3, 4, 5, 6, 255]),
            status_index: StatusIndex(808),
            issued_at: UnixSeconds(issued),
            expires_at: UnixSeconds(EXPIRES),
            subject: Subject::new("svc:billing").ok()?,
            scopes: ScopeSet::from_iter([0, 9]),
            constraints: Constraints::default(),
        };
        let key = key_text(&tenant, &prefix, &base).ok()?.secret_str().to_owned();
        Some(Self { key_set: key_set.to_vec(), head: head.sign(&tenant).ok()?, state, key })
    }

    /// The verifier of this fixture's key set, head and state; `None` never.
    pub fn verifier(&self) -> Option<Verifier> {
        let (key_set, catalog) = KeySet::parse(&self.key_set).ok()?;
        let head = head(&self.head, &key_set)?;
        let list = list(&head, &self.state, &key_set)?;
        let required = required(&catalog)?;
        Some(Verifier { key_set, list, required })
    }

    /// The same with the good key narrowed so many times, each time by a minute of its life.
    pub fn narrowed(&self, times: u32) -> Option<Self> {
        let mut fixture = self.clone();
        for minutes in 1..=times {
            let expires_at = Some(UnixSeconds(EXPIRES - 60 * minutes));
            let narrowing = Narrowing { expires_at, ..Narrowing::default() };
            fixture.key = wardkey::narrow(&fixture.key, &narrowing).ok()?.secret_str().to_owned();
        }
        Some(fixture)
    }

    /// The good key with its tag changed by `change`, and the right checksum again.
    pub fn with_tag(&self, change: impl FnOnce(&mut [u8; TAG_LEN])) -> Option<String> {
        let (prefix, encoded) = self.key.split_at_checked(spelling::prefix_len(&self.key)?)?;
        let payload = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (checked, _) = payload.split_last_chunk::<4>()?;
        let mut checked = checked.to_vec();
        change(checked.last_chunk_mut()?);
        Some(with_checksum(prefix, &checked))
    }

    /// The good key with one bit of its tag changed.
    pub fn forged(&self, byte: usize, bit: u8) -> Option<String> {
        self.with_tag(|tag| {
            if let Some(byte) = tag.get_mut(byte) {
                *byte ^= 1 << (bit % 8);
            }
        })
    }

    /// The head with one bit of its tag changed; as it is where there is no such byte.
    pub fn forged_head(&self, byte: usize, bit: u8) -> Vec<u8> {
        let mut head = self.head.clone();
        let tag = head.last_chunk_mut::<TAG_LEN>();
        if let Some(byte) = tag.and_then(|tag| tag.get_mut(byte)) {
            *byte ^= 1 << (bit % 8);
        }
        head
    }
}

impl Verifier {
    /// Decides about a key, as a host does first.
    pub fn decide(&self, key: &str) -> Decision {
        wardkey::verify(&self.key_set, Some(&self.list), key, query(&self.required))
    }
}

/// The text of a key from its prefix and what the checksum is over, whether any issuer would write it
/// or not.
pub fn with_checksum(prefix: &str, checked: &[u8]) -> String {
    let (mut payload, mut text) = (checked.to_vec(), vec![]);
    spelling::push_checksum(prefix.as_bytes(), &mut payload);
    spelling::write_text(prefix.as_bytes(), &payload, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// CRC-32 (ISO-HDLC): not the core's own.
pub fn checksum(prefix: &str, checked: &[u8]) -> u32 {
    spelling::checksum(prefix.as_bytes(), checked)
}

/// The first question of a host, with nothing asked yet.
pub const fn query(required: &Requirement) -> Query<'_> {
    Query {
        required,
        now: NOW,
        caller: None,
        refresh: Refresh::NotTried,
        registry: Registry::NotAsked,
    }
}

/// The head from its bytes.
pub fn head<'b>(bytes: &'b [u8], key_set: &KeySet) -> Option<AuthenticHead<'b>> {
    UnverifiedHead::parse(bytes).ok()?.authenticate(key_set).ok()
}

/// The list from its parts.
pub fn list(head: &AuthenticHead<'_>, state: &[u8], key_set: &KeySet) -> Option<List<Vec<u8>>> {
    list_at(head, state, key_set, NOW)
}

/// The list from its parts, as a verifier takes it then.
pub(crate) fn list_at(
    head: &AuthenticHead<'_>,
    state: &[u8],
    key_set: &KeySet,
    now: UnixMillis,
) -> Option<List<Vec<u8>>> {
    let mut list = None;
    let state = State::parse(state).ok()?;
    match List::adopt(&mut list, head, Some(state), now, key_set.bounds()) {
        Ok(Adoption::Adopted) => list,
        _ => None,
    }
}

/// What is asked for.
pub fn required(catalog: &Catalog<'_>) -> Option<Requirement> {
    Requirement::all_of(catalog, [SCOPE]).ok()
}

/// A decision in a word or two.
pub fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allow(_) => "allow",
        Decision::Ask(Ask::Refresh) => "ask refresh",
        Decision::Ask(Ask::Registry(_)) => "ask registry",
        Decision::Deny(denial) => denial.reason.as_str(),
    }
}

/// What came of authenticating a head, in a word.
pub fn head_word(read: &Result<AuthenticHead<'_>, HeadError>) -> &'static str {
    read.as_ref().map_or_else(|error| error.as_str(), |_| "authentic")
}

/// The word for a wrong tag.
pub fn bad_tag() -> &'static str {
    Reason::BadTag.as_str()
}

/// When the good key expires.
const EXPIRES: u32 = 1_700_007_200;

//! A verifier of one audience whose every secret is at hand, made of obviously fixed bytes.

use std::net::IpAddr;
use std::sync::OnceLock;

use wardkey::{
    Adoption, Catalog, Decision, KeySet, List, ListKey, Query, Refresh, Registry, Requirement,
    RiskLevel, SigningKey, State, Tag, UnixMillis, UnverifiedHead,
};

use crate::head_form::{AudienceForm, HeadForm, LogForm};
use crate::key_set_form::{EntryForm, KeySetForm, ScopeForm};
use crate::state_form::StateForm;

pub(crate) const TENANT: u16 = 7;
pub(crate) const AUDIENCE: u8 = 2;
pub(crate) const VERSION: u32 = 3;
pub(crate) const PREFIX: &str = "wk_test_";
/// When the usual key was issued, in Unix seconds.
pub(crate) const ISSUED: u32 = 1_700_000_000;
/// The usual clock, and when the usual head was made.
pub(crate) const NOW: u64 = (ISSUED as u64 + 1_000) * 1_000;
pub(crate) const MAX_SKEW_MS: u64 = 5_000;
/// How far around [`ISSUED`] the signing keys' windows reach, in seconds.
pub(crate) const WINDOW: u32 = 3_600;
pub(crate) const VERIFY_UNTIL: u32 = ISSUED + 86_400;
/// Dead: 802 and 809, and all below 800.
pub(crate) const STATE: StateForm<'_> =
    StateForm { floor: 800, bit_count: 16, bits: &[0b0000_0100, 0b0000_0010] };
/// Number, name and risk level (`low` is 0) of each scope.
pub(crate) const SCOPES: [(u8, &str, u8); 5] = [
    (0, "doc:list", 0),
    (1, "doc:read", 1),
    (2, "doc:write", 2),
    (9, "doc:void", 3),
    (39, "doc:print", 0),
];

/// Signs the keys of epoch 1 and 2, and the heads for the audience.
pub(crate) const SIGNING_SECRETS: [[u8; 32]; 2] = [[0x11; 32], [0x22; 32]];
pub(crate) const LIST_SECRET: [u8; 32] = [0x33; 32];
/// In the stranger's key set, and never used to sign anything here.
const UNUSED_SECRET: [u8; 32] = [0x77; 32];

/// A key set with its catalog, and what it can decide with.
pub(crate) struct World {
    pub(crate) key_set: KeySet,
    pub(crate) catalog: Catalog<'static>,
    /// The same key set with secrets that sign nothing: whatever it takes is forged.
    pub(crate) stranger: KeySet,
    /// With the usual state; an hour of life from [`NOW`] on.
    pub(crate) lists: [ListCase; 4],
}

/// A list, and what its head says that a key may run into.
pub(crate) struct ListCase {
    pub(crate) list: Option<List<Vec<u8>>>,
    pub(crate) cutoff: u32,
    pub(crate) dead_epoch: u8,
    pub(crate) least_key_set: u32,
}

pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (key_set, catalog) = parsed(SIGNING_SECRETS, LIST_SECRET);
        let (stranger, _) = parsed([UNUSED_SECRET; 2], UNUSED_SECRET);
        let lists = [
            ListCase { list: None, cutoff: 0, dead_epoch: 0, least_key_set: 0 },
            ListCase { list: None, cutoff: 0, dead_epoch: 0, least_key_set: VERSION },
            ListCase { list: None, cutoff: ISSUED + 10, dead_epoch: 2, least_key_set: VERSION },
            ListCase { list: None, cutoff: 0, dead_epoch: 0, least_key_set: VERSION + 1 },
        ];
        let lists = lists.map(|case| match case.least_key_set {
            0 => case,
            _ => ListCase { list: Some(list(&key_set, &head(&case))), ..case },
        });
        World { key_set, catalog, stranger, lists }
    })
}

pub(crate) fn signing_key(epoch: u8) -> SigningKey {
    SigningKey::new(&SIGNING_SECRETS[usize::from(epoch == 2)])
}

/// The tag of base and blocks: each tag is the key of the next.
pub(crate) fn chain(key: &SigningKey, base: &[u8], blocks: &[&[u8]]) -> Tag {
    blocks.iter().fold(key.tag(base), |tag, block| {
        // HMAC fills short keys up with zeros, so that these 32 bytes are the same key as the 16.
        let mut padded = [0; 32];
        padded[..16].copy_from_slice(tag.secret_bytes());
        SigningKey::new(&padded).tag(block)
    })
}

/// A head's bytes: a body that may be anything, and the tags that its registry would give it.
pub(crate) fn signed(body: &[u8]) -> Vec<u8> {
    let mut bytes = body.to_vec();
    for audience in HeadForm::audiences_of(body) {
        let tag = list_key(audience).tag(body);
        bytes.extend(tag.secret_bytes());
    }
    bytes
}

pub(crate) fn list_key(audience: u8) -> ListKey {
    ListKey::new(&if audience == AUDIENCE { LIST_SECRET } else { [audience; 32] })
}

/// What the usual head says.
pub(crate) fn usual_head() -> HeadForm {
    HeadForm {
        tenant: TENANT,
        sequence: NOW,
        digest: STATE.digest(),
        issued_at: NOW,
        not_after: NOW + 3_600_000,
        cutoff: 0,
        audiences: vec![AudienceForm {
            number: AUDIENCE,
            current: VERSION,
            least: VERSION,
            cutoff: 0,
        }],
        dead: vec![],
        log: LogForm::default(),
    }
}

/// What the usual key set says.
pub(crate) fn usual_key_set() -> KeySetForm {
    key_set_form(SIGNING_SECRETS, LIST_SECRET)
}

/// The requirement of a selector: bits 0 to 4 choose scopes (none: the first), bit 5 makes it any-of,
/// bit 6 strict.
pub(crate) fn requirement(selector: u8) -> Requirement {
    let names = named(selector).map(|(_, name, _)| name);
    let catalog = &world().catalog;
    let built = if selector & 0x20 == 0 {
        Requirement::all_of(catalog, names)
    } else {
        Requirement::any_of(catalog, names)
    };
    let built = built.expect("known scopes");
    if selector & 0x40 == 0 { built } else { built.strict() }
}

/// The scopes of a selector.
pub(crate) fn named(selector: u8) -> impl Iterator<Item = (u8, &'static str, u8)> {
    let places = if selector & 0x1f == 0 { 1 } else { selector & 0x1f };
    (0..5).filter(move |place| places >> place & 1 == 1).map(|place| SCOPES[place])
}

/// The one place that asks the core, so that what a question holds is written once.
pub(crate) fn decide(
    key_set: &KeySet,
    list: Option<&List<Vec<u8>>>,
    text: &str,
    required: &Requirement,
    now: u64,
    caller: Option<IpAddr>,
    (refresh, registry): (Refresh, Registry),
) -> Decision {
    wardkey::verify(
        key_set,
        list,
        text,
        Query { required, now: UnixMillis(now), caller, refresh, registry },
    )
}

/// A decision in a word.
pub(crate) fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allow(allow) => allow.list.zone.as_str(),
        Decision::Deny(denial) => denial.reason.as_str(),
        Decision::Ask(wardkey::Ask::Refresh) => "ask_refresh",
        Decision::Ask(wardkey::Ask::Registry(_)) => "ask_registry",
    }
}

fn parsed(secrets: [[u8; 32]; 2], list: [u8; 32]) -> (KeySet, Catalog<'static>) {
    let bytes = key_set_form(secrets, list).write();
    KeySet::parse(bytes.leak()).expect("a key set")
}

fn key_set_form(secrets: [[u8; 32]; 2], list: [u8; 32]) -> KeySetForm {
    let entry = |epoch, key| EntryForm {
        epoch,
        key,
        prefix: PREFIX.as_bytes().to_vec(),
        mint_from: ISSUED - WINDOW,
        mint_until: ISSUED + WINDOW,
        verify_until: VERIFY_UNTIL,
    };
    let scope =
        |(number, name, risk): (u8, &str, u8)| ScopeForm { number, risk, name: name.into() };
    KeySetForm {
        tenant: TENANT,
        audience: AUDIENCE,
        version: VERSION,
        bounds: [5_000, 30_000, 300_000, 3_600_000, 5_000],
        list_key: list,
        entries: vec![entry(1, secrets[0]), entry(2, secrets[1])],
        scopes: SCOPES.map(scope).to_vec(),
    }
}

fn head(case: &ListCase) -> Vec<u8> {
    let mut form = usual_head();
    form.cutoff = case.cutoff;
    form.audiences[0].least = case.least_key_set;
    form.audiences[0].current = case.least_key_set;
    form.dead.extend((case.dead_epoch != 0).then_some((AUDIENCE, case.dead_epoch)));
    signed(&form.write())
}

fn list(key_set: &KeySet, head: &[u8]) -> List<Vec<u8>> {
    let head = UnverifiedHead::parse(head).expect("a head").authenticate(key_set);
    let state = State::parse(&STATE.write()).expect("a state");
    let mut list = None;
    let head = head.expect("an authentic head");
    let adopted = List::adopt(&mut list, &head, Some(state), UnixMillis(NOW), key_set.bounds());
    assert_eq!(adopted, Ok(Adoption::Adopted));
    list.expect("adopted")
}

/// The bound of a level, in milliseconds.
pub(crate) fn max_staleness(level: RiskLevel) -> u64 {
    match level {
        RiskLevel::Low => 3_600_000,
        RiskLevel::Standard => 300_000,
        RiskLevel::High | RiskLevel::Strict => 30_000,
    }
}

//! What mutants are made from, and the one verifier that judges them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wardkey::{
    Ask, Base, Decision, Environment, Epoch, Prefix, Query, Refresh, Registry, Requirement,
    SigningKey, TAG_LEN, UnixMillis,
};

use crate::chance::Chance;
use crate::drawn::{Aim, DrawnKey, drawn_caller, drawn_narrowing};
use crate::fixture::{NOW, bad_tag, word};
use crate::issuer::{Issuer, World};
use crate::model::{Asked, Parts, Said};
use crate::spelling;

/// Good keys of one verifier and of strangers, and what else there is to make mutants of.
pub(super) struct Pool {
    pub(super) world: World,
    pub(super) required: Requirement,
    /// What is required: one scope of low risk that all keys have.
    pub(super) scope: (u8, String),
    pub(super) now: UnixMillis,
    pub(super) caller: IpAddr,
    /// The verifier's own first.
    pub(super) keys: Vec<GoodKey>,
    pub(super) own: usize,
    /// The verifier's own by their text.
    by_text: BTreeMap<String, usize>,
    /// Blocks that holders of any of them appended, whole, and what they say.
    pub(super) blocks: Vec<(Vec<u8>, Parts)>,
    /// Signing keys and list keys with which nothing may be signed that the verifier allows.
    pub(super) wrong_keys: Vec<SigningKey>,
    /// The verifier's own signing keys with the four bytes that name them in a base.
    pub(super) signing_keys: Vec<([u8; 4], SigningKey)>,
    /// What a verifier says that takes a mutant for one of its keys.
    pub(super) allowed: Decision,
    /// What it says of a wrong tag.
    pub(super) refused: Decision,
}

/// A key that some verifier allows, in its parts.
pub(super) struct GoodKey {
    pub(super) text: String,
    pub(super) prefix: Vec<u8>,
    /// Base, blocks and tag.
    pub(super) payload: Vec<u8>,
    pub(super) base_len: usize,
    /// Where fields begin: the base's, then blocks, the tag, the end.
    pub(super) edges: Vec<usize>,
    /// Where length bytes stand.
    pub(super) lengths: Vec<usize>,
    pub(super) blocks: Vec<(usize, usize)>,
    /// The tag before its last block; its own where it has none.
    pub(super) shorter: [u8; TAG_LEN],
    pub(super) said: Said,
}

impl Pool {
    /// The pool of a seed and a number; `None` never.
    pub(super) fn new(seed: u64, number: u64) -> Option<Self> {
        let mut chance = Chance::new(seed, u64::MAX - number);
        let world = (0..100).find_map(|_| {
            // One that has something to swap.
            World::drawn(&mut chance, NOW).filter(|world| world.issuer.signers.len() > 2)
        })?;
        let scope = world.issuer.catalog.first().map(|scope| (scope.number, scope.name.clone()))?;
        let required = Requirement::all_of(&world.catalog()?, [&*scope.1]).ok()?;
        let strangers = strangers(&world.issuer, &mut chance)?;
        let wrong_keys = strangers.iter().flat_map(|stranger| {
            let signers = stranger.signers.iter().map(|signer| signer.secret);
            signers.chain([stranger.list_key]).map(|secret| SigningKey::new(&secret))
        });
        let wrong_keys = wrong_keys.chain([SigningKey::new(&world.issuer.list_key)]).collect();
        let signing_keys = world.issuer.signers.iter().map(|signer| {
            let [high, low] = world.issuer.tenant.to_be_bytes();
            let name = [high, low, world.issuer.audience, signer.epoch.number()];
            (name, SigningKey::new(&signer.secret))
        });
        let signing_keys = signing_keys.collect();
        let caller = drawn_caller(&mut chance);
        let unread = || Decision::Ask(Ask::Refresh);
        let mut pool = Self {
            world,
            required,
            scope,
            now: NOW,
            caller,
            keys: vec![],
            own: 0,
            by_text: BTreeMap::new(),
            blocks: vec![],
            wrong_keys,
            signing_keys,
            allowed: unread(),
            refused: unread(),
        };
        for _ in 0..OWN {
            let index = pool.world.living(&mut chance)?;
            pool.add(&pool.world.issuer.clone(), index, &mut chance)?;
        }
        pool.own = pool.keys.len();
        pool.add_unkind_blocks(&mut chance)?;
        let texts = pool.keys.iter().enumerate().map(|(place, key)| (key.text.clone(), place));
        pool.by_text = texts.collect();
        for stranger in strangers {
            for _ in 0..OF_A_STRANGER {
                let index = pool.world.living(&mut chance)?;
                pool.add(&stranger, index, &mut chance)?;
            }
        }
        let first = pool.keys.first()?;
        let mut forged = first.payload.clone();
        *forged.last_mut()? ^= 1;
        let mut text = vec![];
        spelling::push_checksum(&first.prefix, &mut forged);
        spelling::write_text(&first.prefix, &forged, &mut text);
        pool.allowed = pool.decide(&first.text);
        pool.refused = pool.decide(str::from_utf8(&text).ok()?);
        let as_meant = [word(&pool.allowed), word(&pool.refused)] == ["allow", bad_tag()];
        as_meant.then_some(pool)
    }

    /// Adds blocks that may take away what is asked for.
    fn add_unkind_blocks(&mut self, chance: &mut Chance) -> Option<()> {
        let aim = Aim { now: self.now, caller: self.caller, core: &[], kind: false };
        let index = self.world.living(chance)?;
        let drawn = DrawnKey::minted(&self.world.issuer, index, aim, chance)?;
        for _ in 0..UNKIND {
            let parts = drawn_narrowing(&self.world.issuer, aim, chance);
            let key = GoodKey::of(&drawn.narrowed(parts.clone())?, None)?;
            let (from, to) = *key.blocks.last()?;
            self.blocks.push((key.payload.get(from..to)?.to_vec(), parts));
        }
        Some(())
    }

    /// Adds a key and all that its holders make of it, one after the other.
    fn add(&mut self, issuer: &Issuer, index: u32, chance: &mut Chance) -> Option<()> {
        let core = &[self.scope.0];
        let aim = Aim { now: self.now, caller: self.caller, core, kind: true };
        let mut drawn = DrawnKey::minted(issuer, index, aim, chance)?;
        let mut key = GoodKey::of(&drawn, None)?;
        for _ in 0..chance.below(5) {
            let parts = drawn_narrowing(issuer, aim, chance);
            let Some(narrowed) = drawn.narrowed(parts.clone()) else { break };
            drawn = narrowed;
            let next = GoodKey::of(&drawn, Some(*key.tag()?))?;
            let (from, to) = *next.blocks.last()?;
            self.blocks.push((next.payload.get(from..to)?.to_vec(), parts));
            self.keys.push(std::mem::replace(&mut key, next));
        }
        self.keys.push(key);
        Some(())
    }

    /// Decides as a host does first.
    pub(super) fn decide(&self, text: &str) -> Decision {
        let query = Query {
            required: &self.required,
            now: self.now,
            caller: Some(self.caller),
            refresh: Refresh::NotTried,
            registry: Registry::NotAsked,
        };
        wardkey::verify(&self.world.key_set, Some(&self.world.list), text, query)
    }

    /// The verifier's own key of this text.
    pub(super) fn own(&self, text: &str) -> Option<&GoodKey> {
        self.by_text.get(text).and_then(|place| self.keys.get(*place))
    }

    /// What the model is asked.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            scopes: std::slice::from_ref(&self.scope.0),
            any: false,
            now_ms: self.now.0,
            skew_ms: self.world.key_set.bounds().max_skew_ms(),
            caller: Some(self.caller),
        }
    }
}

impl GoodKey {
    fn of(drawn: &DrawnKey, shorter: Option<[u8; TAG_LEN]>) -> Option<Self> {
        let text = drawn.text.clone();
        let (prefix, mut payload) = unspelt(&text)?;
        payload.truncate(payload.len().checked_sub(4)?);
        let tag_at = payload.len().checked_sub(TAG_LEN)?;
        let (_, base_len) = Base::decode(payload.get(..tag_at)?).ok()?;
        // Version, tenant, audience, epoch, key id, status index, issued-at, expires-at, subject.
        let mut edges = vec![0, 1, 3, 4, 5, 13, 17, 21, SUBJECT];
        let mut lengths = vec![SUBJECT];
        let byte = |place: usize| payload.get(place).copied().map(usize::from);
        let mut place = SUBJECT + 1 + (byte(SUBJECT)? & 63);
        while place < base_len {
            edges.push(place);
            lengths.push(place);
            place += 1 + byte(place)?;
        }
        let mut blocks = vec![];
        while place < tag_at {
            edges.push(place);
            let end = place + 2 + byte(place + 1)?;
            blocks.push((place, end));
            lengths.push(place + 1);
            place += 2;
            while place < end {
                lengths.push(place + 1);
                place += 2 + byte(place + 1)?;
            }
        }
        edges.extend([tag_at, payload.len()]);
        let shorter = shorter.or_else(|| payload.last_chunk().copied())?;
        let said = drawn.said.clone();
        Some(Self { text, prefix, payload, base_len, edges, lengths, blocks, shorter, said })
    }

    pub(super) fn tag(&self) -> Option<&[u8; TAG_LEN]> {
        self.payload.last_chunk()
    }
}

/// Prefix and payload of a text, by another base64 than the core's.
pub(super) fn unspelt(text: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (prefix, encoded) = text.split_at_checked(spelling::prefix_len(text)?)?;
    Some((prefix.into(), URL_SAFE_NO_PAD.decode(encoded).ok()?))
}

/// Issuers of other tenants, audiences, epochs and secrets, whose keys look like the verifier's.
fn strangers(own: &Issuer, chance: &mut Chance) -> Option<[Issuer; 5]> {
    let mut other = || {
        let mut other = own.clone();
        other.list_key = chance.bytes();
        other.signers.iter_mut().for_each(|signer| signer.secret = chance.bytes());
        other
    };
    let mut strangers = [(); 5].map(|()| other());
    let [_twin, tenant, audience, administration, epochs] = &mut strangers;
    tenant.tenant = own.tenant.wrapping_add(1);
    audience.audience = own.audience % 255 + 1;
    administration.audience = 0;
    let known: Vec<_> = own.signers.iter().map(|signer| signer.epoch).collect();
    let mut unknown = (1..=255).filter_map(Epoch::new).filter(|epoch| !known.contains(epoch));
    for signer in &mut epochs.signers {
        signer.epoch = unknown.next()?;
    }
    let brand = Prefix::new("other", Environment::Live).ok()?;
    tenant.signers.iter_mut().for_each(|signer| signer.prefix = brand);
    Some(strangers)
}

/// Where the subject's length stands.
pub(super) const SUBJECT: usize = 25;
/// Keys that the verifier's issuer makes.
const OWN: usize = 40;
/// Keys that each stranger makes.
const OF_A_STRANGER: usize = 6;
/// Blocks that may take away what is asked for.
const UNKIND: usize = 30;

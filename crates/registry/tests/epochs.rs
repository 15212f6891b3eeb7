//! Signing keys follow each other, die of a compromise, and end, while exactly one mints at every second.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use rand_core::Rng as _;
use wardkey::{
    Adoption, Bounds, Decision, KeySet, List, Query, Reason, Refresh, Registry, Requirement, State,
    UnixMillis, UnverifiedHead, UnverifiedKey, verify,
};
use wardkey_provision::{AudiencePolicy, KeyRequest, Policy, ScopePolicy};
use wardkey_registry::{
    AuditEntry, Call, Conflict, Created, GenerationState, KeyView, ReadKey, RegistryError, Reply,
    RevocationRequest, RevokeRequest, RevokeSelfRequest, RotateRequest, RotateSigningKeysRequest,
    Selector, SigningKeysRotated, Store, StrictVerdict, Value, WireBytes,
};
use wardkey_testkit::{Book, api_policy, authority, bootstrap_call, key_request, seeded_rng};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const LONGEST_S: u32 = 90 * 24 * 3600;

struct Tenant {
    book: Book,
    admin: String,
}

impl Tenant {
    /// A tenant whose administrator lives for ten years.
    fn new() -> Self {
        Self::with(api_policy().unwrap())
    }

    fn with(policy: Policy) -> Self {
        let book = Book::in_memory(4).unwrap();
        let admin = bootstrap(&book, 1, Some(policy)).unwrap();
        Self { book, admin }
    }

    fn rotate(
        &self,
        audience: &str,
        request: RotateSigningKeysRequest,
    ) -> Result<SigningKeysRotated, RegistryError> {
        let (authority, audience) = (authority(&self.admin, None), audience.into());
        match self.book.ask(Call::RotateSigningKeys { authority, audience, request })? {
            Reply::SigningKeys(rotated) => Ok(rotated),
            other => panic!("{other:?}"),
        }
    }

    fn plan(&self, audience: &str) -> Result<SigningKeysRotated, RegistryError> {
        self.rotate(audience, planned())
    }

    fn compromise(&self, audience: &str) -> Result<SigningKeysRotated, RegistryError> {
        self.rotate(audience, compromised())
    }

    fn create(&self, audience: &str, expires_in: u32) -> Created {
        let request =
            KeyRequest { audience: audience.into(), expires_in, ..key_request(&["reports:read"]) };
        let authority = authority(&self.admin, None);
        self.book.ask_created(Call::CreateKey { authority, request }).unwrap()
    }

    fn key_set(&self, audience: &str) -> Vec<u8> {
        let authority = authority(&self.admin, None);
        let call =
            Call::AdmitVerifier { authority, audience: Some(audience.into()), has: Vec::new() };
        match self.book.ask(call).unwrap() {
            Reply::Verifier(material) => material.key_set.unwrap().as_bytes().to_vec(),
            other => panic!("{other:?}"),
        }
    }

    fn head(&self) -> Vec<u8> {
        bytes(self.book.ask(Call::Head).unwrap())
    }

    /// The list that a verifier with a key set has after a refresh now.
    fn list(&self, key_set: &KeySet) -> List<Vec<u8>> {
        let head = self.head();
        let head = UnverifiedHead::parse(&head).unwrap().authenticate(key_set).unwrap();
        let digest = WireBytes::new(head.head().state_digest());
        let call = Call::State { sequence: head.head().sequence(), digest };
        let state = State::parse(&bytes(self.book.ask(call).unwrap())).unwrap();
        let mut list = None;
        let now = self.book.now().max(head.head().issued_at());
        let adopted = List::adopt(&mut list, &head, Some(state), now, &Bounds::DEFAULT);
        assert_eq!(adopted, Ok(Adoption::Adopted));
        list.unwrap()
    }

    /// What the core says of a key, with a key set and a list or the newest.
    fn verdict(&self, key_set: &[u8], list: Option<&List<Vec<u8>>>, key: &str) -> &'static str {
        let (key_set, catalog) = KeySet::parse(key_set).unwrap();
        let required = Requirement::all_of(&catalog, ["reports:read"]).unwrap();
        let newest;
        let list = match list {
            Some(list) => list,
            None => {
                newest = self.list(&key_set);
                &newest
            }
        };
        let query = Query {
            required: &required,
            // A verifier's clock does not step back with the registry's.
            now: self.book.now().max(list.head().issued_at()),
            caller: None,
            refresh: Refresh::Failed,
            registry: Registry::NotAsked,
        };
        match verify(&key_set, Some(list), key, query) {
            Decision::Allow(_) => "allow",
            Decision::Deny(denial) => denial.reason.as_str(),
            Decision::Ask(_) => "ask",
        }
    }

    /// The registry's own word.
    fn word(&self, key: &str) -> String {
        let parsed = UnverifiedKey::parse(key).unwrap();
        let mut base = [0; wardkey::MAX_BASE_LEN];
        let len = parsed.unproven_base().encode(&mut base).unwrap();
        let base = WireBytes::new(&base[..len]);
        match self.book.ask(Call::Check { base, request_id: "req_check".into() }).unwrap() {
            Reply::Checked(StrictVerdict::Alive { .. }) => "alive".into(),
            Reply::Checked(StrictVerdict::Dead { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn view(&self, key_id: &str) -> KeyView {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        match self.book.ask(Call::ReadKey { authority, key_id, what: ReadKey::Record }).unwrap() {
            Reply::Key(view) => view,
            other => panic!("{other:?}"),
        }
    }

    fn record_version(&self, key_id: &str) -> u64 {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        match self.book.ask(Call::ReadKey { authority, key_id, what: ReadKey::Pointer }).unwrap() {
            Reply::Pointer(pointer) => pointer.version,
            other => panic!("{other:?}"),
        }
    }

    fn entries(&self) -> Vec<AuditEntry> {
        let authority = authority(&self.admin, None);
        match self.book.ask(Call::ReadAudit { authority, after: 0, limit: 200 }).unwrap() {
            Reply::Audit(page) => page.entries,
            other => panic!("{other:?}"),
        }
    }

    fn second(&self) -> u32 {
        self.book.now().second().unwrap().0
    }

    /// The living windows of an audience, ascending by epoch.
    fn windows(&self, audience: u8) -> Vec<(u32, u32)> {
        let rows = self.book.store.query(
            "SELECT mint_from, mint_until FROM signing_key
             WHERE audience = ? AND dead_at IS NULL AND retired_at IS NULL ORDER BY epoch",
            &[audience.into()],
        );
        let number = |value: &Value| match value {
            Value::Integer(number) => u32::try_from(*number).unwrap(),
            other => panic!("{other:?}"),
        };
        rows.unwrap().iter().map(|row| (number(&row.0[0]), number(&row.0[1]))).collect()
    }
}

fn bootstrap(book: &Book, hash: u8, policy: Option<Policy>) -> Result<String, RegistryError> {
    let mut call = bootstrap_call(1, [hash; 32], policy, None);
    if let Call::Bootstrap { request, .. } = &mut call {
        request.expires_in = 10 * 365 * 24 * 3600;
    }
    Ok(text(&book.ask_created(call)?))
}

fn planned() -> RotateSigningKeysRequest {
    RotateSigningKeysRequest {
        compromised: false,
        mint_from_in_s: None,
        reason: None,
        force: false,
    }
}

fn compromised() -> RotateSigningKeysRequest {
    RotateSigningKeysRequest { compromised: true, ..planned() }
}

fn text(created: &Created) -> String {
    created.key.as_ref().unwrap().secret_str().to_owned()
}

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bytes(bytes) => bytes.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    }
}

fn epoch_of(key: &str) -> u8 {
    UnverifiedKey::parse(key).unwrap().unproven_base().signing_key.epoch.number()
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) -> (Conflict, String) {
    match outcome {
        Err(RegistryError::Conflict { conflict, detail }) => (conflict, detail),
        other => panic!("{other:?}"),
    }
}

/// What a head says.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// Audience, current and least edition.
    audiences: Vec<(u8, u32, u32)>,
    /// Audience and epoch.
    dead: Vec<(u8, u8)>,
}

fn told(head: &[u8]) -> Told {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let count = usize::from(head[63]);
    let audiences = head[64..64 + 13 * count].chunks(13);
    let audiences = audiences.map(|entry| (entry[0], number(&entry[1..5]), number(&entry[5..9])));
    let rest = &head[64 + 13 * count..];
    let dead = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    let dead = rest[2..2 + 2 * dead].chunks(2).map(|pair| (pair[0], pair[1]));
    Told { audiences: audiences.collect(), dead: dead.collect() }
}

#[test]
fn exactly_one_epoch_mints_at_every_second_whatever_is_planned_declared_or_set_back() {
    const SEED: u64 = 20_261_125;
    println!("seed {SEED}");
    let tenant = Tenant::new();
    let mut rng = seeded_rng(SEED);
    let (mut planned_times, mut killed_times, mut refused) = (0, 0, 0);
    let (mut rotations, mut latest) = ([0_u32; 3], tenant.second());
    for _ in 0..400 {
        let at = rng.next_u32() as usize % 3;
        let audience = ["wardkey", "api", "jobs"][at];
        match rng.next_u32() % 10 {
            // Audience 0 is not killed here: that ends the one who asks.
            0 | 1 if audience != "wardkey" && rotations[at] < 250 => {
                tenant.compromise(audience).unwrap();
                rotations[at] += 1;
                killed_times += 1;
            }
            0..=4 if rotations[at] < 250 => {
                let wait = Some(7200 + rng.next_u32() % 100_000);
                let request = RotateSigningKeysRequest { mint_from_in_s: wait, ..planned() };
                match tenant.rotate(audience, request) {
                    Ok(_) => {
                        rotations[at] += 1;
                        planned_times += 1;
                    }
                    Err(RegistryError::Conflict { conflict, .. }) => {
                        assert!(matches!(
                            conflict,
                            Conflict::EpochPending | Conflict::TooManyEpochs
                        ));
                        refused += 1;
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
            5 => tenant.book.set_now(tenant.book.now().0 - u64::from(rng.next_u32() % 20_000_000)),
            6 => tenant.book.pass(u64::from(rng.next_u32() % 30) * DAY_MS),
            _ => tenant.book.pass(u64::from(rng.next_u32() % 20_000_000)),
        }
        let key = text(&tenant.create(["api", "jobs"][at % 2], 3600));
        assert_eq!(tenant.word(&key), "alive");
        assert_eq!(tenant.verdict(&tenant.key_set(["api", "jobs"][at % 2]), None, &key), "allow");
        latest = latest.max(tenant.second());
        for audience in 0..3 {
            let windows = tenant.windows(audience);
            assert!(windows.len() <= 8);
            assert!(windows.windows(2).all(|pair| pair[0].1 < pair[1].0), "no overlap");
            // An epoch whose keys were short-lived may retire before an earlier one: that gap is past.
            let from_now = windows.iter().filter(|window| window.1 >= latest).collect::<Vec<_>>();
            assert!(from_now[0].0 <= latest, "somebody mints now");
            assert!(from_now.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "no gap");
            assert_eq!(from_now.last().unwrap().1, u32::MAX, "the last one is open");
        }
    }
    println!("{planned_times} planned, {killed_times} compromised, {refused} refused");
    assert!(planned_times > 40 && killed_times > 30 && refused > 10);
}

#[test]
fn keys_of_the_last_and_of_the_first_second_verify_as_far_as_key_sets_know_their_epochs() {
    let tenant = Tenant::new();
    let first_set = tenant.key_set("api");
    let start = tenant.second();
    let rotated = tenant.plan("api").unwrap();
    let mint_from = start + 7200;
    assert_eq!((rotated.epoch, rotated.key_set_version), (2, Some(2)));
    assert_eq!((rotated.least_key_set_version, rotated.keys_to_reissue), (Some(1), 0));
    let [old, new] = rotated.epochs.as_slice() else { panic!("{:?}", rotated.epochs) };
    assert_eq!((old.mint_until, new.mint_from), (Some(mint_from - 1), mint_from));
    assert_eq!(old.verify_until, Some(mint_from - 1 + LONGEST_S));
    assert_eq!((new.mint_until, new.verify_until), (None, None));
    // The entry is in key sets two hours before its first mint; another audience notices nothing.
    let second_set = tenant.key_set("api");
    assert_eq!(KeySet::parse(&second_set).unwrap().0.version(), 2);
    assert_eq!(KeySet::parse(&tenant.key_set("jobs")).unwrap().0.version(), 1);
    assert_eq!(told(&tenant.head()).audiences, [(1, 2, 1), (2, 1, 1)]);

    tenant.book.set_now(u64::from(mint_from) * 1000 - 1);
    let last = text(&tenant.create("api", LONGEST_S));
    tenant.book.pass(1);
    let first = text(&tenant.create("api", LONGEST_S));
    assert_eq!((epoch_of(&last), epoch_of(&first)), (1, 2));
    for (set, key, expected) in [
        (&second_set, &last, "allow"),
        (&second_set, &first, "allow"),
        (&first_set, &last, "allow"),
        // One that missed two hours of heads: it is below the current edition, not below the least.
        (&first_set, &first, "unknown_signing_key"),
    ] {
        assert_eq!(tenant.verdict(set, None, key), expected);
    }
    for key in [&last, &first] {
        assert_eq!(tenant.word(key), "alive");
    }
    // To the last second that the key of the last second may live it is inside its window.
    tenant.book.set_now(u64::from(mint_from - 1 + LONGEST_S) * 1000 - 1);
    assert_eq!(tenant.verdict(&second_set, None, &last), "allow");
    tenant.book.pass(1);
    assert_eq!(tenant.verdict(&second_set, None, &last), "expired");
}

#[test]
fn a_compromise_kills_every_key_of_the_audience_at_every_path_and_no_other() {
    let tenant = Tenant::new();
    let (seen, unseen) = (tenant.create("api", 3600), tenant.create("api", LONGEST_S));
    let gone = tenant.create("api", 60);
    let jobs = tenant.create("jobs", 3600);
    assert_eq!(tenant.word(&text(&seen)), "alive");
    let first_set = tenant.key_set("api");
    tenant.plan("api").unwrap();
    let second_set = tenant.key_set("api");
    tenant.book.pass(61_000);
    let before = tenant.list(&KeySet::parse(&second_set).unwrap().0);
    let version = tenant.record_version(&seen.view.key_id);

    let rotated = tenant.compromise("api").unwrap();
    assert_eq!(rotated.dead_epochs, [1, 2], "the planned one too: key sets hold it");
    assert_eq!((rotated.epoch, rotated.keys_to_reissue), (3, 2), "{gone:?} has expired");
    assert_eq!((rotated.key_set_version, rotated.least_key_set_version), (Some(3), Some(3)));
    assert!(rotated.bound.is_some());
    assert_eq!(rotated.epochs.len(), 1);
    assert_eq!(rotated.epochs[0].mint_from, tenant.second(), "it mints at once");
    let Told { audiences, dead } = told(&tenant.head());
    assert_eq!(audiences, [(1, 3, 3), (2, 1, 1)]);
    assert_eq!(dead, [(1, 1), (1, 2)]);

    let third_set = tenant.key_set("api");
    for created in [&seen, &unseen] {
        let key = text(created);
        // Key sets from before decide nothing once the head is there; with the head from before they do.
        assert_eq!(tenant.verdict(&first_set, None, &key), "no_key_set");
        assert_eq!(tenant.verdict(&second_set, None, &key), "no_key_set");
        assert_eq!(tenant.verdict(&second_set, Some(&before), &key), "allow");
        assert_eq!(tenant.verdict(&third_set, None, &key), "unknown_signing_key");
        assert_eq!(tenant.word(&key), "revoked");
        let itself = Call::RevokeSelf {
            authority: authority(&key, None),
            request: RevokeSelfRequest::default(),
        };
        let refused = tenant.book.ask(itself).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::UnknownSigningKey));
    }
    assert_eq!(tenant.word(&text(&jobs)), "alive");
    assert_eq!(tenant.verdict(&tenant.key_set("jobs"), None, &text(&jobs)), "allow");

    // Its readers see that it is dead, and a copy of the record outside is known as an old one.
    let view = tenant.view(&seen.view.key_id);
    assert_eq!(view.generations[0].state, GenerationState::Revoked);
    assert_eq!(view.generations[0].end_reason.as_deref(), Some("its signing key was compromised"));
    let changed = tenant.record_version(&seen.view.key_id);
    assert!(changed > version);
    assert_eq!(tenant.record_version(&seen.view.key_id), changed, "once");
    assert_eq!(tenant.view(&jobs.view.key_id).generations[0].state, GenerationState::Active);

    // It is issued anew under its own name; what has expired is not.
    let again = |key_id: &str| {
        let (authority, key_id) = (authority(&tenant.admin, None), key_id.into());
        let request = RotateRequest::default();
        tenant.book.ask_created(Call::RotateKey { authority, key_id, request })
    };
    for created in [&seen, &unseen] {
        let new = again(&created.view.key_id).unwrap();
        assert_eq!(new.view.key_id, created.view.key_id);
        assert_eq!(tenant.verdict(&third_set, None, &text(&new)), "allow");
        assert_eq!(tenant.word(&text(&new)), "alive");
        assert_eq!(tenant.word(&text(created)), "revoked");
    }
    assert_eq!(conflict(again(&gone.view.key_id)).0, Conflict::KeyEnded);
    // A second compromise finds those that were issued anew and no others.
    assert_eq!(tenant.compromise("api").unwrap().keys_to_reissue, 2);
    assert_eq!(tenant.compromise("api").unwrap().keys_to_reissue, 0);
    let log = tenant.entries();
    assert!(log.iter().any(|entry| entry.target.as_deref() == Some("epoch 3 instead of 1, 2")));
    let acts: Vec<_> = log.into_iter().map(|entry| entry.action).collect();
    assert_eq!(acts.iter().filter(|act| *act == "signing_key.compromise").count(), 3);
    assert_eq!(acts.iter().filter(|act| *act == "signing_key.rotate").count(), 1);
}

/// What died with its signing key alone is issued anew; what was to end anyway is not.
#[test]
fn only_what_died_of_a_compromise_alone_is_issued_anew() {
    let tenant = Tenant::new();
    let once = |expires_in| {
        let request = KeyRequest { expires_in, ..key_request(&["reports:read"]) };
        let call = Call::CreateKey { authority: authority(&tenant.admin, Some("once")), request };
        tenant.book.ask_created(call).unwrap()
    };
    let two = once(LONGEST_S);
    let rotate = |key_id: &str| {
        let (authority, key_id) = (authority(&tenant.admin, None), key_id.into());
        let request = RotateRequest::default();
        tenant.book.ask_created(Call::RotateKey { authority, key_id, request })
    };
    rotate(&two.view.key_id).unwrap();
    assert_eq!(conflict(rotate(&two.view.key_id)).0, Conflict::RotationInProgress);
    let revoke = |select| {
        let request = RevocationRequest { select, reason: None, force: false };
        let call = Call::Revoke { authority: authority(&tenant.admin, None), request };
        tenant.book.ask(call).unwrap();
    };
    let named = |subject: &str| {
        let request = KeyRequest { subject: subject.into(), ..key_request(&["reports:read"]) };
        let call = Call::CreateKey { authority: authority(&tenant.admin, None), request };
        tenant.book.ask_created(call).unwrap()
    };
    let (before, after, single) = (named("svc:before"), named("svc:after"), named("svc:single"));
    let subject = |name: &str| Selector::Subject { subject: name.into(), audience: None };
    revoke(subject("svc:before"));
    assert_eq!(tenant.compromise("api").unwrap().keys_to_reissue, 3);
    // The same request again does not give a text that is dead.
    assert!(once(LONGEST_S).key.is_none());
    revoke(subject("svc:after"));
    let call = Call::RevokeKey {
        authority: authority(&tenant.admin, None),
        key_id: single.view.key_id.clone(),
        request: RevokeRequest::default(),
    };
    tenant.book.ask(call).unwrap();
    for ended in [&before, &after, &single] {
        assert_eq!(conflict(rotate(&ended.view.key_id)).0, Conflict::KeyEnded);
    }
    // Both generations are dead, and neither is in the way of the next.
    let third = rotate(&two.view.key_id).unwrap();
    assert_eq!(third.view.generations.len(), 3);
    assert_eq!(tenant.word(&text(&third)), "alive");
    // What a cut-off has killed as well stays dead, also before its row says so.
    let cut = tenant.create("api", 3600);
    tenant.compromise("api").unwrap();
    let sql = "UPDATE audience SET cutoff = ? WHERE number = 1";
    tenant.book.store.execute(sql, &[tenant.second().into()]).unwrap();
    assert_eq!(conflict(rotate(&cut.view.key_id)).0, Conflict::KeyEnded);
    assert_eq!(tenant.word(&text(&tenant.create("api", 3600))), "alive");
}

#[test]
fn a_dead_id_leaves_the_head_when_no_head_without_it_can_be_in_force() {
    let tenant = Tenant::new();
    tenant.compromise("api").unwrap();
    tenant.book.pass(10_000);
    tenant.compromise("jobs").unwrap();
    assert_eq!(told(&tenant.head()).dead, [(1, 1), (2, 1)]);
    let due = tenant.book.registry().next_due().unwrap().unwrap();
    // The records are due before.
    assert!(due <= tenant.book.now().plus(HOUR_MS - 10_000));
    tenant.book.pass(HOUR_MS - 10_001);
    assert_eq!(told(&tenant.head()).dead, [(1, 1), (2, 1)]);
    let before = tenant.head();
    tenant.book.pass(1);
    // Nobody calls: the alarm does it.
    tenant.book.registry().apply_deadlines(tenant.book.now()).unwrap();
    let after = tenant.head();
    assert_eq!(told(&after).dead, [(2, 1)]);
    assert!(after[3..11] > before[3..11], "what a head says changes with its sequence alone");
    // A clock that steps back brings nothing back.
    tenant.book.set_now(tenant.book.now().0 - HOUR_MS);
    assert_eq!(told(&tenant.head()).dead, [(2, 1)]);
    tenant.book.pass(HOUR_MS + 10_000);
    assert_eq!(told(&tenant.head()).dead, Vec::new());
    let key_set = KeySet::parse(&tenant.key_set("api")).unwrap().0;
    assert_eq!(key_set.version(), 2, "its leaving is none of the key set's business");
}

#[test]
fn an_epoch_leaves_key_sets_a_day_after_its_last_key_could_expire() {
    let tenant = Tenant::new();
    tenant.plan("api").unwrap();
    let end_ms = u64::from(tenant.second() + 7199 + LONGEST_S) * 1000 + DAY_MS;
    tenant.book.set_now(end_ms - 1);
    let held = tenant.key_set("api");
    let version = |bytes: &[u8]| KeySet::parse(bytes).unwrap().0.version();
    assert_eq!(version(&held), 2);
    assert_eq!(tenant.windows(1).len(), 2);
    // All records are written: what is due next is the end of the epoch.
    tenant.book.store.execute("DELETE FROM outbox", &[]).unwrap();
    assert_eq!(tenant.book.registry().next_due().unwrap(), Some(UnixMillis(end_ms)));
    tenant.book.pass(1);
    tenant.book.registry().apply_deadlines(tenant.book.now()).unwrap();
    assert_eq!(tenant.book.registry().next_due().unwrap(), None);
    let without = tenant.key_set("api");
    assert_eq!(version(&without), 3);
    assert!(without.len() < held.len());
    assert_eq!(told(&tenant.head()).audiences, [(1, 3, 1), (2, 1, 1)]);
    assert_eq!(tenant.windows(1).len(), 1);
    let retired: Vec<_> =
        tenant.entries().into_iter().filter(|entry| entry.action == "signing_key.retire").collect();
    assert_eq!(retired.len(), 1);
    assert_eq!((retired[0].audience, retired[0].target.as_deref()), (1, Some("epoch 1")));
    // Its number is not given again.
    assert_eq!(tenant.plan("api").unwrap().epoch, 3);
}

#[test]
fn an_old_epoch_verifies_as_long_as_the_longest_key_that_it_signed() {
    let mut policy = api_policy().unwrap();
    policy.audiences[0].max_lifetime_s = 3600;
    let tenant = Tenant::with(policy);
    let key = text(&tenant.create("api", 3600));
    // As if an earlier policy had allowed longer lifetimes.
    let expiry = tenant.second() + 5_000_000;
    let sql = "UPDATE generation SET expires_at = ? WHERE epoch = 1 AND status_index = ?";
    let index = UnverifiedKey::parse(&key).unwrap().unproven_base().status_index.0;
    tenant.book.store.execute(sql, &[expiry.into(), index.into()]).unwrap();
    assert_eq!(tenant.plan("api").unwrap().epochs[0].verify_until, Some(expiry));
    assert_eq!(
        tenant.plan("jobs").unwrap().epochs[0].verify_until,
        Some(tenant.second() + 7199 + LONGEST_S)
    );
}

#[test]
fn a_key_that_would_outlive_its_signing_key_is_not_made() {
    let tenant = Tenant::new();
    tenant.plan("api").unwrap();
    // As if a later policy had allowed longer lifetimes meanwhile.
    let mut policy = api_policy().unwrap();
    policy.audiences[0].max_lifetime_s = 2 * LONGEST_S;
    let policy = serde_json_text(&policy);
    tenant.book.store.execute("UPDATE tenant SET policy = ?", &[policy.into()]).unwrap();
    let ask = |expires_in| {
        let request = KeyRequest { expires_in, ..key_request(&["reports:read"]) };
        tenant
            .book
            .ask_created(Call::CreateKey { authority: authority(&tenant.admin, None), request })
    };
    assert!(ask(LONGEST_S + 7199).is_ok());
    match ask(LONGEST_S + 7200) {
        Err(RegistryError::Forbidden { rule, detail }) => {
            assert_eq!(rule, "signing_key_ends");
            assert!(detail.contains(&(tenant.second() + 7200).to_string()), "{detail}");
        }
        other => panic!("{other:?}"),
    }
    tenant.book.pass(7_200_000);
    assert!(ask(2 * LONGEST_S).is_ok());
}

fn serde_json_text(policy: &Policy) -> String {
    // The policy as the registry keeps it, through a bootstrap of another book.
    let book = Book::in_memory(9).unwrap();
    bootstrap(&book, 9, Some(policy.clone())).unwrap();
    match book.store.query("SELECT policy FROM tenant", &[]).unwrap()[0].0[0].clone() {
        Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn more_epochs_than_a_key_set_holds_are_refused_until_a_place_is_free() {
    let tenant = Tenant::new();
    let first_ends = tenant.second() + 7199 + LONGEST_S;
    for n in 2..=8 {
        assert_eq!(tenant.plan("api").unwrap().epoch, n);
        assert_eq!(conflict(tenant.plan("api")).0, Conflict::EpochPending);
        tenant.book.pass(7_200_000);
    }
    KeySet::parse(&tenant.key_set("api")).unwrap();
    let freed = first_ends + 24 * 3600;
    let (refused, detail) = conflict(tenant.plan("api"));
    assert_eq!(refused, Conflict::TooManyEpochs);
    assert!(detail.contains(&freed.to_string()), "{detail}: {freed}");
    assert!(tenant.plan("jobs").is_ok(), "another audience has places of its own");
    tenant.book.set_now(u64::from(freed) * 1000 - 1);
    assert_eq!(conflict(tenant.plan("api")).0, Conflict::TooManyEpochs);
    tenant.book.pass(1);
    assert_eq!(tenant.plan("api").unwrap().epoch, 9);
    // A compromise is never refused for that: eight die, one lives.
    let rotated = tenant.compromise("api").unwrap();
    assert_eq!((rotated.dead_epochs.len(), rotated.epochs.len()), (8, 1));
}

#[test]
fn the_number_of_an_epoch_is_never_given_again_and_there_are_255() {
    let tenant = Tenant::new();
    for n in 2..=255 {
        assert_eq!(tenant.compromise("api").unwrap().epoch, n);
    }
    assert_eq!(conflict(tenant.compromise("api")).0, Conflict::EpochsUsedUp);
    assert_eq!(conflict(tenant.plan("api")).0, Conflict::EpochsUsedUp);
    // What is refused changes nothing: the last one still mints and verifies.
    let key = text(&tenant.create("api", 3600));
    assert_eq!(tenant.verdict(&tenant.key_set("api"), None, &key), "allow");
    assert!(tenant.compromise("jobs").is_ok());
}

#[test]
fn the_head_of_64_audiences_stays_within_4_kb_whatever_dies_in_them() {
    let scope = ScopePolicy { number: 0, name: "reports:read".into(), risk: "low".into() };
    let audience = |number: u8| AudiencePolicy {
        number,
        name: format!("a{number}"),
        scopes: vec![scope.clone()],
        max_lifetime_s: LONGEST_S,
        ..AudiencePolicy::default()
    };
    let policy = Policy {
        environment: "live".into(),
        brand: "wk".into(),
        audiences: (192..=255).map(audience).collect(),
        ..Policy::default()
    };
    let tenant = Tenant::with(policy);
    let last = tenant.create("a255", 3600);
    // Eight live in each.
    for number in 192..=255_u8 {
        for epoch in 2..=8_u8 {
            let sql =
                "INSERT INTO signing_key (audience, epoch, mint_from, mint_until, verify_until)
                       VALUES (?, ?, 4000000000, 4000000000, 4000000000)";
            tenant.book.store.execute(sql, &[number.into(), epoch.into()]).unwrap();
        }
    }
    let mut longest = 0;
    for round in 0..4_usize {
        for number in 192..=255_u8 {
            let rotated = tenant.compromise(&format!("a{number}")).unwrap();
            assert_eq!(rotated.dead_epochs.len(), if round == 0 { 8 } else { 1 });
            let head = tenant.head();
            longest = longest.max(head.len());
            assert!(head.len() <= wardkey::MAX_HEAD_LEN, "{} bytes", head.len());
            UnverifiedHead::parse(&head).unwrap();
            let Told { audiences, dead } = told(&head);
            assert_eq!(audiences.len(), 64);
            assert!(dead.len() <= 512);
            for epoch in rotated.dead_epochs {
                assert!(dead.contains(&(number, epoch)), "what died last is named");
            }
        }
        assert_eq!(told(&tenant.head()).dead.len(), 512);
    }
    println!("longest head: {longest} bytes");
    assert!(longest > 2_900);
    // A key that died in the first round and is named no more verifies nowhere all the same.
    let key = text(&last);
    let key_set = tenant.key_set("a255");
    assert_eq!(tenant.verdict(&key_set, None, &key), "unknown_signing_key");
    assert_eq!(tenant.word(&key), "revoked");
}

#[test]
fn administration_keys_outlive_a_planned_rotation_and_no_compromise() {
    let tenant = Tenant::new();
    let rotated = tenant.plan("wardkey").unwrap();
    assert_eq!((rotated.epoch, rotated.key_set_version), (2, None));
    assert_eq!(rotated.least_key_set_version, None);
    let head = tenant.head();
    let nowhere = Told { audiences: vec![(1, 1, 1), (2, 1, 1)], dead: vec![] };
    assert_eq!(told(&head), nowhere, "it stands in no head");
    tenant.book.pass(7_199_999);
    // A recovery in the last second may ask for whatever lifetime it likes.
    let recovered = bootstrap(&tenant.book, 2, None).unwrap();
    tenant.book.pass(1);
    let newer = bootstrap(&tenant.book, 3, None).unwrap();
    assert_eq!([&tenant.admin, &recovered, &newer].map(|key| epoch_of(key)), [1, 1, 2]);
    let reads = |key: &str| {
        let authority = authority(key, None);
        tenant.book.ask(Call::ReadAudit { authority, after: 0, limit: 1 })
    };
    for key in [&tenant.admin, &recovered, &newer] {
        assert!(reads(key).is_ok());
    }
    let before = tenant.book.store.dump().unwrap();
    let (refused, detail) = conflict(tenant.compromise("wardkey"));
    assert_eq!(refused, Conflict::LastAdmin, "{detail}");
    assert_eq!(tenant.book.store.dump().unwrap(), before, "nothing of it is kept");
    let forced = RotateSigningKeysRequest { force: true, ..compromised() };
    let rotated = tenant.rotate("wardkey", forced).unwrap();
    assert_eq!((rotated.keys_to_reissue, rotated.dead_epochs.as_slice()), (3, &[1, 2][..]));
    for key in [&tenant.admin, &recovered, &newer] {
        assert_eq!(reads(key).unwrap_err().reason(), Some(Reason::UnknownSigningKey));
    }
    let saved = bootstrap(&tenant.book, 4, None).unwrap();
    assert_eq!(epoch_of(&saved), 3);
    assert!(reads(&saved).is_ok());
    let tenant = Tenant { admin: saved, ..tenant };
    assert_eq!(told(&tenant.head()).dead, Vec::new());
    assert!(tenant.entries().iter().any(|entry| entry.action == "signing_key.compromise"));
}

#[test]
fn a_rotation_names_what_is_wrong_with_it_and_is_made_once() {
    let tenant = Tenant::new();
    for (wait, ok) in
        [(0, false), (7199, false), (7200, true), (7_776_000, true), (7_776_001, false)]
    {
        let request = RotateSigningKeysRequest { mint_from_in_s: Some(wait), ..planned() };
        let audience = if wait == 7200 { "api" } else { "jobs" };
        let outcome = tenant.rotate(audience, request);
        assert_eq!(outcome.is_ok(), ok, "{wait}: {outcome:?}");
        let field = matches!(outcome, Err(RegistryError::Invalid { field, .. }) if field == "mint_from_in_s");
        assert_eq!(field, !ok);
    }
    let both = RotateSigningKeysRequest { mint_from_in_s: Some(7200), ..compromised() };
    assert!(matches!(tenant.rotate("api", both), Err(RegistryError::Invalid { .. })));
    // Somebody who may rotate api may rotate nothing else, and cannot tell what there is.
    let part = KeyRequest {
        audience: "wardkey".into(),
        for_audiences: vec!["api".into()],
        ..key_request(&["signing-keys:rotate"])
    };
    let part = Call::CreateKey { authority: authority(&tenant.admin, None), request: part };
    let part = text(&tenant.book.ask_created(part).unwrap());
    let by_part = |audience: &str, key: Option<&str>| {
        tenant.book.ask(Call::RotateSigningKeys {
            authority: authority(&part, key),
            audience: audience.into(),
            request: compromised(),
        })
    };
    let refused: Vec<_> = ["jobs", "wardkey", "none", "", "api2"]
        .map(|audience| by_part(audience, None).unwrap_err())
        .to_vec();
    assert!(refused.iter().all(|error| *error == refused[0]), "{refused:?}");
    assert!(
        matches!(&refused[0], RegistryError::Forbidden { rule, .. } if rule == "signing_keys_audience")
    );
    let epoch = |reply: Reply| match reply {
        Reply::SigningKeys(rotated) => rotated.epoch,
        other => panic!("{other:?}"),
    };
    let first = epoch(by_part("api", Some("once")).unwrap());
    assert_eq!(epoch(by_part("api", Some("once")).unwrap()), first);
    assert_eq!(epoch(by_part("api", Some("twice")).unwrap()), first + 1);
}

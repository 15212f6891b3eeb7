//! The life of a key after it was made: rotated, suspended, noted down, given back, found again.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;

use wardkey::{Constraints, Network, Networks, Reason, State, UnixSeconds, UnverifiedKey};
use wardkey_provision::{KeyConstraints, KeyRequest};
use wardkey_registry::{
    Call, Conflict, Created, GenerationState, KeyPage, KeyView, ListRequest, RegistryError, Reply,
    RevokeRequest, RevokeSelfRequest, Revoked, RotateRequest, StrictVerdict, SuspendRequest,
    UpdateRequest, WireBytes,
};
use wardkey_testkit::{Book, authority, bootstrap_call, key_request};

const HOUR_MS: u64 = 3_600_000;

struct Tenant {
    book: Book,
    admin: String,
}

impl Tenant {
    fn new() -> Self {
        let book = Book::in_memory(1).unwrap();
        let admin = book.bootstrap().unwrap();
        Self { book, admin }
    }

    fn create(&self, request: KeyRequest) -> Created {
        let authority = authority(&self.admin, None);
        self.book.ask_created(Call::CreateKey { authority, request }).unwrap()
    }

    fn rotate(&self, key_id: &str, request: RotateRequest) -> Result<Created, RegistryError> {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        self.book.ask_created(Call::RotateKey { authority, key_id, request })
    }

    fn confirm(&self, key_id: &str) -> Result<KeyView, RegistryError> {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        view(self.book.ask(Call::ConfirmKey { authority, key_id })?)
    }

    fn suspend(&self, key_id: &str, suspended: bool) -> Result<Revoked, RegistryError> {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        let request = SuspendRequest::default();
        revoked(self.book.ask(Call::SuspendKey { authority, key_id, suspended, request })?)
    }

    fn revoke(&self, key_id: &str, request: RevokeRequest) -> Result<Revoked, RegistryError> {
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        revoked(self.book.ask(Call::RevokeKey { authority, key_id, request })?)
    }

    fn update(&self, key_id: &str, json: &str) -> Result<KeyView, RegistryError> {
        let request: UpdateRequest = serde_json::from_str(json).unwrap();
        let (authority, key_id) = (authority(&self.admin, None), key_id.into());
        view(self.book.ask(Call::UpdateKey { authority, key_id, request })?)
    }

    fn list(&self, request: ListRequest) -> Result<KeyPage, RegistryError> {
        let authority = authority(&self.admin, None);
        match self.book.ask(Call::ListKeys { authority, request })? {
            Reply::Keys(page) => Ok(page),
            other => panic!("{other:?}"),
        }
    }

    /// The registry's own word on a key: `alive`, or why it is dead.
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

    /// Whether the list says that a key is dead.
    fn listed(&self, key: &str) -> bool {
        let Reply::Bytes(head) = self.book.ask(Call::Head).unwrap() else { panic!("no head") };
        let index = UnverifiedKey::parse(key).unwrap().unproven_base().status_index;
        self.state_of(&head).is_dead(index.0)
    }

    /// The state that a head names: version u8, tenant u16, sequence u64, digest.
    fn state_of(&self, head: &WireBytes) -> State<Vec<u8>> {
        let (sequence, digest) = (&head.as_bytes()[3..11], &head.as_bytes()[11..43]);
        let sequence = u64::from_be_bytes(sequence.try_into().unwrap());
        let call = Call::State { sequence, digest: WireBytes::new(digest) };
        let Reply::Bytes(state) = self.book.ask(call).unwrap() else { panic!("no state") };
        let state = State::parse(state.as_bytes()).unwrap();
        assert_eq!(state.digest(), digest);
        state
    }
}

fn view(reply: Reply) -> Result<KeyView, RegistryError> {
    match reply {
        Reply::Key(view) => Ok(view),
        other => panic!("{other:?}"),
    }
}

fn revoked(reply: Reply) -> Result<Revoked, RegistryError> {
    match reply {
        Reply::Revoked(revoked) => Ok(revoked),
        other => panic!("{other:?}"),
    }
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) -> Conflict {
    match outcome {
        Err(RegistryError::Conflict { conflict, .. }) => conflict,
        other => panic!("{other:?}"),
    }
}

fn text(created: &Created) -> String {
    created.key.as_ref().unwrap().secret_str().to_owned()
}

fn states(view: &KeyView) -> Vec<GenerationState> {
    view.generations.iter().map(|generation| generation.state).collect()
}

#[test]
fn a_rotated_key_has_two_generations_until_the_overlap_after_first_use_has_passed() {
    use GenerationState::{Active, Pending, Retired, Retiring};
    let tenant = Tenant::new();
    let lasting = KeyRequest { expires_in: 40 * 24 * 3600, ..key_request(&["reports:read"]) };
    let first = tenant.create(lasting);
    let (id, old) = (first.view.key_id.as_str(), text(&first));
    assert_eq!(tenant.word(&old), "alive");
    let second =
        tenant.rotate(id, RotateRequest { overlap_s: Some(3600), ..RotateRequest::default() });
    let second = second.unwrap();
    let new = text(&second);
    assert_eq!(second.view.key_id, id);
    assert_ne!(new, old);
    assert_eq!(states(&second.view), [Active, Pending]);
    // Hours may pass: as long as nobody has been seen with the new one, the old one lives.
    tenant.book.pass(3 * HOUR_MS);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("alive", false));
    assert_eq!(conflict(tenant.rotate(id, RotateRequest::default())), Conflict::RotationInProgress);
    assert_eq!(tenant.word(&new), "alive");
    tenant.book.pass(3_599_999);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("alive", false));
    // Being seen again does not prolong the overlap.
    assert_eq!(tenant.word(&new), "alive");
    let page = tenant.list(ListRequest { limit: 9, ..ListRequest::default() }).unwrap();
    let of_key = page.keys.iter().find(|key| key.key_id == id).unwrap();
    assert_eq!(states(of_key), [Retiring, Active]);
    tenant.book.pass(1);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("retired", true));
    assert_eq!((tenant.word(&new).as_str(), tenant.listed(&new)), ("alive", false));
    let view = tenant.confirm(id).unwrap();
    assert_eq!(states(&view), [Retired, Active]);
    let third = tenant.rotate(id, RotateRequest::default()).unwrap();
    assert_eq!(states(&third.view), [Retired, Active, Pending]);
}

#[test]
fn a_deadline_that_no_call_applies_is_applied_by_the_alarm() {
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"]));
    let soon = RotateRequest { overlap_s: Some(60), ..RotateRequest::default() };
    let second = tenant.rotate(&first.view.key_id, soon).unwrap();
    assert_eq!(tenant.word(&text(&second)), "alive");
    let registry = tenant.book.registry();
    // The records that KV does not hold yet are due at once; without them, the deadline is.
    for publication in registry
        .due_publications(tenant.book.now(), 10, &mut wardkey_testkit::seeded_rng(1))
        .unwrap()
    {
        registry.published(publication.name).unwrap();
    }
    assert_eq!(registry.next_due().unwrap(), Some(tenant.book.now().plus(60_000)));
    tenant.book.pass(60_000);
    registry.apply_deadlines(tenant.book.now()).unwrap();
    assert_eq!(registry.next_due().unwrap(), Some(tenant.book.now()), "its record has changed");
    assert!(tenant.listed(&text(&first)));
    let entries = tenant.book.ask(Call::ReadAudit {
        authority: authority(&tenant.admin, None),
        after: 0,
        limit: 200,
    });
    let Ok(Reply::Audit(page)) = entries else { panic!("no log") };
    assert!(page.entries.iter().any(|entry| entry.action == "key.retire"));
}

#[test]
fn confirming_retires_what_came_before_at_once() {
    use GenerationState::{Active, Retired};
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"]));
    let id = first.view.key_id.as_str();
    let second = tenant.rotate(id, RotateRequest::default()).unwrap();
    assert_eq!(states(&tenant.confirm(id).unwrap()), [Retired, Active]);
    assert_eq!(
        (tenant.word(&text(&first)).as_str(), tenant.listed(&text(&first))),
        ("retired", true)
    );
    assert_eq!(tenant.word(&text(&second)), "alive");
    // Twice is once; and a key that was never rotated has nothing to be retired.
    assert_eq!(states(&tenant.confirm(id).unwrap()), [Retired, Active]);
    let single = tenant.create(key_request(&["reports:read"]));
    assert_eq!(states(&tenant.confirm(&single.view.key_id).unwrap()), [Active]);
}

#[test]
fn a_rotation_may_change_what_stands_inside_the_key_as_far_as_the_policy_allows() {
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"]));
    let id = first.view.key_id.as_str();
    let networks = |list: &[&str]| KeyConstraints {
        not_before: None,
        networks: list.iter().map(|network| (*network).into()).collect(),
    };
    let bad = RotateRequest { scopes: Some(vec!["reports:all".into()]), ..Default::default() };
    assert!(
        matches!(tenant.rotate(id, bad), Err(RegistryError::Invalid { field, .. }) if field == "scopes")
    );
    let long = RotateRequest { expires_in: Some(91 * 24 * 3600), ..Default::default() };
    assert!(
        matches!(tenant.rotate(id, long), Err(RegistryError::Forbidden { rule, .. }) if rule == "max_lifetime_s")
    );
    let over = RotateRequest { overlap_s: Some(2_592_001), ..Default::default() };
    assert!(
        matches!(tenant.rotate(id, over), Err(RegistryError::Invalid { field, .. }) if field == "overlap_s")
    );
    let narrower = RotateRequest {
        scopes: Some(vec!["status:read".into()]),
        expires_in: Some(600),
        constraints: Some(networks(&["192.0.2.0/24"])),
        ..RotateRequest::default()
    };
    let second = tenant.rotate(id, narrower).unwrap();
    let key = UnverifiedKey::parse(&text(&second)).unwrap();
    let base = key.unproven_base();
    assert_eq!(base.scopes.iter().collect::<Vec<_>>(), [3]);
    assert_eq!(base.expires_at.0 - base.issued_at.0, 600);
    let set = Networks::new(["192.0.2.0/24".parse::<Network>().unwrap()]).unwrap();
    assert_eq!(base.constraints, Constraints { not_before: None, networks: Some(set) });
    assert_eq!(second.view.generations[1].constraints, networks(&["192.0.2.0/24"]));
    // The registry compares what the key says with its row, constraints included.
    assert_eq!(tenant.word(&text(&second)), "alive");
    // What is left out stays as it was in the newest generation.
    tenant.confirm(id).unwrap();
    let third = tenant.rotate(id, RotateRequest::default()).unwrap();
    let key = UnverifiedKey::parse(&text(&third)).unwrap();
    assert_eq!(key.unproven_base().scopes, base.scopes);
    assert_eq!(key.unproven_base().constraints, base.constraints);
}

#[test]
fn a_key_is_made_with_constraints_that_are_wellformed() {
    let tenant = Tenant::new();
    let now = tenant.book.now().second().unwrap();
    let request = |not_before: Option<u32>, networks: &[&str]| KeyRequest {
        constraints: KeyConstraints {
            not_before,
            networks: networks.iter().map(|network| (*network).into()).collect(),
        },
        ..key_request(&["reports:read"])
    };
    let created = tenant.create(request(Some(now.0 + 60), &["10.0.0.0/8", "2001:db8::/32"]));
    let key = UnverifiedKey::parse(&text(&created)).unwrap();
    let constraints = key.unproven_base().constraints;
    assert_eq!(constraints.not_before, Some(UnixSeconds(now.0 + 60)));
    assert_eq!(constraints.networks.unwrap().iter().count(), 2);
    let many: Vec<String> = (0..30).map(|n| format!("10.{n}.0.0/16")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let twenty: Vec<&str> = many.iter().copied().take(21).collect();
    for (request, expected) in [
        (request(None, &["10.0.0.1/8"]), "constraints.networks"),
        (request(None, &["10.0.0.0"]), "constraints.networks"),
        (request(None, &many), "constraints.networks"),
        (request(Some(now.0 + 3600), &[]), "constraints.not_before"),
        // Each fits by itself, and both do not.
        (request(Some(now.0), &twenty), "constraints"),
    ] {
        let authority = authority(&tenant.admin, None);
        match tenant.book.ask_created(Call::CreateKey { authority, request }) {
            Err(RegistryError::Invalid { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn a_suspended_key_is_dead_everywhere_until_it_is_resumed() {
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"]));
    let (id, old) = (first.view.key_id.as_str(), text(&first));
    let second = tenant.rotate(id, RotateRequest::default()).unwrap();
    let new = text(&second);
    let before = tenant.suspend(id, true).unwrap();
    assert!(before.view.suspended);
    for key in [&old, &new] {
        assert_eq!((tenant.word(key).as_str(), tenant.listed(key)), ("suspended", true));
    }
    assert_eq!(conflict(tenant.rotate(id, RotateRequest::default())), Conflict::KeySuspended);
    // What ends while it is suspended does not come back.
    let one = RevokeRequest { generation: Some(1), ..RevokeRequest::default() };
    tenant.revoke(id, one).unwrap();
    let after = tenant.suspend(id, false).unwrap();
    assert!(!after.view.suspended && after.sequence > before.sequence);
    assert_eq!((tenant.word(&old).as_str(), tenant.listed(&old)), ("revoked", true));
    assert_eq!((tenant.word(&new).as_str(), tenant.listed(&new)), ("alive", false));
    // Twice is once.
    assert_eq!(tenant.suspend(id, false).unwrap().sequence, after.sequence);
}

#[test]
fn an_older_state_is_still_told_rightly_after_keys_came_back_to_life() {
    let tenant = Tenant::new();
    let keys: Vec<_> = (0..3).map(|_| tenant.create(key_request(&["reports:read"]))).collect();
    let index =
        |n: usize| UnverifiedKey::parse(&text(&keys[n])).unwrap().unproven_base().status_index;
    let head = || match tenant.book.ask(Call::Head).unwrap() {
        Reply::Bytes(head) => head,
        other => panic!("{other:?}"),
    };
    let mut heads = vec![(head(), [false; 3])];
    let mut expected = [false; 3];
    for (n, suspended) in [(0, true), (2, true), (0, false), (1, true), (2, false), (0, true)] {
        tenant.book.pass(1_000);
        tenant.suspend(&keys[n].view.key_id, suspended).unwrap();
        expected[n] = suspended;
        heads.push((head(), expected));
    }
    for (head, expected) in &heads {
        let state = tenant.state_of(head);
        assert_eq!([0, 1, 2].map(|n| state.is_dead(index(n).0)), *expected);
    }
}

#[test]
fn the_last_administrator_is_not_removed_unless_forced() {
    let tenant = Tenant::new();
    let own = UnverifiedKey::parse(&tenant.admin).unwrap().unproven_base().key_id.to_string();
    assert_eq!(conflict(tenant.suspend(&own, true)), Conflict::LastAdmin);
    assert_eq!(conflict(tenant.revoke(&own, RevokeRequest::default())), Conflict::LastAdmin);
    let itself = |force| Call::RevokeSelf {
        authority: authority(&tenant.admin, None),
        request: RevokeSelfRequest { reason: None, force },
    };
    assert_eq!(conflict(tenant.book.ask(itself(false))), Conflict::LastAdmin);
    // Somebody who may do less is no administrator; somebody who may make administrators is one.
    let admin_key = |scopes: &[&str]| KeyRequest {
        audience: "wardkey".into(),
        for_audiences: vec!["wardkey".into()],
        ..key_request(scopes)
    };
    tenant.create(admin_key(&["keys:read", "keys:revoke"]));
    assert_eq!(conflict(tenant.suspend(&own, true)), Conflict::LastAdmin);
    let second = tenant.create(admin_key(&["keys:create"]));
    tenant.suspend(&second.view.key_id, true).unwrap();
    assert_eq!(conflict(tenant.revoke(&own, RevokeRequest::default())), Conflict::LastAdmin);
    tenant.suspend(&second.view.key_id, false).unwrap();
    tenant.book.pass(3_600_000);
    let expired = conflict(tenant.revoke(&own, RevokeRequest::default()));
    assert_eq!(expired, Conflict::LastAdmin, "the other one has expired");
    assert!(tenant.revoke(&own, RevokeRequest { force: true, ..RevokeRequest::default() }).is_ok());
    // A new bootstrap recovers the tenant.
    assert!(tenant.book.ask_created(bootstrap_call(1, [2; 32], None, None)).is_ok());
}

#[test]
fn whoever_holds_a_key_can_end_it_and_only_the_generation_shown() {
    let tenant = Tenant::new();
    let soon = KeyConstraints {
        not_before: Some(tenant.book.now().second().unwrap().0 + 600),
        networks: vec!["192.0.2.0/24".into()],
    };
    let first = tenant.create(KeyRequest { constraints: soon, ..key_request(&["reports:read"]) });
    let second = tenant.rotate(&first.view.key_id, RotateRequest::default()).unwrap();
    let by = |key: &str| {
        tenant.book.ask(Call::RevokeSelf {
            authority: authority(key, None),
            request: RevokeSelfRequest { reason: Some("found in a log".into()), force: false },
        })
    };
    // Narrowed keys cannot act, whole ones can: also before their time, and from anywhere.
    let narrowing = wardkey::Narrowing {
        expires_at: Some(UnixSeconds(tenant.book.now().second().unwrap().0 + 700)),
        ..wardkey::Narrowing::default()
    };
    let narrowed = wardkey::narrow(&text(&first), &narrowing).unwrap();
    assert_eq!(by(narrowed.secret_str()).unwrap_err(), RegistryError::NarrowedKey);
    let revoked = revoked(by(&text(&first)).unwrap()).unwrap();
    assert_eq!(revoked.view.generations[0].state, GenerationState::Revoked);
    assert_eq!(revoked.view.generations[0].end_reason.as_deref(), Some("found in a log"));
    assert!(tenant.listed(&text(&first)) && !tenant.listed(&text(&second)));
    assert_eq!(by(&text(&first)).unwrap_err().reason(), Some(Reason::Revoked));
    let Ok(Reply::Audit(page)) = tenant.book.ask(Call::ReadAudit {
        authority: authority(&tenant.admin, None),
        after: 0,
        limit: 200,
    }) else {
        panic!("no log")
    };
    let entry = page.entries.iter().find(|entry| entry.action == "key.revoke_self").unwrap();
    assert_eq!(entry.actor.as_ref().unwrap().subject, "svc:billing");
    assert_eq!(entry.actor.as_ref().unwrap().key_id, first.view.key_id);
}

#[test]
fn notes_are_changed_at_once_and_what_stands_inside_the_key_is_not() {
    let tenant = Tenant::new();
    let created = tenant.create(KeyRequest {
        name: Some("nightly".into()),
        tags: vec!["b".into(), "a".into()],
        meta: BTreeMap::from([("ticket".into(), "OPS-1".into())]),
        ..key_request(&["reports:read"])
    });
    let id = created.view.key_id.as_str();
    assert_eq!(created.view.tags, ["a", "b"]);
    let view = tenant.update(id, r#"{"owner":"team:data","tags":["c"]}"#).unwrap();
    assert_eq!(view.name.as_deref(), Some("nightly"));
    assert_eq!((view.owner.as_str(), view.tags.as_slice()), ("team:data", &["c".to_owned()][..]));
    assert_eq!(view.meta["ticket"], "OPS-1");
    assert_eq!(tenant.update(id, r#"{"name":null}"#).unwrap().name, None);
    for inside in [
        r#"{"scopes":["reports:write"]}"#,
        r#"{"expires_in":60}"#,
        r#"{"expires_at":1}"#,
        r#"{"owner":"x","constraints":{}}"#,
    ] {
        assert_eq!(conflict(tenant.update(id, inside)), Conflict::NeedsRotation, "{inside}");
    }
    for unknown in [r#"{"subject":"svc:eve"}"#, r#"{"audience":"jobs"}"#, r#"{"x":1}"#] {
        assert!(serde_json::from_str::<UpdateRequest>(unknown).is_err(), "{unknown}");
    }
    let pasted = format!(r#"{{"owner":"{}"}}"#, text(&created));
    assert!(
        matches!(tenant.update(id, &pasted), Err(RegistryError::Invalid { field, .. }) if field == "owner")
    );
}

#[test]
fn keys_are_found_by_audience_subject_and_tag_page_by_page() {
    let tenant = Tenant::new();
    for n in 0..7 {
        tenant.create(KeyRequest {
            subject: format!("svc:{}", n % 2),
            audience: if n < 5 { "api".into() } else { "jobs".into() },
            tags: vec![format!("t{}", n % 3)],
            ..key_request(&["reports:read"])
        });
    }
    let all = |request: ListRequest| {
        let (mut found, mut after) = (vec![], None);
        loop {
            let page = tenant.list(ListRequest { after, ..request.clone() }).unwrap();
            assert!(page.keys.len() <= request.limit as usize);
            found.extend(page.keys.into_iter().map(|key| key.key_id));
            after = page.next_after;
            if after.is_none() {
                return found;
            }
        }
    };
    let everything = all(ListRequest { limit: 3, ..ListRequest::default() });
    assert_eq!(everything.len(), 8, "the administrator's own included");
    assert!(everything.is_sorted());
    let some = |text: &str| Some(text.to_owned());
    let count = |request: ListRequest| all(ListRequest { limit: 2, ..request }).len();
    assert_eq!(count(ListRequest { audience: some("jobs"), ..Default::default() }), 2);
    assert_eq!(count(ListRequest { subject: some("svc:1"), ..Default::default() }), 3);
    assert_eq!(count(ListRequest { tag: some("t0"), ..Default::default() }), 3);
    let both = ListRequest { subject: some("svc:0"), tag: some("t0"), ..Default::default() };
    assert_eq!(count(both), 2);
    for (request, field) in [
        (ListRequest { audience: some("other"), ..Default::default() }, "audience"),
        (ListRequest { after: some("key_x"), ..Default::default() }, "after"),
        (ListRequest { subject: some("Svc"), ..Default::default() }, "subject"),
        (ListRequest { tag: some("a\u{7}"), ..Default::default() }, "tag"),
        (ListRequest { tag: some(&"x".repeat(65)), ..Default::default() }, "tag"),
    ] {
        let request = ListRequest { limit: 1, ..request };
        assert!(
            matches!(tenant.list(request), Err(RegistryError::Invalid { field: f, .. }) if f == field)
        );
    }
}

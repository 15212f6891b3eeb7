//! Revoking many keys by one act: all that is meant, nothing else, and never a way round it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use wardkey::{Reason, State, UnverifiedKey};
use wardkey_provision::KeyRequest;
use wardkey_registry::{
    Call, Conflict, Created, RegistryError, Reply, RevocationRequest, RevocationState,
    RevocationView, RotateRequest, Selector, StrictVerdict, SuspendRequest, WireBytes,
};
use wardkey_testkit::{Book, authority, bootstrap_call, key_request};

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

    fn create_by(&self, credential: &str, request: KeyRequest) -> Result<Created, RegistryError> {
        let authority = authority(credential, None);
        self.book.ask_created(Call::CreateKey { authority, request })
    }

    fn key(&self, subject: &str, audience: &str) -> String {
        text(&self.create_by(&self.admin, of(subject, audience)).unwrap())
    }

    fn start(&self, select: Selector, force: bool) -> Result<RevocationView, RegistryError> {
        let request = RevocationRequest { select, reason: Some("leaked".into()), force };
        let authority = authority(&self.admin, None);
        match self.book.ask(Call::Revoke { authority, request })? {
            Reply::Revocation(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    fn progress(&self, id: &str) -> RevocationView {
        let authority = authority(&self.admin, None);
        match self.book.ask(Call::ReadRevocation { authority, id: id.into() }).unwrap() {
            Reply::Revocation(view) => view,
            other => panic!("{other:?}"),
        }
    }

    fn finish(&self) -> u32 {
        let registry = self.book.registry();
        let mut batches = 0;
        while registry.is_revoking().unwrap() {
            registry.expand_revocations(self.book.now()).unwrap();
            batches += 1;
        }
        batches
    }

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

    fn listed(&self, key: &str) -> bool {
        let Reply::Bytes(head) = self.book.ask(Call::Head).unwrap() else { panic!("no head") };
        let (sequence, digest) = (&head.as_bytes()[3..11], &head.as_bytes()[11..43]);
        let sequence = u64::from_be_bytes(sequence.try_into().unwrap());
        let call = Call::State { sequence, digest: WireBytes::new(digest) };
        let Reply::Bytes(state) = self.book.ask(call).unwrap() else { panic!("no state") };
        let index = UnverifiedKey::parse(key).unwrap().unproven_base().status_index;
        State::parse(state.as_bytes()).unwrap().is_dead(index.0)
    }
}

fn of(subject: &str, audience: &str) -> KeyRequest {
    KeyRequest {
        subject: subject.into(),
        audience: audience.into(),
        ..key_request(&["reports:read"])
    }
}

fn admin_key(scopes: &[&str], for_audiences: &[&str]) -> KeyRequest {
    KeyRequest {
        subject: "ops:part".into(),
        audience: "wardkey".into(),
        for_audiences: for_audiences.iter().map(|name| (*name).into()).collect(),
        ..key_request(scopes)
    }
}

fn text(created: &Created) -> String {
    created.key.as_ref().unwrap().secret_str().to_owned()
}

fn id_of(key: &str) -> String {
    UnverifiedKey::parse(key).unwrap().unproven_base().key_id.to_string()
}

fn subject(subject: &str) -> Selector {
    Selector::Subject { subject: subject.into(), audience: None }
}

fn conflict<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) -> Conflict {
    match outcome {
        Err(RegistryError::Conflict { conflict, .. }) => conflict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_few_keys_of_a_subject_are_dead_with_the_answer_and_others_live() {
    let tenant = Tenant::new();
    let [bill, bill_jobs, eve] = [("svc:bill", "api"), ("svc:bill", "jobs"), ("svc:eve", "api")]
        .map(|(subject, audience)| tenant.key(subject, audience));
    let view = tenant.start(subject("svc:bill"), false).unwrap();
    assert_eq!((view.state, view.keys), (RevocationState::Done, 2));
    assert!(view.bound.is_some() && view.list_sequence.is_some());
    for key in [&bill, &bill_jobs] {
        assert_eq!((tenant.word(key).as_str(), tenant.listed(key)), ("revoked", true));
    }
    assert_eq!((tenant.word(&eve).as_str(), tenant.listed(&eve)), ("alive", false));
    // A key that is made afterwards is not touched, and one audience alone can be meant.
    let later = tenant.key("svc:bill", "api");
    let later_jobs = tenant.key("svc:bill", "jobs");
    let only_jobs = Selector::Subject { subject: "svc:bill".into(), audience: Some("jobs".into()) };
    assert_eq!(tenant.start(only_jobs, false).unwrap().keys, 1);
    assert_eq!((tenant.word(&later), tenant.word(&later_jobs)), ("alive".into(), "revoked".into()));
}

#[test]
fn while_many_are_expanded_every_registry_path_denies_all_of_them() {
    let tenant = Tenant::new();
    let keys: Vec<String> = (0..600).map(|_| tenant.key("svc:many", "api")).collect();
    let suspended = tenant.key("svc:many", "api");
    let suspend = |key: &str, suspended| {
        let authority = authority(&tenant.admin, None);
        let request = SuspendRequest::default();
        tenant.book.ask(Call::SuspendKey { authority, key_id: id_of(key), suspended, request })
    };
    suspend(&suspended, true).unwrap();
    tenant.book.pass(1);
    let view = tenant.start(subject("svc:many"), false).unwrap();
    assert_eq!(view.state, RevocationState::Expanding);
    assert_eq!((view.bound, view.list_sequence), (None, None), "no bound before all are in");
    assert!(view.keys > 0 && view.keys < 601);
    let unlisted = keys.iter().filter(|key| !tenant.listed(key)).count();
    assert!(unlisted > 0, "the control: the list does not have all of them");
    assert!(keys.iter().all(|key| tenant.word(key) == "revoked"));
    // No way round it: no new generation, no resuming, and what is made later is another key.
    let last = keys.iter().find(|key| !tenant.listed(key)).unwrap();
    let rotate = tenant.book.ask(Call::RotateKey {
        authority: authority(&tenant.admin, None),
        key_id: id_of(last),
        request: RotateRequest::default(),
    });
    assert_eq!(conflict(rotate), Conflict::KeyEnded);
    assert_eq!(conflict(suspend(&suspended, false)), Conflict::KeyEnded);
    tenant.book.pass(1);
    let later = tenant.key("svc:many", "api");
    assert_eq!(tenant.word(&later), "alive");
    assert!(tenant.finish() > 1);
    let done = tenant.progress(&view.revocation_id);
    assert_eq!((done.state, done.keys), (RevocationState::Done, 601));
    assert!(done.bound.is_some());
    assert!(keys.iter().chain([&suspended]).all(|key| tenant.listed(key)));
    assert_eq!((tenant.word(&later).as_str(), tenant.listed(&later)), ("alive", false));
    // Every effect has its entry, under the request that began it.
    let (mut after, mut revoked) = (0, 0);
    loop {
        let authority = authority(&tenant.admin, None);
        let Ok(Reply::Audit(page)) =
            tenant.book.ask(Call::ReadAudit { authority, after, limit: 200 })
        else {
            panic!("no log")
        };
        revoked += page.entries.iter().filter(|entry| entry.action == "key.revoke").count();
        match page.next_after {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(revoked, 601);
}

#[test]
fn an_issuers_keys_die_with_all_that_these_have_made_and_it_lives() {
    let tenant = Tenant::new();
    let minting = admin_key(&["keys:create"], &["wardkey", "api"]);
    let deputy = text(&tenant.create_by(&tenant.admin, minting.clone()).unwrap());
    let child = text(&tenant.create_by(&deputy, minting.clone()).unwrap());
    let grandchild = text(&tenant.create_by(&child, minting).unwrap());
    let by_deputy = text(&tenant.create_by(&deputy, of("svc:a", "api")).unwrap());
    let by_child = text(&tenant.create_by(&child, of("svc:b", "api")).unwrap());
    let by_grandchild = text(&tenant.create_by(&grandchild, of("svc:c", "api")).unwrap());
    let other = tenant.key("svc:d", "api");
    let near = Selector::Issuer { key_id: id_of(&child), descendants: false };
    assert_eq!(
        tenant.start(near, false).unwrap().keys,
        2,
        "the grandchild, and what the child made"
    );
    assert_eq!(tenant.word(&by_child), "revoked");
    assert_eq!(tenant.word(&by_grandchild), "alive");
    let all = Selector::Issuer { key_id: id_of(&deputy), descendants: true };
    let view = tenant.start(all, false).unwrap();
    tenant.finish();
    assert_eq!(
        tenant.progress(&view.revocation_id).keys,
        3,
        "the child, and two keys for services"
    );
    for key in [&by_deputy, &by_child, &by_grandchild] {
        assert_eq!((tenant.word(key).as_str(), tenant.listed(key)), ("revoked", true));
    }
    let refused = tenant.create_by(&child, of("svc:e", "api")).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Revoked));
    assert_eq!(tenant.word(&other), "alive");
    assert!(tenant.create_by(&deputy, of("svc:e", "api")).is_ok());
}

#[test]
fn a_grandchild_is_denied_before_its_issuers_are_expanded() {
    let tenant = Tenant::new();
    let minting = admin_key(&["keys:create"], &["wardkey", "api"]);
    let deputy = text(&tenant.create_by(&tenant.admin, minting.clone()).unwrap());
    // More children than a batch holds, and one grandchild by each of some of them.
    let mut grandchildren = vec![];
    for n in 0..300 {
        let child = text(&tenant.create_by(&deputy, minting.clone()).unwrap());
        if n % 50 == 0 {
            grandchildren.push(text(&tenant.create_by(&child, of("svc:x", "api")).unwrap()));
        }
    }
    tenant.book.pass(1);
    let all = Selector::Issuer { key_id: id_of(&deputy), descendants: true };
    let view = tenant.start(all, false).unwrap();
    assert_eq!(view.state, RevocationState::Expanding);
    assert!(grandchildren.iter().any(|key| !tenant.listed(key)));
    assert!(grandchildren.iter().all(|key| tenant.word(key) == "revoked"));
    tenant.finish();
    assert_eq!(tenant.progress(&view.revocation_id).keys, 306);
    assert!(grandchildren.iter().all(|key| tenant.listed(key)));
}

#[test]
fn a_cut_off_kills_an_audience_at_once_and_its_records_follow() {
    let tenant = Tenant::new();
    let keys: Vec<String> = (0..300).map(|_| tenant.key("svc:a", "api")).collect();
    let jobs = tenant.key("svc:a", "jobs");
    let view = tenant.start(Selector::Audience { audience: "api".into() }, false).unwrap();
    assert_eq!(view.state, RevocationState::Settling);
    assert!(view.bound.is_some(), "the bound runs from the answer");
    assert!(keys.iter().all(|key| tenant.word(key) == "revoked"));
    assert_eq!(tenant.word(&jobs), "alive");
    // A key that is made in the very same second is issued after the cut-off.
    let later = tenant.key("svc:a", "api");
    assert_eq!(tenant.word(&later), "alive");
    tenant.finish();
    let done = tenant.progress(&view.revocation_id);
    assert_eq!((done.state, done.keys), (RevocationState::Done, 300));
    assert_eq!(done.list_sequence, view.list_sequence);
    assert_eq!(tenant.word(&later), "alive");
}

#[test]
fn an_issue_time_cuts_off_what_is_older_and_never_lies_in_the_future() {
    let tenant = Tenant::new();
    let old = tenant.key("svc:a", "api");
    tenant.book.pass(10_000);
    let young = tenant.key("svc:a", "api");
    let second = UnverifiedKey::parse(&young).unwrap().unproven_base().issued_at.0;
    let until = |second| Selector::IssuedUntil { second, audience: Some("api".into()) };
    assert!(matches!(tenant.start(until(second + 1), false), Err(RegistryError::Invalid { .. })));
    tenant.start(until(second - 1), false).unwrap();
    assert_eq!((tenant.word(&old), tenant.word(&young)), ("revoked".into(), "alive".into()));
    // A cut-off is never lowered: an earlier one changes nothing.
    tenant.start(until(0), false).unwrap();
    assert_eq!((tenant.word(&old), tenant.word(&young)), ("revoked".into(), "alive".into()));
    tenant.start(until(second), false).unwrap();
    assert_eq!(tenant.word(&young), "revoked");
}

#[test]
fn nothing_that_would_leave_no_administrator_is_done_unless_forced() {
    let tenant = Tenant::new();
    let key = tenant.key("svc:a", "api");
    for select in [
        Selector::Everything {},
        subject("ops:ada"),
        Selector::Audience { audience: "wardkey".into() },
    ] {
        assert_eq!(conflict(tenant.start(select, false)), Conflict::LastAdmin);
    }
    assert_eq!(tenant.word(&key), "alive");
    assert!(!tenant.book.registry().is_revoking().unwrap(), "what is refused leaves nothing");
    tenant.start(Selector::Everything {}, true).unwrap();
    assert_eq!(tenant.word(&key), "revoked");
    let refused = tenant.create_by(&tenant.admin, of("svc:b", "api")).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Revoked));
    assert!(tenant.book.ask_created(bootstrap_call(1, [2; 32], None, None)).is_ok());
}

#[test]
fn whoever_may_not_revoke_all_that_is_reached_revokes_nothing_of_it() {
    let tenant = Tenant::new();
    let key = tenant.key("svc:a", "api");
    let part =
        text(&tenant.create_by(&tenant.admin, admin_key(&["keys:revoke"], &["api"])).unwrap());
    let start = |select: Selector| {
        let request = RevocationRequest { select, reason: None, force: true };
        tenant.book.ask(Call::Revoke { authority: authority(&part, None), request })
    };
    for select in [
        subject("svc:a"),
        Selector::Everything {},
        Selector::Audience { audience: "jobs".into() },
        Selector::IssuedUntil { second: 1, audience: None },
        Selector::Issuer { key_id: id_of(&tenant.admin), descendants: true },
    ] {
        match start(select.clone()) {
            Err(RegistryError::Forbidden { rule, .. }) => assert_eq!(rule, "every_audience"),
            other => panic!("{select:?}: {other:?}"),
        }
    }
    assert_eq!(tenant.word(&key), "alive");
    let own = Selector::Subject { subject: "svc:a".into(), audience: Some("api".into()) };
    assert!(start(own).is_ok());
    assert_eq!(tenant.word(&key), "revoked");
}

#[test]
fn a_repeated_request_tells_how_far_the_first_one_is() {
    let tenant = Tenant::new();
    for _ in 0..300 {
        tenant.key("svc:many", "api");
    }
    let ask = |who: &str| {
        let request = RevocationRequest { select: subject(who), reason: None, force: false };
        let authority = authority(&tenant.admin, Some("once"));
        tenant.book.ask(Call::Revoke { authority, request })
    };
    let Ok(Reply::Revocation(first)) = ask("svc:many") else { panic!("no revocation") };
    assert_eq!(first.state, RevocationState::Expanding);
    tenant.finish();
    let Ok(Reply::Revocation(again)) = ask("svc:many") else { panic!("no revocation") };
    assert_eq!(again.revocation_id, first.revocation_id);
    assert_eq!((again.state, again.keys), (RevocationState::Done, 300));
    assert_eq!(ask("svc:other").unwrap_err(), RegistryError::IdempotencyKeyReused);
}

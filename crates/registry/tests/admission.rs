//! Who may act is found from the credential and the registry's own rows, and from nothing else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use wardkey::{Base, Reason, UnverifiedKey};
use wardkey_provision::{KeyRequest, TenantSecret, key_text};
use wardkey_registry::{
    Call, ReadKey, RegistryError, Reply, RevokeRequest, Store, StrictVerdict, WireBytes,
};
use wardkey_testkit::{Book, api_policy, authority, bootstrap_call, key_request};

fn admin_request(scopes: &[&str], for_audiences: &[&str]) -> KeyRequest {
    KeyRequest {
        subject: "svc:part".into(),
        audience: "wardkey".into(),
        for_audiences: for_audiences.iter().map(|name| (*name).into()).collect(),
        ..key_request(scopes)
    }
}

fn create(
    book: &Book,
    credential: &str,
    request: KeyRequest,
) -> Result<(String, String), RegistryError> {
    let call = Call::CreateKey { authority: authority(credential, None), request };
    let created = book.ask_created(call)?;
    Ok((created.view.key_id, created.key.unwrap().secret_str().to_owned()))
}

fn read(book: &Book, credential: &str, key_id: &str) -> Result<Reply, RegistryError> {
    let authority = authority(credential, None);
    book.ask(Call::ReadKey { authority, key_id: key_id.into(), what: ReadKey::Record })
}

fn revoke(book: &Book, credential: &str, key_id: &str) -> Result<Reply, RegistryError> {
    let authority = authority(credential, None);
    book.ask(Call::RevokeKey {
        authority,
        key_id: key_id.into(),
        request: RevokeRequest::default(),
    })
}

fn entries(book: &Book, credential: &str) -> Vec<wardkey_registry::AuditEntry> {
    let call = Call::ReadAudit { authority: authority(credential, None), after: 0, limit: 200 };
    match book.ask(call).unwrap() {
        Reply::Audit(page) => page.entries,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_lies_outside_a_credentials_audiences_is_as_if_it_were_not_there() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let (api_key, _) = create(&book, &admin, key_request(&["reports:read"])).unwrap();
    let jobs = KeyRequest { audience: "jobs".into(), ..key_request(&["reports:read"]) };
    let (jobs_key, _) = create(&book, &admin, jobs.clone()).unwrap();
    let scopes = ["keys:create", "keys:read", "keys:revoke", "audit:read"];
    let (_, part) = create(&book, &admin, admin_request(&scopes, &["api"])).unwrap();

    assert!(read(&book, &part, &api_key).is_ok());
    assert_eq!(read(&book, &part, &jobs_key).unwrap_err(), RegistryError::NotFound);
    assert_eq!(read(&book, &part, "key_0000000000000000").unwrap_err(), RegistryError::NotFound);
    assert_eq!(revoke(&book, &part, &jobs_key).unwrap_err(), RegistryError::NotFound);
    assert!(matches!(create(&book, &part, jobs), Err(RegistryError::Forbidden { .. })));
    assert!(entries(&book, &part).iter().all(|entry| entry.audience == 1));
    assert!(entries(&book, &admin).iter().any(|entry| entry.audience == 2));
    // Each refusal is in the log, with its actor; a key that is not there leaves nothing.
    let refused: Vec<_> =
        entries(&book, &admin).into_iter().filter(|entry| entry.outcome == "refused").collect();
    let told: Vec<_> = refused
        .iter()
        .map(|entry| (entry.action.as_str(), entry.audience, entry.reason.as_deref().unwrap()))
        .collect();
    let hidden = "not_visible";
    assert_eq!(
        told,
        [("key.read", 2, hidden), ("key.revoke", 2, hidden), ("key.create", 0, "actor_scope")]
    );
    assert!(refused.iter().all(|entry| entry.actor.as_ref().unwrap().subject == "svc:part"));
    assert!(revoke(&book, &part, &api_key).is_ok());
}

#[test]
fn a_revoked_or_expired_credential_acts_no_more() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let (id, part) = create(&book, &admin, admin_request(&["keys:create"], &["api"])).unwrap();
    assert!(create(&book, &part, key_request(&["reports:read"])).is_ok());
    revoke(&book, &admin, &id).unwrap();
    let refused = create(&book, &part, key_request(&["reports:read"])).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Revoked));
    book.pass(24 * 3_600_000);
    let refused = create(&book, &admin, key_request(&["reports:read"])).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Expired));
}

#[test]
fn a_key_of_another_audience_is_no_credential() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let (_, key) = create(&book, &admin, key_request(&["reports:read"])).unwrap();
    let refused = create(&book, &key, key_request(&["reports:read"])).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::UnknownSigningKey));
}

/// The tenant's secret, unwrapped as the registry does: what a thief of root and storage could do.
fn stolen_secret(book: &Book) -> TenantSecret {
    let rows = book.store.query("SELECT wrapped_secret FROM tenant", &[]).unwrap();
    let Some(wardkey_registry::Value::Blob(wrapped)) = rows.first().and_then(|row| row.0.first())
    else {
        panic!("no secret")
    };
    wardkey_testkit::fixed_root().unwrap().unwrap(wardkey::TenantId(1), wrapped).unwrap()
}

#[test]
fn a_right_tag_without_its_row_is_never_issued_and_alarmed() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let secret = stolen_secret(&book);
    let own = *UnverifiedKey::parse(&admin).unwrap().unproven_base();
    let prefix = api_policy().unwrap().admin_prefix().unwrap();
    let forge = |base: &Base| key_text(&secret, &prefix, base).unwrap().secret_str().to_owned();
    // The control: the same secret makes the very key that was issued, and that one may act.
    assert_eq!(forge(&own), admin);
    assert!(create(&book, &forge(&own), key_request(&["reports:read"])).is_ok());

    let mut index = own;
    index.status_index.0 += 100;
    let mut longer = own;
    longer.expires_at.0 += 1;
    let mut other_key = own;
    other_key.key_id.0 = [9; 8];
    let mut subject = own;
    subject.subject = wardkey::Subject::new("ops:eve").unwrap();
    for forged in [index, longer, other_key, subject] {
        let refused = create(&book, &forge(&forged), key_request(&["reports:read"])).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::NeverIssued), "{forged:?}");
    }
    let alarms = entries(&book, &admin).into_iter().filter(|entry| entry.outcome == "alarm");
    assert_eq!(alarms.count(), 4);
}

#[test]
fn strict_compares_every_field_with_the_row() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let (key_id, key) = create(&book, &admin, key_request(&["payouts:create"])).unwrap();
    let base = *UnverifiedKey::parse(&key).unwrap().unproven_base();
    let check = |base: &Base| {
        let mut bytes = [0; wardkey::MAX_BASE_LEN];
        let len = base.encode(&mut bytes).unwrap();
        let call = Call::Check { base: WireBytes::new(&bytes[..len]), request_id: "req_x".into() };
        match book.ask(call).unwrap() {
            Reply::Checked(StrictVerdict::Alive { .. }) => "alive".to_owned(),
            Reply::Checked(StrictVerdict::Dead { reason }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(check(&base), "alive");
    let mut more = base;
    more.scopes.insert(7);
    assert_eq!(check(&more), "never_issued");
    let mut epoch = base;
    epoch.signing_key.epoch = wardkey::Epoch::new(2).unwrap();
    assert_eq!(check(&epoch), "never_issued");
    let mut tenant = base;
    tenant.signing_key.tenant.0 = 2;
    assert_eq!(check(&tenant), "never_issued");
    revoke(&book, &admin, &key_id).unwrap();
    assert_eq!(check(&base), "revoked");
}

#[test]
fn a_bootstrap_token_works_once_and_recovers_only_without_a_policy() {
    let book = Book::in_memory(1).unwrap();
    let policy = api_policy().unwrap();
    let first = |key| bootstrap_call(1, [1; 32], Some(policy.clone()), key);
    let made = book.ask_created(first(Some("boot"))).unwrap();
    let again = book.ask_created(first(Some("boot"))).unwrap();
    let admin = again.key.unwrap().secret_str().to_owned();
    assert_eq!(made.key.unwrap().secret_str(), admin);
    assert_eq!(book.ask(first(None)).unwrap_err(), RegistryError::BootstrapUsed);
    assert_eq!(book.ask(first(Some("other"))).unwrap_err(), RegistryError::BootstrapUsed);
    // Used once: the same request gives the key no more.
    assert!(entries(&book, &admin).len() == 1);
    assert!(book.ask_created(first(Some("boot"))).unwrap().key.is_none());

    let second = |policy| bootstrap_call(1, [2; 32], policy, None);
    assert_eq!(book.ask(second(Some(policy))).unwrap_err(), RegistryError::TenantExists);
    let recovered = book.ask_created(second(None)).unwrap();
    let new_admin = recovered.key.unwrap().secret_str().to_owned();
    assert_ne!(new_admin, admin);
    let actions: Vec<String> =
        entries(&book, &new_admin).into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["tenant.create", "tenant.recover"]);
}

#[test]
fn a_tenant_that_nobody_made_writes_nothing() {
    let book = Book::in_memory(1).unwrap();
    let other = Book::in_memory(2).unwrap();
    let stranger = other.bootstrap().unwrap();
    for call in [
        Call::Head,
        Call::ReadAudit { authority: authority(&stranger, None), after: 0, limit: 1 },
        Call::CreateKey {
            authority: authority(&stranger, None),
            request: key_request(&["reports:read"]),
        },
    ] {
        assert_eq!(book.ask(call).unwrap_err(), RegistryError::NoTenant);
    }
    assert_eq!(book.store.dump().unwrap(), "");
}

#[test]
fn a_record_is_sealed_anew_until_its_newest_version_is_out() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let mut rng = wardkey_testkit::seeded_rng(1);
    let (key_id, _) = create(&book, &admin, key_request(&["reports:read"])).unwrap();
    let due = |rng: &mut _| book.registry().due_publications(book.now(), 10, rng).unwrap();
    let first = due(&mut rng);
    assert_eq!(first.len(), 2, "the administrator's record and the key's");
    // The key changes while its record is on its way.
    revoke(&book, &admin, &key_id).unwrap();
    for publication in &first {
        book.registry().published(publication.name).unwrap();
    }
    let second = due(&mut rng);
    let versions: Vec<u64> = second.iter().map(|publication| publication.name.version).collect();
    assert!(versions.contains(&2), "{versions:?}");
    for publication in &second {
        book.registry().publication_failed(publication.name, book.now()).unwrap();
    }
    assert!(due(&mut rng).is_empty(), "not at once again");
    let next = book.registry().next_due().unwrap().unwrap();
    assert_eq!(next.since(book.now()), 1_000);
    book.pass(1_000);
    for publication in due(&mut rng) {
        book.registry().published(publication.name).unwrap();
    }
    assert_eq!(book.registry().next_due().unwrap(), None);
}

#[test]
fn a_credential_that_was_refused_something_was_seen_all_the_same() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let call = || Call::CreateKey {
        authority: authority(&admin, Some("once")),
        request: admin_request(&["keys:read"], &["api"]),
    };
    let deputy = book.ask_created(call()).unwrap().key.unwrap().secret_str().to_owned();
    assert_eq!(book.ask_created(call()).unwrap().key.unwrap().secret_str(), deputy);
    assert_eq!(read(&book, &deputy, "key_0000000000000000").unwrap_err(), RegistryError::NotFound);
    assert!(book.ask_created(call()).unwrap().key.is_none(), "it has been used");
}

#[test]
fn what_a_cut_off_or_a_dead_signing_key_kills_is_dead_to_the_registry_too() {
    for statement in [
        "UPDATE tenant SET cutoff = 1800000000",
        "UPDATE audience SET cutoff = 1800000000 WHERE number = 1",
        "UPDATE signing_key SET dead_at = 1 WHERE audience = 1",
    ] {
        let book = Book::in_memory(1).unwrap();
        let admin = book.bootstrap().unwrap();
        let (_, key) = create(&book, &admin, key_request(&["payouts:create"])).unwrap();
        let base = *UnverifiedKey::parse(&key).unwrap().unproven_base();
        let check = || {
            let mut bytes = [0; wardkey::MAX_BASE_LEN];
            let len = base.encode(&mut bytes).unwrap();
            let base = WireBytes::new(&bytes[..len]);
            book.ask(Call::Check { base, request_id: "req_x".into() }).unwrap()
        };
        assert!(matches!(check(), Reply::Checked(StrictVerdict::Alive { .. })), "{statement}");
        book.store.execute(statement, &[]).unwrap();
        let dead = StrictVerdict::Dead { reason: "revoked".into() };
        assert!(matches!(check(), Reply::Checked(verdict) if verdict == dead), "{statement}");
    }
}

/// design.md: a repeated create gives the key again only if "no registry path … has seen it".
#[test]
fn a_key_that_was_seen_narrowed_is_not_given_again() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let call = || Call::CreateKey {
        authority: authority(&admin, Some("once")),
        request: wardkey_provision::KeyRequest {
            subject: "svc:part".into(),
            audience: "wardkey".into(),
            for_audiences: vec!["api".into()],
            ..key_request(&["keys:read"])
        },
    };
    let deputy = book.ask_created(call()).unwrap().key.unwrap().secret_str().to_owned();
    let until = wardkey::UnixSeconds(u32::try_from(book.now().0 / 1000 + 600).unwrap());
    let narrowing = wardkey::Narrowing { expires_at: Some(until), ..wardkey::Narrowing::default() };
    let narrowed = wardkey::narrow(&deputy, &narrowing).unwrap();
    let read =
        Call::ReadAudit { authority: authority(narrowed.secret_str(), None), after: 0, limit: 1 };
    assert_eq!(book.ask(read).unwrap_err(), wardkey_registry::RegistryError::NarrowedKey);
    assert!(
        book.ask_created(call()).unwrap().key.is_none(),
        "its tag has been in somebody's hands"
    );
}

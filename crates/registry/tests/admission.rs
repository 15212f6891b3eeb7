//! Who may act is found from the credential and the registry's own rows, and from nothing else.

use wardkey::{Base, Narrowing, Reason, UnixSeconds, narrow};
use wardkey_provision::{KeyRequest, key_text};
use wardkey_registry::{Call, RegistryError, RevokeRequest, Store as _, StrictVerdict};
use wardkey_testkit::{
    Acts as _, Book, Tenant, admin_request, api_policy, authority, base_of, bootstrap_call, id_of,
    key_request, seeded_rng, stolen_secret, text_of,
};

#[test]
fn what_lies_outside_a_credentials_audiences_is_as_if_it_were_not_there() {
    let tenant = Tenant::new();
    let api_key = id_of(&tenant.key(key_request(&["reports:read"])));
    let jobs = KeyRequest { audience: "jobs".into(), ..key_request(&["reports:read"]) };
    let jobs_key = id_of(&tenant.key(jobs.clone()));
    let scopes = ["keys:create", "keys:read", "keys:revoke", "audit:read"];
    let part = tenant.key(admin_request("svc:part", &scopes, &["api"]));
    let part = tenant.by(&part);

    assert!(part.read(&api_key).is_ok());
    assert_eq!(part.read(&jobs_key).unwrap_err(), RegistryError::NotFound);
    assert_eq!(part.read("key_0000000000000000").unwrap_err(), RegistryError::NotFound);
    assert_eq!(
        part.revoke(&jobs_key, RevokeRequest::default()).unwrap_err(),
        RegistryError::NotFound
    );
    assert!(matches!(part.create(jobs), Err(RegistryError::Forbidden { .. })));
    assert!(part.entries().iter().all(|entry| entry.audience == 1));
    assert!(tenant.entries().iter().any(|entry| entry.audience == 2));
    // Each refusal is in the log, with its actor; a key that is not there leaves nothing.
    let refused: Vec<_> =
        tenant.entries().into_iter().filter(|entry| entry.outcome == "refused").collect();
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
    assert!(part.revoke(&api_key, RevokeRequest::default()).is_ok());
}

#[test]
fn a_revoked_or_expired_credential_acts_no_more() {
    let tenant = Tenant::new();
    let part = tenant.key(admin_request("svc:part", &["keys:create"], &["api"]));
    assert!(tenant.by(&part).create(key_request(&["reports:read"])).is_ok());
    tenant.revoke(&id_of(&part), RevokeRequest::default()).unwrap();
    let refused = tenant.by(&part).create(key_request(&["reports:read"])).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Revoked));
    tenant.book.pass(24 * 3_600_000);
    let refused = tenant.create(key_request(&["reports:read"])).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Expired));
}

#[test]
fn a_key_of_another_audience_is_no_credential() {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    let refused = tenant.by(&key).create(key_request(&["reports:read"])).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::UnknownSigningKey));
}

#[test]
fn a_right_tag_without_its_row_is_never_issued_and_alarmed() {
    let tenant = Tenant::new();
    let secret = stolen_secret(&tenant.book.store);
    let own = base_of(&tenant.admin);
    let prefix = api_policy().unwrap().admin_prefix().unwrap();
    let forge = |base: &Base| key_text(&secret, &prefix, base).unwrap().secret_str().to_owned();
    // The control: the same secret makes the very key that was issued, and that one may act.
    assert_eq!(forge(&own), tenant.admin);
    assert!(tenant.by(&forge(&own)).create(key_request(&["reports:read"])).is_ok());

    let mut index = own;
    index.status_index.0 += 100;
    let mut longer = own;
    longer.expires_at.0 += 1;
    let mut other_key = own;
    other_key.key_id.0 = [9; 8];
    let mut subject = own;
    subject.subject = wardkey::Subject::new("ops:eve").unwrap();
    for forged in [index, longer, other_key, subject] {
        let refused =
            tenant.by(&forge(&forged)).create(key_request(&["reports:read"])).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::NeverIssued), "{forged:?}");
    }
    let alarms = tenant.entries().into_iter().filter(|entry| entry.outcome == "alarm");
    assert_eq!(alarms.count(), 4);
}

#[test]
fn strict_compares_every_field_with_the_row() {
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["payouts:create"]));
    let base = base_of(&key);
    let check = |base: &Base| match tenant.check(base).unwrap() {
        StrictVerdict::Alive { .. } => "alive".to_owned(),
        StrictVerdict::Dead { reason } => reason,
    };
    assert_eq!(check(&base), "alive");
    let mut more = base;
    more.scopes.insert(7);
    assert_eq!(check(&more), "never_issued");
    let mut epoch = base;
    epoch.signing_key.epoch = wardkey::Epoch::new(2).unwrap();
    assert_eq!(check(&epoch), "never_issued");
    let mut elsewhere = base;
    elsewhere.signing_key.tenant.0 = 2;
    assert_eq!(check(&elsewhere), "never_issued");
    tenant.revoke(&id_of(&key), RevokeRequest::default()).unwrap();
    assert_eq!(check(&base), "revoked");
}

#[test]
fn a_bootstrap_token_works_once_and_recovers_only_without_a_policy() {
    let policy = api_policy().unwrap();
    let first = |key| bootstrap_call(1, [1; 32], Some(policy.clone()), key);
    let tenant = Tenant::bootstrapped(Book::in_memory(1).unwrap(), first(Some("boot")));
    let book = &tenant.book;
    let again = book.ask_created(first(Some("boot"))).unwrap();
    assert_eq!(text_of(&again), tenant.admin);
    assert_eq!(book.ask(first(None)).unwrap_err(), RegistryError::BootstrapUsed);
    assert_eq!(book.ask(first(Some("other"))).unwrap_err(), RegistryError::BootstrapUsed);
    // Used once: the same request gives the key no more.
    assert!(tenant.entries().len() == 1);
    assert!(book.ask_created(first(Some("boot"))).unwrap().key.is_none());

    let second = |policy| bootstrap_call(1, [2; 32], policy, None);
    assert_eq!(book.ask(second(Some(policy))).unwrap_err(), RegistryError::TenantExists);
    let recovered = book.ask_created(second(None)).unwrap();
    let new_admin = text_of(&recovered);
    assert_ne!(new_admin, tenant.admin);
    let actions: Vec<String> =
        tenant.by(&new_admin).entries().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["tenant.create", "tenant.recover"]);
}

#[test]
fn a_tenant_that_nobody_made_writes_nothing() {
    let book = Book::in_memory(1).unwrap();
    let stranger = Tenant::new().admin;
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
    let tenant = Tenant::new();
    let mut rng = seeded_rng(1);
    let key_id = tenant.create(key_request(&["reports:read"])).unwrap().view.key_id;
    let due =
        |rng: &mut _| tenant.book.registry().due_publications(tenant.book.now(), 10, rng).unwrap();
    let first = due(&mut rng);
    assert_eq!(first.len(), 2, "the administrator's record and the key's");
    // The key changes while its record is on its way.
    tenant.revoke(&key_id, RevokeRequest::default()).unwrap();
    for publication in &first {
        tenant.book.registry().published(publication.name).unwrap();
    }
    let second = due(&mut rng);
    let versions: Vec<u64> = second.iter().map(|publication| publication.name.version).collect();
    assert!(versions.contains(&2), "{versions:?}");
    for publication in &second {
        tenant.book.registry().publication_failed(publication.name, tenant.book.now()).unwrap();
    }
    assert!(due(&mut rng).is_empty(), "not at once again");
    let next = tenant.book.registry().next_due(tenant.book.now()).unwrap().unwrap();
    assert_eq!(next.since(tenant.book.now()), 1_000);
    tenant.book.pass(1_000);
    for publication in due(&mut rng) {
        tenant.book.registry().published(publication.name).unwrap();
    }
    assert_eq!(tenant.book.registry().next_due(tenant.book.now()).unwrap(), None);
}

#[test]
fn a_credential_that_was_refused_something_was_seen_all_the_same() {
    let tenant = Tenant::new();
    let ask =
        || tenant.once("once").create(admin_request("svc:part", &["keys:read"], &["api"])).unwrap();
    let deputy = text_of(&ask());
    assert_eq!(text_of(&ask()), deputy);
    assert_eq!(
        tenant.by(&deputy).read("key_0000000000000000").unwrap_err(),
        RegistryError::NotFound
    );
    assert!(ask().key.is_none(), "it has been used");
}

#[test]
fn what_a_cut_off_or_a_dead_signing_key_kills_is_dead_to_the_registry_too() {
    for statement in [
        "UPDATE tenant SET cutoff = 1800000000",
        "UPDATE audience SET cutoff = 1800000000 WHERE number = 1",
        "UPDATE signing_key SET dead_at = 1 WHERE audience = 1",
    ] {
        let tenant = Tenant::new();
        let key = tenant.key(key_request(&["payouts:create"]));
        assert_eq!(tenant.word(&key), "alive", "{statement}");
        tenant.book.store.execute(statement, &[]).unwrap();
        assert_eq!(tenant.word(&key), "revoked", "{statement}");
    }
}

/// design.md: a repeated create gives the key again only if "no registry path … has seen it".
#[test]
fn a_key_that_was_seen_narrowed_is_not_given_again() {
    let tenant = Tenant::new();
    let ask =
        || tenant.once("once").create(admin_request("svc:part", &["keys:read"], &["api"])).unwrap();
    let deputy = text_of(&ask());
    let until = UnixSeconds(tenant.second() + 600);
    let narrowing = Narrowing { expires_at: Some(until), ..Narrowing::default() };
    let narrowed = narrow(&deputy, &narrowing).unwrap();
    let refused = tenant.by(narrowed.secret_str()).audit(0).unwrap_err();
    assert_eq!(refused, RegistryError::NarrowedKey);
    assert!(ask().key.is_none(), "its tag has been in somebody's hands");
}

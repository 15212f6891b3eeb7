//! Revoking many keys by one act: all that is meant, nothing else, and never a way round it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use wardkey::Reason;
use wardkey_provision::KeyRequest;
use wardkey_registry::{
    Call, Conflict, RegistryError, Reply, RevocationRequest, RevocationState, RevocationView,
    RotateRequest, Selector,
};
use wardkey_testkit::{
    Acts as _, Tenant, admin_request, api_policy, authority, base_of, bootstrap_call, conflict,
    field, id_of, key_request, rule, rule_and_detail,
};

fn of(subject: &str, audience: &str) -> KeyRequest {
    KeyRequest {
        subject: subject.into(),
        audience: audience.into(),
        ..key_request(&["reports:read"])
    }
}

fn admin_key(scopes: &[&str], for_audiences: &[&str]) -> KeyRequest {
    admin_request("ops:part", scopes, for_audiences)
}

fn subject(subject: &str) -> Selector {
    Selector::Subject { subject: subject.into(), audience: None }
}

fn key(tenant: &Tenant, subject: &str, audience: &str) -> String {
    tenant.key(of(subject, audience))
}

fn start(tenant: &Tenant, select: Selector, force: bool) -> Result<RevocationView, RegistryError> {
    let reason = Some("leaked".into());
    tenant.revoke_many(RevocationRequest { select, reason, force })
}

fn progress(tenant: &Tenant, id: &str) -> RevocationView {
    let authority = authority(&tenant.admin, None);
    match tenant.book.ask(Call::ReadRevocation { authority, id: id.into() }).unwrap() {
        Reply::Revocation(view) => view,
        other => panic!("{other:?}"),
    }
}

/// Expands all that is under way, and counts the batches.
fn finish(tenant: &Tenant) -> u32 {
    let registry = tenant.book.registry();
    let mut batches = 0;
    while registry.is_revoking().unwrap() {
        registry.expand_revocations(tenant.book.now()).unwrap();
        batches += 1;
    }
    batches
}

#[test]
fn a_few_keys_of_a_subject_are_dead_with_the_answer_and_others_live() {
    let tenant = Tenant::new();
    let [bill, bill_jobs, eve] = [("svc:bill", "api"), ("svc:bill", "jobs"), ("svc:eve", "api")]
        .map(|(subject, audience)| key(&tenant, subject, audience));
    let view = start(&tenant, subject("svc:bill"), false).unwrap();
    assert_eq!((view.state, view.keys), (RevocationState::Done, 2));
    assert!(view.bound.is_some() && view.list_sequence.is_some());
    for key in [&bill, &bill_jobs] {
        assert_eq!((tenant.word(key).as_str(), tenant.listed(key)), ("revoked", true));
    }
    assert_eq!((tenant.word(&eve).as_str(), tenant.listed(&eve)), ("alive", false));
    // A key that is made afterwards is not touched, and one audience alone can be meant.
    let later = key(&tenant, "svc:bill", "api");
    let later_jobs = key(&tenant, "svc:bill", "jobs");
    let only_jobs = Selector::Subject { subject: "svc:bill".into(), audience: Some("jobs".into()) };
    assert_eq!(start(&tenant, only_jobs, false).unwrap().keys, 1);
    assert_eq!((tenant.word(&later), tenant.word(&later_jobs)), ("alive".into(), "revoked".into()));
}

#[test]
fn while_many_are_expanded_every_registry_path_denies_all_of_them() {
    let tenant = Tenant::new();
    let keys: Vec<String> = (0..600).map(|_| key(&tenant, "svc:many", "api")).collect();
    let suspended = key(&tenant, "svc:many", "api");
    let suspend = |key: &str, suspended| tenant.suspend(&id_of(key), suspended);
    suspend(&suspended, true).unwrap();
    tenant.book.pass(1);
    let view = start(&tenant, subject("svc:many"), false).unwrap();
    assert_eq!(view.state, RevocationState::Expanding);
    assert_eq!((view.bound, view.list_sequence), (None, None), "no bound before all are in");
    assert!(view.keys > 0 && view.keys < 601);
    let unlisted = keys.iter().filter(|key| !tenant.listed(key)).count();
    assert!(unlisted > 0, "the control: the list does not have all of them");
    assert!(keys.iter().all(|key| tenant.word(key) == "revoked"));
    // No way round it: no new generation, no resuming, and what is made later is another key.
    let last = keys.iter().find(|key| !tenant.listed(key)).unwrap();
    let rotate = tenant.rotate(&id_of(last), RotateRequest::default());
    assert_eq!(conflict(rotate), Conflict::KeyEnded);
    assert_eq!(conflict(suspend(&suspended, false)), Conflict::KeyEnded);
    tenant.book.pass(1);
    let later = key(&tenant, "svc:many", "api");
    assert_eq!(tenant.word(&later), "alive");
    assert!(finish(&tenant) > 1);
    let done = progress(&tenant, &view.revocation_id);
    assert_eq!((done.state, done.keys), (RevocationState::Done, 601));
    assert!(done.bound.is_some());
    assert!(keys.iter().chain([&suspended]).all(|key| tenant.listed(key)));
    assert_eq!((tenant.word(&later).as_str(), tenant.listed(&later)), ("alive", false));
    // Every effect has its entry, under the request that began it.
    let (mut after, mut revoked) = (0, 0);
    loop {
        let page = tenant.audit(after).unwrap();
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
    let deputy = tenant.key(minting.clone());
    let child = tenant.by(&deputy).key(minting.clone());
    let grandchild = tenant.by(&child).key(minting);
    let by_deputy = tenant.by(&deputy).key(of("svc:a", "api"));
    let by_child = tenant.by(&child).key(of("svc:b", "api"));
    let by_grandchild = tenant.by(&grandchild).key(of("svc:c", "api"));
    let other = key(&tenant, "svc:d", "api");
    let near = Selector::Issuer { key_id: id_of(&child), descendants: false };
    assert_eq!(
        start(&tenant, near, false).unwrap().keys,
        2,
        "the grandchild, and what the child made"
    );
    assert_eq!(tenant.word(&by_child), "revoked");
    assert_eq!(tenant.word(&by_grandchild), "alive");
    let all = Selector::Issuer { key_id: id_of(&deputy), descendants: true };
    let view = start(&tenant, all, false).unwrap();
    finish(&tenant);
    assert_eq!(
        progress(&tenant, &view.revocation_id).keys,
        3,
        "the child, and two keys for services"
    );
    for key in [&by_deputy, &by_child, &by_grandchild] {
        assert_eq!((tenant.word(key).as_str(), tenant.listed(key)), ("revoked", true));
    }
    let refused = tenant.by(&child).create(of("svc:e", "api")).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Revoked));
    assert_eq!(tenant.word(&other), "alive");
    assert!(tenant.by(&deputy).create(of("svc:e", "api")).is_ok());
}

#[test]
fn a_grandchild_is_denied_before_its_issuers_are_expanded() {
    let tenant = Tenant::new();
    let minting = admin_key(&["keys:create"], &["wardkey", "api"]);
    let deputy = tenant.key(minting.clone());
    // More children than a batch holds, and one grandchild by each of some of them.
    let mut grandchildren = vec![];
    for n in 0..300 {
        let child = tenant.by(&deputy).key(minting.clone());
        if n % 50 == 0 {
            grandchildren.push(tenant.by(&child).key(of("svc:x", "api")));
        }
    }
    tenant.book.pass(1);
    let all = Selector::Issuer { key_id: id_of(&deputy), descendants: true };
    let view = start(&tenant, all, false).unwrap();
    assert_eq!(view.state, RevocationState::Expanding);
    assert!(grandchildren.iter().any(|key| !tenant.listed(key)));
    assert!(grandchildren.iter().all(|key| tenant.word(key) == "revoked"));
    finish(&tenant);
    assert_eq!(progress(&tenant, &view.revocation_id).keys, 306);
    assert!(grandchildren.iter().all(|key| tenant.listed(key)));
}

#[test]
fn a_cut_off_kills_an_audience_at_once_and_its_records_follow() {
    let tenant = Tenant::new();
    let keys: Vec<String> = (0..300).map(|_| key(&tenant, "svc:a", "api")).collect();
    let jobs = key(&tenant, "svc:a", "jobs");
    let view = start(&tenant, Selector::Audience { audience: "api".into() }, false).unwrap();
    assert_eq!(view.state, RevocationState::Settling);
    assert!(view.bound.is_some(), "the bound runs from the answer");
    assert!(keys.iter().all(|key| tenant.word(key) == "revoked"));
    assert_eq!(tenant.word(&jobs), "alive");
    // A key that is made in the very same second is issued after the cut-off.
    let later = key(&tenant, "svc:a", "api");
    assert_eq!(tenant.word(&later), "alive");
    finish(&tenant);
    let done = progress(&tenant, &view.revocation_id);
    assert_eq!((done.state, done.keys), (RevocationState::Done, 300));
    assert_eq!(done.list_sequence, view.list_sequence);
    assert_eq!(tenant.word(&later), "alive");
}

#[test]
fn an_issue_time_cuts_off_what_is_older_and_never_lies_in_the_future() {
    let tenant = Tenant::new();
    let old = key(&tenant, "svc:a", "api");
    tenant.book.pass(10_000);
    let young = key(&tenant, "svc:a", "api");
    let second = base_of(&young).issued_at.0;
    let until = |second| Selector::IssuedUntil { second, audience: Some("api".into()) };
    assert!(matches!(start(&tenant, until(second + 1), false), Err(RegistryError::Invalid { .. })));
    start(&tenant, until(second - 1), false).unwrap();
    assert_eq!((tenant.word(&old), tenant.word(&young)), ("revoked".into(), "alive".into()));
    // A cut-off is never lowered: an earlier one changes nothing.
    start(&tenant, until(0), false).unwrap();
    assert_eq!((tenant.word(&old), tenant.word(&young)), ("revoked".into(), "alive".into()));
    start(&tenant, until(second), false).unwrap();
    assert_eq!(tenant.word(&young), "revoked");
}

#[test]
fn nothing_that_would_leave_no_administrator_is_done_unless_forced() {
    let tenant = Tenant::new();
    let key = key(&tenant, "svc:a", "api");
    for select in [
        Selector::Everything {},
        subject("ops:ada"),
        Selector::Audience { audience: "wardkey".into() },
    ] {
        assert_eq!(conflict(start(&tenant, select, false)), Conflict::LastAdmin);
    }
    assert_eq!(tenant.word(&key), "alive");
    assert!(!tenant.book.registry().is_revoking().unwrap(), "what is refused leaves nothing");
    start(&tenant, Selector::Everything {}, true).unwrap();
    assert_eq!(tenant.word(&key), "revoked");
    let refused = tenant.create(of("svc:b", "api")).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::Revoked));
    assert!(tenant.book.ask_created(bootstrap_call(1, [2; 32], None, None)).is_ok());
}

#[test]
fn whoever_may_not_revoke_all_that_is_reached_revokes_nothing_of_it() {
    let tenant = Tenant::new();
    let key = key(&tenant, "svc:a", "api");
    let part = tenant.key(admin_key(&["keys:revoke"], &["api"]));
    let by_part = |select: Selector| {
        tenant.by(&part).revoke_many(RevocationRequest { select, reason: None, force: true })
    };
    for select in [
        subject("svc:a"),
        Selector::Everything {},
        Selector::Audience { audience: "jobs".into() },
        Selector::IssuedUntil { second: 1, audience: None },
        Selector::Issuer { key_id: id_of(&tenant.admin), descendants: true },
    ] {
        assert_eq!(rule(by_part(select.clone())), "every_audience", "{select:?}");
    }
    assert_eq!(tenant.word(&key), "alive");
    let own = Selector::Subject { subject: "svc:a".into(), audience: Some("api".into()) };
    assert!(by_part(own).is_ok());
    assert_eq!(tenant.word(&key), "revoked");
}

#[test]
fn an_audience_that_is_not_there_is_refused_like_one_that_the_actor_has_no_right_over() {
    let tenant = Tenant::new();
    let part = tenant.key(admin_key(&["keys:revoke"], &["api"]));
    let selects: [fn(&str) -> Selector; 3] = [
        |audience| Selector::Audience { audience: audience.into() },
        |audience| Selector::Subject { subject: "svc:a".into(), audience: Some(audience.into()) },
        |audience| Selector::IssuedUntil { second: 1, audience: Some(audience.into()) },
    ];
    for select in selects {
        let refusals = ["jobs", "nowhere"].map(|audience| {
            let select = select(audience);
            let request = RevocationRequest { select, reason: None, force: false };
            let refused = rule_and_detail(tenant.by(&part).revoke_many(request));
            let entry = tenant.entries().pop().unwrap();
            (refused, entry.action, entry.outcome, entry.reason, entry.audience, entry.target)
        });
        assert_eq!(refusals[0], refusals[1]);
        assert_eq!(refusals[0].0.0, "every_audience");
        // From whoever may revoke everything nothing is hidden: a mistyped name is told as one.
        let mistyped = field(start(&tenant, select("nowhere"), false));
        assert!(mistyped.starts_with("select.") && mistyped.ends_with(".audience"), "{mistyped}");
        assert_ne!(tenant.entries().pop().unwrap().actor.unwrap().subject, "ops:ada");
        // Whoever may do so but for one audience is not.
        let most = tenant.key(admin_key(&["keys:revoke"], &["api", "jobs"]));
        let request = RevocationRequest { select: select("nowhere"), reason: None, force: false };
        assert_eq!(rule(tenant.by(&most).revoke_many(request)), "every_audience");
    }
    // What is wrong with the rest of a request is told first, of both alike.
    for audience in ["jobs", "nowhere"] {
        let later = tenant.second() + 9;
        let select = Selector::IssuedUntil { second: later, audience: Some(audience.into()) };
        let request = RevocationRequest { select, reason: None, force: false };
        assert_eq!(field(tenant.by(&part).revoke_many(request)), "select.issued_until.second");
    }
}

#[test]
fn a_revocation_of_an_audience_that_was_dropped_is_told_to_whoever_may_revoke_everything() {
    let tenant = Tenant::new();
    let part = tenant.key(admin_key(&["keys:revoke"], &["api", "jobs"]));
    let done = start(&tenant, Selector::Audience { audience: "jobs".into() }, false).unwrap();
    let mut policy = api_policy().unwrap();
    policy.audiences.pop();
    let replace =
        Call::ReplacePolicy { authority: authority(&tenant.admin, None), version: 1, policy };
    tenant.book.ask(replace).unwrap();
    let read = |who: &str| {
        let (authority, id) = (authority(who, None), done.revocation_id.clone());
        tenant.book.ask(Call::ReadRevocation { authority, id })
    };
    assert!(matches!(read(&tenant.admin), Ok(Reply::Revocation(view)) if view.keys == done.keys));
    assert_eq!(read(&part).unwrap_err(), RegistryError::NotFound);
}

#[test]
fn a_repeated_request_tells_how_far_the_first_one_is() {
    let tenant = Tenant::new();
    for _ in 0..300 {
        key(&tenant, "svc:many", "api");
    }
    let ask = |who: &str| {
        let request = RevocationRequest { select: subject(who), reason: None, force: false };
        tenant.once("once").revoke_many(request)
    };
    let first = ask("svc:many").unwrap();
    assert_eq!(first.state, RevocationState::Expanding);
    finish(&tenant);
    let again = ask("svc:many").unwrap();
    assert_eq!(again.revocation_id, first.revocation_id);
    assert_eq!((again.state, again.keys), (RevocationState::Done, 300));
    assert_eq!(ask("svc:other").unwrap_err(), RegistryError::IdempotencyKeyReused);
}

//! A changed catalog: what may follow what, and which key sets change with it.

use serde_json::json;
use wardkey_provision::{AdminScope, AudiencePolicy, KeyRequest, Policy, ScopePolicy};
use wardkey_registry::{Conflict, RegistryError, RevokeRequest, Store as _, Value};
use wardkey_testkit::{
    Acts as _, Tenant, admin_request, api_policy, bootstrap_call, conflict, field, id_of,
    key_request, rule, sequence_of, text_of,
};

use crate::{changed, key_sets, policy_with, replace, rotate, try_out};

#[test]
fn what_may_not_follow_is_refused_by_its_path_also_after_it_was_dropped() {
    let tenant = Tenant::new();
    let refused = |version, policy: &Policy| {
        let field = field(replace(&tenant, version, policy));
        assert!(try_out(&tenant, version, policy, None).is_err(), "a trial says so, too");
        field
    };
    let unknown = changed(|policy| policy.audiences[0].scopes[0].risk = "none".into());
    assert_eq!(refused(1, &unknown), "policy.audiences[0].scopes[0].risk");
    let brand = changed(|policy| policy.brand = "acme".into());
    assert_eq!(refused(1, &brand), "policy.brand");
    let renamed = changed(|policy| policy.audiences[1].name = "tasks".into());
    assert_eq!(refused(1, &renamed), "policy.audiences[1].number");
    let scope = changed(|policy| policy.audiences[0].scopes[3].name = "status:write".into());
    assert_eq!(refused(1, &scope), "policy.audiences[0].scopes[3].number");
    // Two versions later the number is still its own, and comes back as what it was.
    let less = changed(|policy| {
        policy.audiences[0].scopes.pop();
    });
    replace(&tenant, 1, &less).unwrap();
    replace(&tenant, 2, &less).unwrap();
    assert_eq!(refused(3, &scope), "policy.audiences[0].scopes[3].number");
    assert_eq!(replace(&tenant, 3, &api_policy().unwrap()).unwrap().version, 4);
}

#[test]
fn a_new_audience_has_a_key_set_and_its_founder_the_rights_that_it_held_for_all() {
    let tenant = Tenant::new();
    let part = tenant.key(admin_request(
        "ops:part",
        &["policy:write", "keys:create", "keys:read"],
        &["wardkey", "api"],
    ));
    let with_audience = |number: u8, name: &str, base: &Policy| {
        let mut policy = base.clone();
        policy.audiences.push(AudiencePolicy {
            number,
            name: name.into(),
            ..policy.audiences[0].clone()
        });
        policy
    };
    let three = with_audience(3, "mail", &api_policy().unwrap());
    let sequence = sequence_of(&tenant.head());
    replace(&tenant, 1, &three).unwrap();
    assert!(sequence_of(&tenant.head()) > sequence, "verifiers learn of it");
    assert_eq!(key_sets(&tenant), [(1, 1, 1), (2, 1, 1), (3, 1, 1)]);
    let mail = || KeyRequest { audience: "mail".into(), ..key_request(&["reports:read"]) };
    let made = tenant.create(mail()).unwrap();
    assert_eq!(tenant.read(&made.view.key_id).unwrap().audience, "mail");
    let set = admin_request("svc:gateway", &["verifier:verify"], &["mail"]);
    assert!(tenant.create(set).is_ok());
    assert_eq!(rule(tenant.by(&part).create(mail())), "actor_scope");
    // Who holds rights for some audiences founds one without.
    replace(&tenant.by(&part), 2, &with_audience(4, "news", &three)).unwrap();
    let news = KeyRequest { audience: "news".into(), ..mail() };
    assert_eq!(rule(tenant.by(&part).create(news.clone())), "actor_scope");
    assert_eq!(rule(tenant.create(news)), "actor_scope", "nor does anybody else");
    // A new bootstrap recovers it.
    let recovered = tenant.book.ask_created(bootstrap_call(1, [2; 32], None, None)).unwrap();
    let news = KeyRequest { audience: "news".into(), ..mail() };
    assert!(tenant.by(&text_of(&recovered)).create(news).is_ok());
}

#[test]
fn an_audience_is_dropped_when_none_of_its_keys_lives_and_comes_back_as_itself() {
    let tenant = Tenant::new();
    let jobs = |scope: &str| KeyRequest { audience: "jobs".into(), ..key_request(&[scope]) };
    let made = tenant.create(jobs("reports:read")).unwrap();
    let verifier = tenant.key(admin_request("svc:gateway", &["verifier:verify"], &["jobs"]));
    let one = changed(|policy| {
        policy.audiences.pop();
    });
    assert_eq!(conflict(replace(&tenant, 1, &one)), Conflict::AudienceInUse);
    let trial = try_out(&tenant, 1, &one, None).unwrap();
    assert_eq!(trial.broken_count, 1);
    assert_eq!(trial.broken_keys[0].rule, "audience_in_use");
    tenant.revoke(&made.view.key_id, RevokeRequest::default()).unwrap();
    replace(&tenant, 1, &one).unwrap();
    assert_eq!(key_sets(&tenant), [(1, 1, 1)], "heads name it no more");
    assert_eq!(field(tenant.create(jobs("reports:read"))), "audience");
    let verifier = tenant.by(&verifier);
    for audience in [None, Some("jobs")] {
        let refused = verifier.admit_verifier(audience).unwrap_err();
        assert!(matches!(refused, RegistryError::MissingScope { .. }), "{refused:?}");
    }
    // An administrator with rights for it still rotates.
    assert!(rotate(&tenant, &id_of(&tenant.admin)).is_ok());
    replace(&tenant, 2, &api_policy().unwrap()).unwrap();
    assert_eq!(key_sets(&tenant), [(1, 1, 1), (2, 2, 2)], "its old key sets are too old");
    assert!(verifier.admit_verifier(None).is_ok());
    assert!(tenant.create(jobs("reports:read")).is_ok());
}

#[test]
fn a_key_for_the_key_set_of_one_audience_does_not_get_another_by_founding_it() {
    let tenant = Tenant::new();
    let one = changed(|policy| {
        policy.audiences.pop();
        let rule = json!([{"name": "r", "actors": ["*"], "audiences": ["wardkey"], "subjects": ["*"],
                           "scopes": ["*", "verifier:key-set"]}]);
        policy.rules = serde_json::from_value(rule).unwrap();
    });
    replace(&tenant, 1, &one).unwrap();
    let scopes = ["policy:write", "verifier:key-set", "verifier:verify"];
    let made = tenant.create(admin_request("svc:edge", &scopes, &["wardkey", "api"])).unwrap();
    let mut two = one.clone();
    let mail = AudiencePolicy { number: 3, name: "mail".into(), ..one.audiences[0].clone() };
    two.audiences.push(mail);
    replace(&tenant.by(&text_of(&made)), 2, &two).unwrap();
    let sql = "SELECT scope FROM binding WHERE audience = 3 AND key_id = ?";
    let rows = tenant.book.store.query(sql, &[made.view.key_id.as_str().into()]).unwrap();
    let verify = AdminScope::VerifierVerify.number();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].0[0], Value::from(verify));
}

#[test]
fn a_changed_catalog_is_a_new_key_set_and_a_stricter_one_at_once() {
    let tenant = Tenant::new();
    let sequence = sequence_of(&tenant.head());
    let with_risk = |risk: &str| changed(|policy| policy.audiences[0].scopes[0].risk = risk.into());
    replace(&tenant, 1, &policy_with(json!({"rotation": {"overlap_s": 60}}))).unwrap();
    assert_eq!(key_sets(&tenant), [(1, 1, 1), (2, 1, 1)], "what verifiers need not know");
    assert_eq!(sequence_of(&tenant.head()), sequence);
    replace(&tenant, 2, &with_risk("low")).unwrap();
    assert_eq!(key_sets(&tenant), [(1, 2, 1), (2, 1, 1)], "lowered: whenever they come to it");
    assert!(sequence_of(&tenant.head()) > sequence);
    replace(&tenant, 3, &with_risk("high")).unwrap();
    assert_eq!(key_sets(&tenant), [(1, 3, 3), (2, 1, 1)], "raised: not before they have it");
    let more = changed(|policy| {
        policy.audiences[0].scopes[0].risk = "high".into();
        let scope = ScopePolicy { number: 9, name: "a:b".into(), risk: "low".into() };
        policy.audiences[0].scopes.push(scope);
    });
    replace(&tenant, 4, &more).unwrap();
    assert_eq!(key_sets(&tenant), [(1, 4, 3), (2, 1, 1)], "one more");
    let trial = try_out(&tenant, 5, &with_risk("high"), None).unwrap();
    assert!(trial.key_sets.len() == 1 && trial.key_sets[0].at_once, "{trial:?}");
    replace(&tenant, 5, &with_risk("high")).unwrap();
    assert_eq!(key_sets(&tenant), [(1, 5, 5), (2, 1, 1)], "one less");
}

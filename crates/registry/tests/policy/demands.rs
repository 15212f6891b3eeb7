//! What the policy demands of keys: roles, rules, levels and overlaps, when they are made and ever after.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wardkey_provision::{KeyRequest, RolePolicy};
use wardkey_registry::{Call, RotateRequest, Store as _};
use wardkey_testkit::{
    Acts as _, Book, Tenant, admin_request, api_policy, bootstrap_call, field, key_request, rule,
};

use crate::{changed, entries_of, new_id, replace, rotate, tenant_with};

#[test]
fn a_role_expands_to_scopes_and_the_key_keeps_them_when_the_role_changes() {
    let mut policy = api_policy().unwrap();
    policy.audiences[0].roles = vec![RolePolicy {
        name: "reporter".into(),
        scopes: vec!["reports:read".into(), "reports:write".into()],
    }];
    let tenant = Tenant::new();
    replace(&tenant, 1, &policy).unwrap();
    let request = KeyRequest { roles: vec!["reporter".into()], ..key_request(&["status:read"]) };
    let key_id = new_id(tenant.create(request));
    let scopes = ["reports:read", "reports:write", "status:read"];
    assert_eq!(tenant.read(&key_id).unwrap().scopes, scopes);
    policy.audiences[0].roles.clear();
    replace(&tenant, 2, &policy).unwrap();
    assert_eq!(tenant.read(&key_id).unwrap().scopes, scopes);
    assert_eq!(rotate(&tenant, &key_id).unwrap().view.scopes, scopes);
}

#[test]
fn a_rotation_may_name_roles_which_expand_as_the_policy_has_them_now() {
    let role = |scopes: &[&str]| {
        changed(|policy| {
            policy.audiences[0].roles = vec![RolePolicy {
                name: "reporter".into(),
                scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
            }];
        })
    };
    let tenant = Tenant::with(role(&["reports:read"]));
    let reporter = || RotateRequest { roles: vec!["reporter".into()], ..RotateRequest::default() };
    let key_id = tenant.create(key_request(&["status:read"])).unwrap().view.key_id;
    replace(&tenant, 1, &role(&["reports:read", "reports:write"])).unwrap();
    let rotated = tenant.rotate(&key_id, reporter()).unwrap();
    // Instead of what it had, as for a new key.
    assert_eq!(rotated.view.scopes, ["reports:read", "reports:write"]);
    tenant.confirm(&key_id).unwrap();
    let both = RotateRequest { scopes: Some(vec!["status:read".into()]), ..reporter() };
    let rotated = tenant.rotate(&key_id, both).unwrap();
    assert_eq!(rotated.view.scopes, ["reports:read", "reports:write", "status:read"]);
    tenant.confirm(&key_id).unwrap();
    let unknown = RotateRequest { roles: vec!["nobody".into()], ..RotateRequest::default() };
    assert_eq!(field(tenant.rotate(&key_id, unknown)), "roles");
    let administrator =
        tenant.create(admin_request("ops:reader", &["keys:read"], &["api"])).unwrap();
    assert_eq!(field(tenant.rotate(&administrator.view.key_id, reporter())), "roles");
}

fn rules() -> Value {
    json!([
        {"name": "ops", "actors": ["ops:*"], "audiences": ["wardkey", "api", "jobs"], "scopes": ["*"], "subjects": ["*"]},
        {"name": "ci", "actors": ["svc:ci"], "audiences": ["api"], "scopes": ["reports:*"], "subjects": ["svc:ci-*"],
         "max_lifetime_s": 3600},
        {"name": "sets", "actors": ["ops:*"], "audiences": ["wardkey"], "scopes": ["verifier:key-set"], "subjects": ["svc:*"]},
    ])
}

#[test]
fn rules_hold_when_a_key_is_made_and_when_it_is_rotated_and_refusals_are_in_the_log() {
    let tenant = tenant_with(json!({"rules": rules()}));
    let ci = tenant.key(admin_request("svc:ci", &["keys:create", "keys:rotate"], &["api"]));
    // keys:create for api is not keys:create for wardkey.
    let job = |scopes: &[&str]| KeyRequest { subject: "svc:ci-1".into(), ..key_request(scopes) };
    let made = tenant.by(&ci).create(job(&["reports:read"])).unwrap();
    assert_eq!(rule(tenant.by(&ci).create(job(&["status:read"]))), "no_rule");
    assert_eq!(rule(tenant.by(&ci).create(key_request(&["reports:read"]))), "no_rule");
    let refused: Vec<_> =
        entries_of(&tenant, "key.create").into_iter().filter(|e| e.outcome == "refused").collect();
    assert_eq!(refused.len(), 2);
    assert_eq!(refused[0].reason.as_deref(), Some("no_rule"));
    let rotate_by =
        |who: &str, key_id: &str| tenant.by(who).rotate(key_id, RotateRequest::default());
    let other = new_id(tenant.create(job(&["status:read"])));
    assert_eq!(rule(rotate_by(&ci, &other)), "no_rule");
    assert!(rotate_by(&ci, &made.view.key_id).is_ok());
    let set = |audiences: &[&str]| admin_request("svc:edge", &["verifier:key-set"], audiences);
    assert!(tenant.create(set(&["api"])).is_ok());
    assert_eq!(rule(tenant.create(set(&["api", "jobs"]))), "key_set_one_audience");
    assert_eq!(rule(Tenant::new().create(set(&["api"]))), "key_set_needs_rule");
}

#[test]
fn what_a_level_demands_is_not_noted_away_again() {
    let demands = json!({"high": {"require": ["name", "owner", "tags", "meta.ticket"]}});
    let tenant = tenant_with(json!({"levels": demands}));
    let whole = KeyRequest {
        name: Some("n".into()),
        owner: Some("ada".into()),
        tags: vec!["t".into()],
        meta: BTreeMap::from([("ticket".into(), "1".into())]),
        ..key_request(&["reports:write"])
    };
    assert_eq!(rule(tenant.create(key_request(&["reports:write"]))), "level.high.name");
    let key_id = new_id(tenant.create(whole));
    let update = |key_id: &str, change: Value| {
        tenant.update(key_id, serde_json::from_value(change).unwrap())
    };
    for (change, refused) in [
        (json!({"name": null}), "level.high.name"),
        (json!({"owner": "svc:billing"}), "level.high.owner"),
        (json!({"tags": []}), "level.high.tags"),
        (json!({"meta": {}}), "level.high.meta.ticket"),
    ] {
        assert_eq!(rule(update(&key_id, change)), refused);
    }
    assert!(update(&key_id, json!({"name": "m", "owner": "eve"})).is_ok());
    assert!(rotate(&tenant, &key_id).is_ok());
    // What has never been given can stay away: a key of before the demand is noted down as before.
    let free = new_id(tenant.create(key_request(&["status:read"])));
    assert!(update(&free, json!({"owner": "bob"})).is_ok());
}

#[test]
fn a_rotation_that_names_no_overlap_takes_the_policys() {
    let tenant = tenant_with(json!({"rotation": {"overlap_s": 120}}));
    let key_id = new_id(tenant.create(key_request(&["reports:read"])));
    rotate(&tenant, &key_id).unwrap();
    let rows = tenant.book.store.query("SELECT max(overlap_s) FROM generation", &[]).unwrap();
    assert!(matches!(rows[0].0[0], wardkey_registry::Value::Integer(120)));
}

#[test]
fn the_tenant_of_cargo_xtask_dev_allows_what_demo_and_readme_ask_for() {
    let body: Value = serde_json::from_str(include_str!("../../../xtask/dev-tenant.json")).unwrap();
    let mut call = bootstrap_call(1, [1; 32], None, None);
    if let Call::Bootstrap { request, .. } = &mut call {
        *request = serde_json::from_value(body).unwrap();
    }
    let tenant = Tenant::bootstrapped(Book::in_memory(1).unwrap(), call);
    for wanted in [
        json!({"subject": "svc:gateway", "audience": "wardkey", "scopes": ["verifier:verify"],
               "for_audiences": ["api"], "expires_in": 3600, "name": "demo gateway"}),
        json!({"subject": "svc:billing", "audience": "api", "scopes": ["reports:read", "payouts:create"],
               "expires_in": 3600, "name": "demo billing"}),
        json!({"subject": "svc:leaky", "audience": "api", "scopes": ["reports:read", "payouts:create"],
               "expires_in": 3600}),
        json!({"subject": "svc:billing", "audience": "api", "scopes": ["reports:read"], "expires_in": 3600}),
        json!({"subject": "svc:billing", "audience": "api", "roles": ["reporter"], "expires_in": 3600}),
        json!({"subject": "svc:gateway", "audience": "wardkey", "scopes": ["verifier:verify"],
               "for_audiences": ["api"], "expires_in": 86400}),
        json!({"subject": "svc:edge", "audience": "wardkey", "scopes": ["verifier:key-set"],
               "for_audiences": ["api"], "expires_in": 86400}),
    ] {
        let outcome = tenant.create(serde_json::from_value(wanted.clone()).unwrap());
        assert!(outcome.is_ok(), "{wanted}: {outcome:?}");
    }
    let long = KeyRequest { expires_in: 2_592_001, ..key_request(&["reports:write"]) };
    assert_eq!(rule(tenant.create(long)), "level.high.max_lifetime_s");
}

//! A dry run: what a policy would change, which living keys would break it, and nothing is written.

use std::collections::BTreeMap;

use serde_json::json;
use wardkey_provision::{KeyConstraints, KeyRequest};
use wardkey_registry::{GenerationState, Store as _};
use wardkey_testkit::{Acts as _, Tenant, admin_request, api_policy, field, key_request, rule};

use crate::{new_id, policy_with, replace, rotate, try_out};

#[test]
fn a_trial_says_what_would_change_and_which_living_keys_would_break_it_and_changes_nothing() {
    let tenant = Tenant::new();
    let near = KeyConstraints { networks: vec!["10.0.0.0/8".into()], ..KeyConstraints::default() };
    let owned = KeyRequest { owner: Some("ada".into()), ..key_request(&["reports:write"]) };
    let good = new_id(tenant.create(KeyRequest { constraints: near, ..owned.clone() }));
    let everywhere = new_id(tenant.create(owned));
    let nobodys = new_id(tenant.create(key_request(&["reports:write"])));
    let long =
        new_id(tenant.create(KeyRequest { expires_in: 7200, ..key_request(&["status:read"]) }));
    let low = new_id(tenant.create(key_request(&["status:read"])));
    let ci = tenant.key(admin_request("svc:ci", &["keys:create"], &["api"]));
    let by_ci = new_id(tenant.by(&ci).create(key_request(&["status:read"])));
    let scopeless = new_id(tenant.create(key_request(&["payouts:create"])));
    let dead =
        new_id(tenant.create(KeyRequest { expires_in: 60, ..key_request(&["reports:write"]) }));
    tenant.book.pass(60_000);
    let mut policy = policy_with(json!({
        "levels": {"high": {"require": ["owner", "constraints.networks"]}, "low": {"max_lifetime_s": 3600}},
        "rules": [{"name": "ops", "actors": ["ops:*"], "audiences": ["wardkey", "api", "jobs"], "scopes": ["*"], "subjects": ["*"]}],
    }));
    policy.audiences[0].scopes.remove(2);
    let before = tenant.book.store.dump().unwrap();
    let trial = try_out(&tenant, 1, &policy, None).unwrap();
    assert_eq!(tenant.book.store.dump().unwrap(), before, "nothing is written");
    let broken: BTreeMap<_, _> =
        trial.broken_keys.iter().map(|key| (key.key_id.as_str(), key.rule.as_str())).collect();
    let expected = BTreeMap::from([
        (everywhere.as_str(), "level.high.constraints.networks"),
        (nobodys.as_str(), "level.high.owner"),
        (long.as_str(), "level.low.max_lifetime_s"),
        (by_ci.as_str(), "no_rule"),
        (scopeless.as_str(), "scopes"),
    ]);
    assert_eq!(broken, expected);
    for fine in [&good, &low, &dead] {
        assert!(!broken.contains_key(fine.as_str()));
    }
    // Seven of api, the administrator of the bootstrap, which no rule refuses, and ci's.
    assert_eq!((trial.checked_keys, trial.broken_count), (9, 5));
    assert!(trial.complete && trial.would_change);
    let paths: Vec<_> = trial.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["audiences[api].scopes[payouts:create]", "levels", "rules"]);
    // What a cut-off has killed does not live, whatever its row says.
    let cutoff =
        format!("UPDATE audience SET cutoff = {} WHERE number = 1", tenant.book.now().0 / 1000);
    tenant.book.store.execute(&cutoff, &[]).unwrap();
    let after_cutoff = try_out(&tenant, 1, &policy, None).unwrap();
    assert_eq!((after_cutoff.checked_keys, after_cutoff.broken_count), (2, 0));
    tenant.book.store.execute("UPDATE audience SET cutoff = 0", &[]).unwrap();
    // The policy in force changes and breaks nothing.
    let same = try_out(&tenant, 1, &api_policy().unwrap(), None).unwrap();
    assert!(!same.would_change && same.changes.is_empty() && same.broken_keys.is_empty());
    // No key dies of the replacement itself.
    replace(&tenant, 1, &policy).unwrap();
    let alive = tenant.read(&nobodys).unwrap().generations[0].state;
    assert_eq!(alive, GenerationState::Pending);
    assert_eq!(rule(rotate(&tenant, &nobodys)), "level.high.owner");
}

#[test]
fn a_trial_looks_at_ten_thousand_keys_and_says_where_to_go_on() {
    let tenant = Tenant::new();
    tenant.create(key_request(&["reports:read"])).unwrap();
    // Copies of that key's rows: 10,200 of them.
    let copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10200) ";
    for (table, columns) in [
        ("key", "subject, audience, owner, issuer, created_at, record_version"),
        ("generation", "number, epoch, issued_at, expires_at, scopes, state"),
    ] {
        let (id, own, from) = match table {
            "key" => (
                "id",
                "",
                "id = (SELECT key_id FROM generation ORDER BY status_index DESC LIMIT 1)",
            ),
            _ => (
                "key_id",
                "status_index, ",
                "status_index = (SELECT max(status_index) FROM generation)",
            ),
        };
        let index = if own.is_empty() { "" } else { "status_index + i, " };
        let sql = format!(
            "{copies} INSERT INTO {table} ({id}, {own}{columns})
             SELECT printf('key_%016x', i), {index}{columns} FROM n, (SELECT * FROM {table} WHERE {from})"
        );
        tenant.book.store.execute(&sql, &[]).unwrap();
    }
    let none = policy_with(json!({"rules": []}));
    let first = try_out(&tenant, 1, &none, None).unwrap();
    assert_eq!((first.checked_keys, first.broken_count), (10_000, 10_000));
    assert_eq!((first.broken_keys.len(), first.complete), (100, false));
    let next = first.next_after.unwrap();
    assert_eq!(next, format!("key_{:016x}", 10_000));
    let second = try_out(&tenant, 1, &none, Some(&next)).unwrap();
    // The rest, the original, and the administrator, which no rule refuses.
    assert_eq!((second.checked_keys, second.broken_count), (202, 201));
    assert!(second.complete && second.next_after.is_none());
    assert_eq!(field(try_out(&tenant, 1, &none, Some("key_1"))), "after");
}

//! Versions of the policy: who may read and replace it, and what has been is kept.

use serde_json::json;
use wardkey_provision::Policy;
use wardkey_registry::{RegistryError, Store as _};
use wardkey_testkit::{Acts as _, Tenant, admin_request, api_policy};

use crate::{changed, entries_of, policy_with, read, replace, try_out};

#[test]
fn old_content_comes_back_as_a_new_version_and_every_version_can_be_read() {
    let tenant = Tenant::new();
    let first = read(&tenant, None).unwrap();
    assert_eq!((first.version, &first.policy, &first.actor), (1, &api_policy().unwrap(), &None));
    let other = policy_with(json!({"rotation": {"overlap_s": 60}}));
    let second = replace(&tenant, 1, &other).unwrap();
    assert_eq!((second.version, &second.policy), (2, &other));
    assert_eq!(second.actor.as_ref().unwrap().subject, "ops:ada");
    let third = replace(&tenant, 2, &first.policy).unwrap();
    assert_eq!((third.version, &third.policy), (3, &first.policy));
    let same = replace(&tenant, 3, &first.policy).unwrap();
    assert_eq!(same.version, 4, "the same content again is a version of its own");
    assert_eq!(read(&tenant, None).unwrap(), same);
    for (version, view) in [(1, &first), (2, &second), (3, &third)] {
        assert_eq!(&read(&tenant, Some(version)).unwrap(), view);
    }
    for none in [0, 5, u32::MAX] {
        assert_eq!(read(&tenant, Some(none)), Err(RegistryError::NotFound));
    }
    let done = entries_of(&tenant, "policy.replace");
    let targets: Vec<_> = done.iter().map(|entry| entry.target.clone().unwrap()).collect();
    assert_eq!(targets, ["policy:2", "policy:3", "policy:4"]);
}

#[test]
fn who_has_not_seen_the_present_version_replaces_and_tries_nothing() {
    let tenant = Tenant::new();
    let policy = policy_with(json!({"rotation": {"overlap_s": 60}}));
    for wrong in [0, 2, u32::MAX] {
        let changed = RegistryError::PolicyChanged { version: 1 };
        assert_eq!(replace(&tenant, wrong, &policy).unwrap_err(), changed);
        assert_eq!(try_out(&tenant, wrong, &policy, None).unwrap_err(), changed);
    }
    replace(&tenant, 1, &policy).unwrap();
    let lost = replace(&tenant, 1, &policy).unwrap_err();
    assert_eq!(lost, RegistryError::PolicyChanged { version: 2 });
    assert_eq!(read(&tenant, None).unwrap().version, 2);
}

#[test]
fn a_repeated_replacement_happens_once() {
    let tenant = Tenant::new();
    let policy = policy_with(json!({"rotation": {"overlap_s": 60}}));
    let replace_once = |policy: &Policy| replace(&tenant.once("once"), 1, policy);
    let first = replace_once(&policy).unwrap();
    replace(&tenant, 2, &api_policy().unwrap()).unwrap();
    assert_eq!(replace_once(&policy).unwrap(), first, "also after another has followed");
    assert_eq!(
        replace_once(&api_policy().unwrap()).unwrap_err(),
        RegistryError::IdempotencyKeyReused
    );
    assert_eq!(read(&tenant, None).unwrap().version, 3);
}

#[test]
fn reading_and_writing_the_policy_are_rights_of_their_own_and_refusals_are_in_the_log() {
    let tenant = Tenant::new();
    let reader = tenant.key(admin_request("ops:reader", &["policy:read"], &["wardkey"]));
    let none =
        tenant.key(admin_request("ops:none", &["keys:create", "keys:read"], &["wardkey", "api"]));
    let policy = api_policy().unwrap();
    assert_eq!(read(&tenant.by(&reader), None).unwrap().policy, policy);
    let missing = |scope: &str| RegistryError::MissingScope { scope: scope.into() };
    assert_eq!(read(&tenant.by(&none), None).unwrap_err(), missing("policy:read"));
    let refused = replace(&tenant.by(&reader), 1, &policy).unwrap_err();
    assert_eq!(refused, missing("policy:write"));
    let refused = try_out(&tenant.by(&reader), 1, &policy, None).unwrap_err();
    assert_eq!(refused, missing("policy:write"));
    let writer = tenant.key(admin_request("ops:writer", &["policy:write"], &["wardkey"]));
    assert_eq!(replace(&tenant.by(&writer), 1, &policy).unwrap().version, 2);
    for (action, outcomes) in [
        ("policy.read", &["refused"][..]),
        ("policy.replace", &["refused", "done"]),
        ("policy.try", &["refused"]),
    ] {
        let entries = entries_of(&tenant, action);
        let told: Vec<_> = entries.iter().map(|entry| entry.outcome.as_str()).collect();
        assert_eq!(told, outcomes, "{action}");
    }
}

#[test]
fn a_tenant_of_an_earlier_schema_has_its_policy_as_version_1_and_its_numbers_as_given() {
    let tenant = Tenant::new();
    // As an earlier Worker left it.
    for statement in [
        "DROP TABLE policy_version",
        "DROP TABLE given_audience",
        "DROP TABLE given_scope",
        "ALTER TABLE audience DROP COLUMN dropped_at",
        "UPDATE tenant SET schema_version = 3",
    ] {
        tenant.book.store.execute(statement, &[]).unwrap();
    }
    let view = read(&tenant, None).unwrap();
    assert_eq!((view.version, view.policy), (1, api_policy().unwrap()));
    let swapped = changed(|policy| {
        policy.audiences[0].name = "jobs".into();
        policy.audiences[1].name = "api".into();
    });
    assert!(matches!(replace(&tenant, 1, &swapped), Err(RegistryError::Invalid { .. })));
    let scope = changed(|policy| policy.audiences[1].scopes[0].name = "a:b".into());
    assert!(matches!(replace(&tenant, 1, &scope), Err(RegistryError::Invalid { .. })));
    assert_eq!(replace(&tenant, 1, &api_policy().unwrap()).unwrap().version, 2);
}

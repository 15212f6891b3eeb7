//! Who acts on none of these paths: who holds a narrowed key, and who made a key without the registry.

use wardkey::{Narrowing, Reason, UnixSeconds, narrow};
use wardkey_provision::key_text;
use wardkey_registry::{Call, RegistryError, RevokeSelfRequest, Store as _};
use wardkey_testkit::{Acts as _, api_policy, authority, base_of, key_request, stolen_secret};

use crate::{new_calls, tenant};

#[test]
fn a_narrowed_key_acts_on_none_of_the_new_paths() {
    let tenant = tenant();
    let narrowing =
        Narrowing { expires_at: Some(UnixSeconds(tenant.second() + 3600)), ..Narrowing::default() };
    let narrowed = narrow(&tenant.admin, &narrowing).unwrap();
    let count = new_calls("").len();
    for call in new_calls(narrowed.secret_str()) {
        let before = tenant.book.store.query("SELECT * FROM tenant", &[]).unwrap();
        let named = format!("{call:?}");
        assert_eq!(tenant.book.ask(call).unwrap_err(), RegistryError::NarrowedKey, "{named}");
        assert_eq!(
            tenant.book.store.query("SELECT * FROM tenant", &[]).unwrap(),
            before,
            "{named}"
        );
    }
    let log = tenant.entries();
    let refused = log.iter().filter(|entry| entry.reason.as_deref() == Some("narrowed_key"));
    assert_eq!(refused.count(), count);
}

#[test]
fn a_key_that_was_never_issued_is_alarmed_at_every_path_that_finds_its_tag_right() {
    let tenant = tenant();
    let key = tenant.key(key_request(&["reports:read"]));
    let secret = stolen_secret(&tenant.book.store);
    let forge = |key: &str, admin: bool| {
        let policy = api_policy().unwrap();
        let prefix = if admin { policy.admin_prefix() } else { policy.key_prefix() };
        let mut base = base_of(key);
        base.status_index.0 += 1000;
        key_text(&secret, &prefix.unwrap(), &base).unwrap().secret_str().to_owned()
    };
    let (forged_admin, forged) = (forge(&tenant.admin, true), forge(&key, false));
    let mut calls = new_calls(&forged_admin);
    let judged = |credential: &str, possession| Call::Admit {
        authority: authority(credential, None),
        possession,
    };
    calls.extend([
        Call::CreateKey {
            authority: authority(&forged_admin, None),
            request: key_request(&["reports:read"]),
        },
        Call::AdmitVerifier {
            authority: authority(&forged_admin, None),
            audience: None,
            has: vec![],
        },
        judged(&forged_admin, false),
        judged(&forged_admin, true),
        judged(&forged, true),
        Call::RevokeSelf {
            authority: authority(&forged, None),
            request: RevokeSelfRequest::default(),
        },
    ]);
    let count = calls.len();
    for call in calls {
        let named = format!("{call:?}");
        let refused = tenant.book.ask(call).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::NeverIssued), "{named}");
    }
    assert_eq!(tenant.word(&forged), "never_issued");
    let log = tenant.entries();
    let alarms: Vec<_> = log.iter().filter(|entry| entry.outcome == "alarm").collect();
    assert_eq!(alarms.len(), count + 1);
    assert_eq!(alarms.iter().filter(|entry| entry.audience == 1).count(), 3);
    assert!(
        alarms.iter().all(|alarm| alarm.action == "key.never_issued" && alarm.target.is_some())
    );
}

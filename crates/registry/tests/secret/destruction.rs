//! The end of a tenant: by whom, for ever, and of its secret nothing remains.

use std::fs;

use wardkey::Reason;
use wardkey_registry::{
    BootstrapRequest, Call, DestroyRequest, Destroyed, RegistryError, Reply, Store as _,
};
use wardkey_testkit::{
    Acts, Book, SqliteStore, Tenant, admin_request, api_policy, authority, base_of, bootstrap_call,
    digest_of, field, id_of, key_request, lasting_bootstrap, seeded_rng, sequence_of, text_of,
    wrapped_secret,
};

use crate::{new_calls, tenant};

const HOUR_MS: u64 = 3_600_000;

fn destroy(by: &impl Acts, confirm: u16) -> Result<Destroyed, RegistryError> {
    let request = DestroyRequest { confirm, reason: Some("moved away".into()) };
    match by.book().ask(Call::DestroyTenant { authority: by.authority(), request })? {
        Reply::Destroyed(destroyed) => Ok(destroyed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_who_may_manage_the_tenant_rewraps_or_destroys_and_never_by_mistake() {
    let tenant = tenant();
    let scopes = ["keys:create", "keys:read", "keys:revoke", "signing-keys:rotate", "policy:write"];
    let part = tenant.key(admin_request("svc:part", &scopes, &["wardkey", "api"]));
    let before = wrapped_secret(&tenant.book.store);
    for call in new_calls(&part) {
        if matches!(call, Call::RotateSigningKeys { .. } | Call::ReadKeySet { .. }) {
            continue;
        }
        let refused = tenant.book.ask(call).unwrap_err();
        assert!(
            matches!(refused, RegistryError::MissingScope { scope } if scope == "tenant:manage")
        );
    }
    for wrong in [0, 2, 65_535] {
        assert_eq!(field(destroy(&tenant, wrong)), "confirm");
    }
    for text in ["{}", r#"{"confirm":"1"}"#, r#"{"confirm":1,"force":true}"#, r#"{"confirm":-1}"#] {
        assert!(serde_json::from_str::<DestroyRequest>(text).is_err(), "{text}");
    }
    assert_eq!(wrapped_secret(&tenant.book.store), before);
    let manager = tenant.key(admin_request("svc:part", &["tenant:manage"], &["wardkey"]));
    assert!(destroy(&tenant.by(&manager), 1).is_ok());
}

#[test]
fn a_destroyed_tenant_judges_publishes_and_becomes_nothing_ever_again() {
    let tenant = tenant();
    let other = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    let second = tenant.rotate(&id_of(&key), serde_json::from_str("{}").unwrap()).unwrap();
    let second = text_of(&second);
    // An overlap that would end later, a dead signing key, and records to be written.
    assert_eq!(tenant.word(&second), "alive");
    let head = tenant.head();
    let state = || tenant.state(sequence_of(&head), digest_of(&head));
    assert!(state().is_ok());
    assert!(tenant.book.registry().next_due(tenant.book.now()).unwrap().is_some());

    // A revocation that is under way when the tenant ends is under way no more.
    let sql = "INSERT INTO revocation (id, selector, actor_subject, actor_key, request_id, started_at, state, keys,
               sequence, cursor) VALUES ('rev_0000000000000000', '{\"everything\":{}}', 'ops:ada', 'key_0000000000000000',
               'req', 1, 'settling', 0, 0, '')";
    tenant.book.store.execute(sql, &[]).unwrap();
    assert!(tenant.book.registry().is_revoking().unwrap());
    let destroyed = destroy(&tenant, 1).unwrap();
    assert_eq!((destroyed.tenant, destroyed.destroyed_at_ms), (1, tenant.book.now().0));
    assert_eq!(destroyed.verifies_until_ms, tenant.book.now().0 + HOUR_MS + 5_000);
    // A clock that steps back brings nothing back, and time brings nothing.
    for at in [0, HOUR_MS, 400 * 24 * HOUR_MS] {
        tenant.book.set_now(destroyed.destroyed_at_ms - HOUR_MS + at);
        let mut calls = new_calls(&tenant.admin);
        calls.push(Call::Admit { authority: authority(&key, None), possession: true });
        calls.push(Call::ReadAudit {
            authority: authority(&tenant.admin, None),
            after: 0,
            limit: 1,
        });
        // A forged one is told no different from the administrator's own.
        calls.extend(new_calls("wkadmin_live_none"));
        for call in calls {
            let named = format!("{call:?}");
            let refused = tenant.book.ask(call).unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::TenantGone), "{named}");
        }
        assert_eq!(tenant.check(&base_of(&key)).unwrap_err().reason(), Some(Reason::TenantGone));
        assert_eq!(tenant.book.ask(Call::Head).unwrap_err(), RegistryError::TenantGone);
        assert_eq!(state().err(), Some(RegistryError::TenantGone));
        for (hash, policy) in [
            (1, Some(api_policy().unwrap())),
            (1, None),
            (2, Some(api_policy().unwrap())),
            (3, None),
        ] {
            let outcome = tenant.book.ask(bootstrap_call(1, [hash; 32], policy, Some("boot")));
            assert_eq!(outcome.unwrap_err(), RegistryError::TenantGone);
        }
        assert_eq!(tenant.book.registry().next_due(tenant.book.now()).unwrap(), None);
        assert!(!tenant.book.registry().is_revoking().unwrap());
        assert!(
            tenant
                .book
                .registry()
                .due_publications(tenant.book.now(), 9, &mut seeded_rng(1))
                .is_err()
        );
        assert!(tenant.book.registry().apply_deadlines(tenant.book.now()).is_err());
    }
    // What was done and by whom stays, for the operator; another tenant notices nothing.
    let dump = tenant.book.store.dump().unwrap();
    assert!(dump.contains("tenant.destroy") && dump.contains("moved away"));
    other.key(key_request(&["reports:read"]));
    assert_eq!(Reason::TenantGone.answer(), Reason::UnknownSigningKey.answer());
}

#[test]
fn no_byte_of_the_secret_remains_where_it_was_kept() {
    let path = std::env::temp_dir().join(format!("wardkey-destroy-{}.sqlite", std::process::id()));
    let _ = fs::remove_file(&path);
    let book = Book::over(SqliteStore::open(&path).unwrap(), 5).unwrap();
    let tenant =
        Tenant::bootstrapped(book, lasting_bootstrap(1, Some(api_policy().unwrap()), 24 * 3600));
    for _ in 0..50 {
        tenant.key(key_request(&["reports:read"]));
    }
    let wrapped_before = wrapped_secret(&tenant.book.store);
    // Version, nonce and sealed secret: what remains must not hold nonce or seal, in whole or in half.
    let parts: Vec<&[u8]> =
        vec![&wrapped_before[4..28], &wrapped_before[28..52], &wrapped_before[52..]];
    let holds = |parts: &[&[u8]]| {
        let dump = tenant.book.store.dump().unwrap();
        let file = fs::read(&path).unwrap();
        parts
            .iter()
            .map(|part| {
                let shown = format!("{part:?}");
                let in_dump = dump.contains(shown.trim_matches(['[', ']']));
                (in_dump, file.windows(part.len()).any(|window| window == *part))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(holds(&parts), [(true, true); 3], "the control: it is found while it is there");
    destroy(&tenant, 1).unwrap();
    assert_eq!(wrapped_secret(&tenant.book.store), vec![0; wrapped_before.len()]);
    assert_eq!(holds(&parts), [(false, false); 3]);
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_tenant_that_nobody_made_is_not_one_that_is_gone() {
    let book = Book::in_memory(1).unwrap();
    assert_eq!(book.ask(Call::Head).unwrap_err(), RegistryError::NoTenant);
    let request = BootstrapRequest { subject: "ops:ada".into(), policy: None, expires_in: 3600 };
    assert_eq!(request.policy, None);
    assert!(book.bootstrap().is_ok());
}

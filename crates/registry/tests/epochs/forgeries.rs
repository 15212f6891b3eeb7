//! Which refusals are of forgeries, as the Worker alone is told: a key that was issued is none, whatever became of it.

use wardkey::{Epoch, Reason, TenantId};
use wardkey_provision::{TenantSecret, key_text};
use wardkey_registry::{
    Call, DestroyRequest, RegistryError, Reply, RevokeSelfRequest, RotateSigningKeysRequest,
};
use wardkey_testkit::{Acts as _, Book, Tenant, api_policy, authority, base_of, text_of};

use crate::{compromise, compromised, create, recover, tenant};

/// The same key, signed by whoever has another secret, and by another epoch.
fn forged(key: &str, is_admin: bool, epoch: u8) -> String {
    let policy = api_policy().unwrap();
    let prefix = if is_admin { policy.admin_prefix() } else { policy.key_prefix() }.unwrap();
    let secret = TenantSecret::new(TenantId(1), [7; 32]);
    let mut base = base_of(key);
    base.signing_key.epoch = Epoch::new(epoch).unwrap();
    key_text(&secret, &prefix, &base).unwrap().secret_str().to_owned()
}

fn refused(tenant: &Tenant, key: &str) -> RegistryError {
    tenant.by(key).audit(0).unwrap_err()
}

fn self_refused(tenant: &Tenant, key: &str) -> RegistryError {
    tenant.by(key).revoke_self(RevokeSelfRequest::default()).unwrap_err()
}

#[test]
fn a_key_whose_signing_key_has_gone_is_no_forgery_and_is_answered_like_one() {
    let tenant = tenant();
    let key = text_of(&create(&tenant, "api", 3600));
    compromise(&tenant, "api").unwrap();
    let forced = RotateSigningKeysRequest { force: true, ..compromised() };
    tenant.rotate_signing_keys("wardkey", forced).unwrap();
    let gone = [refused(&tenant, &tenant.admin), self_refused(&tenant, &key)];
    for error in &gone {
        assert_eq!(error.reason(), Some(Reason::UnknownSigningKey));
        assert!(!error.is_forgery(), "{error:?}");
    }
    // Of that epoch, of the living one, and of one that never was.
    for (epoch, reason) in
        [(1, Reason::UnknownSigningKey), (2, Reason::BadTag), (9, Reason::UnknownSigningKey)]
    {
        for error in [
            refused(&tenant, &forged(&tenant.admin, true, epoch)),
            self_refused(&tenant, &forged(&key, false, epoch)),
        ] {
            assert_eq!(error.reason(), Some(reason));
            assert!(error.is_forgery(), "{error:?}");
            assert_eq!(reason.answer(), Reason::UnknownSigningKey.answer());
        }
    }
    let saved = recover(&tenant, 2);
    assert!(tenant.by(&saved).audit(0).is_ok());
}

#[test]
fn a_key_of_a_tenant_that_was_never_made_is_a_forgery_and_of_one_that_is_gone_is_none() {
    let tenant = tenant();
    let none = Book::in_memory(1).unwrap();
    let admit = |credential: &str| Call::Admit {
        authority: authority(credential, None),
        possession: false,
    };
    let error = none.ask(admit(&tenant.admin)).unwrap_err();
    assert!(error.is_forgery(), "{error:?}");
    let request = DestroyRequest { confirm: 1, reason: None };
    let destroy = Call::DestroyTenant { authority: authority(&tenant.admin, None), request };
    assert!(matches!(tenant.book.ask(destroy).unwrap(), Reply::Destroyed(_)));
    let error = tenant.book.ask(admit(&tenant.admin)).unwrap_err();
    assert_eq!(error.reason(), Some(Reason::TenantGone));
    assert!(!error.is_forgery());
}

#[test]
fn what_a_neighbouring_version_says_is_a_forgery_as_before() {
    let said = |text: &str| serde_json::from_str::<RegistryError>(text).unwrap();
    let unknown = said(r#"{"error": "denied", "reason": "unknown_signing_key"}"#);
    assert!(unknown.is_forgery());
    for dead in ["revoked", "expired", "suspended", "outside_window", "tenant_gone"] {
        let error = said(&format!(r#"{{"error": "denied", "reason": "{dead}"}}"#));
        assert!(!error.is_forgery(), "{dead}");
    }
    // A right tag without its row: somebody has the signing key.
    assert!(said(r#"{"error": "denied", "reason": "never_issued"}"#).is_forgery());
    assert!(!said(r#"{"error": "busy"}"#).is_forgery());
}

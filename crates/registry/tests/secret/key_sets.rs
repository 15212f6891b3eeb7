//! Taking a key set: for exactly one audience, in the log, and of its bytes nothing is kept.

use wardkey::{KeySet, TenantId};
use wardkey_registry::{Call, RegistryError, Reply, VerifierMaterial};
use wardkey_testkit::{Acts, admin_request, rule, rule_and_detail, wrapped_secret};

use crate::tenant;

fn take(
    by: &impl Acts,
    audience: Option<&str>,
    has: &[(u8, u32)],
) -> Result<VerifierMaterial, RegistryError> {
    let (authority, audience) = (by.authority(), audience.map(Into::into));
    match by.book().ask(Call::ReadKeySet { authority, audience, has: has.to_vec() })? {
        Reply::Verifier(material) => Ok(material),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_set_is_given_for_exactly_one_audience_and_its_taking_is_in_the_log() {
    let tenant = tenant();
    let of = |names: &[&str]| tenant.key(admin_request("svc:part", &["verifier:key-set"], names));
    let (api, jobs) = (of(&["api"]), of(&["jobs"]));
    let none = tenant.key(admin_request("svc:part", &["verifier:verify"], &["api"]));
    for (credential, name, number) in [(&api, "api", 1), (&jobs, "jobs", 2)] {
        let left_out = take(&tenant.by(credential), None, &[]).unwrap();
        let named = take(&tenant.by(credential), Some(name), &[]).unwrap();
        assert_eq!((left_out.audience, left_out.key_set_version), (number, 1));
        let bytes = named.key_set.unwrap();
        assert_eq!(bytes.as_bytes(), left_out.key_set.unwrap().as_bytes(), "one edition, one text");
        let (key_set, _) = KeySet::parse(bytes.as_bytes()).unwrap();
        assert_eq!((key_set.tenant(), key_set.audience().0), (TenantId(1), number));
        assert_eq!(key_set.version(), 1);
    }
    // An audience that is not there and another's are one; several are too many, the bootstrap's included.
    let other = rule_and_detail(take(&tenant.by(&api), Some("jobs"), &[]));
    assert_eq!(other.0, "key_set_audience");
    for name in ["nothing", "wardkey", ""] {
        assert_eq!(rule_and_detail(take(&tenant.by(&api), Some(name), &[])), other, "{name}");
    }
    for name in [None, Some("api")] {
        assert_eq!(rule(take(&tenant, name, &[])), "key_set_audience");
    }
    let lacking = take(&tenant.by(&none), Some("api"), &[]).unwrap_err();
    assert!(
        matches!(lacking, RegistryError::MissingScope { scope } if scope == "verifier:key-set")
    );
    // What the verifier has already is not given, and so not taken; another edition or audience is.
    assert!(take(&tenant.by(&api), None, &[(2, 1), (1, 1)]).unwrap().key_set.is_none());
    assert!(take(&tenant.by(&api), None, &[(2, 1), (1, 2)]).unwrap().key_set.is_some());
    let log = tenant.entries();
    let taken: Vec<_> = log.iter().filter(|entry| entry.action == "key_set.read").collect();
    let done = taken.iter().filter(|entry| entry.outcome == "done");
    let done: Vec<_> = done.map(|entry| (entry.audience, entry.target.as_deref())).collect();
    let edition = Some("key set 1");
    assert_eq!(done, [(1, edition), (1, edition), (2, edition), (2, edition), (1, edition)]);
    assert!(taken.iter().all(|entry| entry.actor.as_ref().unwrap().subject.contains(':')));
    assert_eq!(taken.iter().filter(|entry| entry.outcome == "refused").count(), 7);
}

#[test]
fn no_byte_of_a_key_set_is_written_anywhere() {
    let tenant = tenant();
    let verifier = tenant.key(admin_request("svc:part", &["verifier:key-set"], &["api"]));
    let bytes = take(&tenant.by(&verifier), None, &[]).unwrap().key_set.unwrap();
    tenant.book.ask(Call::Head).unwrap();
    let dump = tenant.book.store.dump().unwrap();
    // List key and signing key, as the dump shows bytes.
    for secret in [&bytes.as_bytes()[28..60], &bytes.as_bytes()[62..94]] {
        let shown = format!("{secret:?}");
        assert!(!dump.contains(shown.trim_matches(['[', ']'])), "a secret of the key set");
    }
    // The control: the dump shows bytes in that way.
    let shown = format!("{:?}", wrapped_secret(&tenant.book.store));
    assert!(dump.contains(shown.trim_matches(['[', ']'])));
}

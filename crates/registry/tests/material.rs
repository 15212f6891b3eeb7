//! What the Worker is given for proxies that hold no credential: by an audience's name, and never for the
//! administration.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use wardkey::KeySet;
use wardkey_registry::{Call, RegistryError, Reply, VerifierMaterial};
use wardkey_testkit::{Book, Tenant};

fn material(
    book: &Book,
    audience: &str,
    has: Vec<(u8, u32)>,
) -> Result<VerifierMaterial, RegistryError> {
    match book.ask(Call::Material { audience: audience.into(), has })? {
        Reply::Verifier(material) => Ok(material),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_audience_by_name_is_what_an_admitted_verifier_gets() {
    let tenant = Tenant::new();
    let given = material(&tenant.book, "api", Vec::new()).unwrap();
    let bytes = given.key_set.unwrap();
    assert_eq!(bytes.as_bytes(), tenant.key_set("api"));
    let (key_set, _) = KeySet::parse(bytes.as_bytes()).unwrap();
    assert_eq!(key_set.audience().0, given.audience);

    // What the Worker has already is not sent again; another edition, or another audience's, is.
    let version = given.key_set_version;
    let again = |has| material(&tenant.book, "api", has).unwrap().key_set.is_some();
    assert!(!again(vec![(given.audience, version)]));
    assert!(again(vec![(given.audience, version + 1)]));
    assert!(again(vec![(given.audience + 1, version)]));
}

#[test]
fn the_administration_and_what_is_not_there_are_not_found() {
    let book = Tenant::new().book;
    for name in ["wardkey", "", "0", "1", "API", "nothing"] {
        assert_eq!(
            material(&book, name, Vec::new()).unwrap_err(),
            RegistryError::NotFound,
            "{name}"
        );
    }
}

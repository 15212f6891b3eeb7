//! What the Worker is given for proxies that hold no credential: by an audience's name, and never for the
//! administration.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use wardkey::KeySet;
use wardkey_registry::{Call, RegistryError, Reply, VerifierMaterial};
use wardkey_testkit::{Book, authority};

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
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let given = material(&book, "api", Vec::new()).unwrap();
    let call = Call::AdmitVerifier {
        authority: authority(&admin, None),
        audience: Some("api".into()),
        has: Vec::new(),
    };
    let Reply::Verifier(admitted) = book.ask(call).unwrap() else { panic!("another reply") };
    let bytes = given.key_set.unwrap();
    assert_eq!(bytes.as_bytes(), admitted.key_set.unwrap().as_bytes());
    let (key_set, _) = KeySet::parse(bytes.as_bytes()).unwrap();
    assert_eq!(key_set.audience().0, given.audience);

    // What the Worker has already is not sent again; another edition, or another audience's, is.
    let version = given.key_set_version;
    let again = |has| material(&book, "api", has).unwrap().key_set.is_some();
    assert!(!again(vec![(given.audience, version)]));
    assert!(again(vec![(given.audience, version + 1)]));
    assert!(again(vec![(given.audience + 1, version)]));
}

#[test]
fn the_administration_and_what_is_not_there_are_not_found() {
    let book = Book::in_memory(2).unwrap();
    book.bootstrap().unwrap();
    for name in ["wardkey", "", "0", "1", "API", "nothing"] {
        assert_eq!(
            material(&book, name, Vec::new()).unwrap_err(),
            RegistryError::NotFound,
            "{name}"
        );
    }
}

//! The key set: one spelling, never the administration's, and nothing of it shows.

use wardkey::{AudienceId, Catalog, CatalogError, Epoch, KeySet, KeySetError, TenantId};
use wardkey_provision::{KeySetTooLong, ScopePolicy, key_set_bytes};

use crate::tenant::{AUDIENCE, TENANT, Tenant, VERSION, signing_key};

#[test]
fn a_key_set_of_the_administration_is_refused() {
    let mut bytes = Tenant::new().key_set_bytes();
    assert!(KeySet::parse(&bytes).is_ok());
    bytes[3] = AudienceId::ADMINISTRATION.0;
    assert_eq!(KeySet::parse(&bytes).err(), Some(KeySetError::Administration));
}

#[test]
fn a_key_set_of_any_other_length_is_refused() {
    let tenant = Tenant::new();
    let bytes = tenant.key_set_bytes();
    assert!(KeySet::parse(&bytes).is_ok());
    for len in 0..bytes.len() {
        assert!(KeySet::parse(&bytes[..len]).is_err(), "{len} bytes");
    }
    let length = Some(KeySetError::Catalog(CatalogError::Length));
    // Something that is no scope, and a whole scope that the count does not know of.
    for extra in [&[0][..], &[200, 0, 3, b'a', b':', b'b']] {
        assert_eq!(KeySet::parse(&[&bytes, extra].concat()).err(), length);
    }
}

#[test]
fn a_catalog_has_as_many_scopes_as_it_says_from_1_to_256() {
    let of = |count: u16| {
        let mut tenant = Tenant::new();
        tenant.audience.scopes = (0..count)
            .map(|number| ScopePolicy {
                number: u8::try_from(number).expect("at most 255"),
                name: format!("scope:{number}"),
                risk: "low".into(),
            })
            .collect();
        tenant
    };
    for count in [1, 2, 255, 256] {
        let bytes = of(count).key_set_bytes();
        let (_, catalog) = KeySet::parse(&bytes).expect("a key set");
        assert_eq!(catalog.entries().count(), usize::from(count));
        assert_eq!(catalog.as_bytes()[..2], count.to_be_bytes());
        let again = Catalog::parse(TENANT, AUDIENCE, VERSION, catalog.as_bytes());
        assert!(again.expect("the same").entries().eq(catalog.entries()));
    }
    let name = wardkey::ScopeName::new("reports:read").expect("a name");
    assert_eq!((name.as_str(), name.as_bytes()), ("reports:read", &b"reports:read"[..]));
    assert_eq!(format!("{name:?}"), "\"reports:read\"");
    let bytes = of(2).key_set_bytes();
    let (_, catalog) = KeySet::parse(&bytes).expect("a key set");
    let place = bytes.len() - catalog.as_bytes().len();
    for (count, error) in [
        (0_u16, CatalogError::Count),
        (1, CatalogError::Length),
        (3, CatalogError::Length),
        (256, CatalogError::Length),
        (257, CatalogError::Count),
        (u16::MAX, CatalogError::Count),
    ] {
        let mut changed = bytes.clone();
        changed[place..place + 2].copy_from_slice(&count.to_be_bytes());
        let error = Some(KeySetError::Catalog(error));
        assert_eq!(KeySet::parse(&changed).err(), error, "{count}");
    }
}

#[test]
fn provision_writes_no_key_set_that_the_core_would_refuse() {
    let mut none = Tenant::new();
    none.audience.scopes.clear();
    let mut too_many = Tenant::new();
    too_many.audience.scopes = vec![too_many.audience.scopes[0].clone(); 257];
    for tenant in [none, too_many] {
        let Tenant { secret, audience, prefix, bounds, signing_keys, .. } = &tenant;
        let written = key_set_bytes(secret, audience, prefix, VERSION, bounds, signing_keys);
        assert_eq!(written.err(), Some(KeySetTooLong));
    }
}

#[test]
fn a_changed_key_set_is_refused_or_another_one_and_never_panics() {
    let bytes = Tenant::new().key_set_bytes();
    for place in 0..bytes.len() {
        for value in [0, 1, 2, 7, 9, 63, 64, 127, 128, 255] {
            let mut changed = bytes.clone();
            changed[place] = value;
            let _either = KeySet::parse(&changed).map(|(key_set, _)| key_set.version());
        }
    }
}

#[test]
fn a_key_set_has_1_to_8_ascending_epochs() {
    let mut tenant = Tenant::new();
    for count in 1..=8 {
        tenant.signing_keys = (1..=count).map(signing_key).collect();
        assert!(KeySet::parse(&tenant.key_set_bytes()).is_ok(), "{count}");
    }
    // The count is at 60: version, tenant, audience, key-set version, five bounds, list key.
    let bytes = tenant.key_set_bytes();
    assert_eq!(bytes[60], 8);
    for count in [0, 9, 255] {
        let mut changed = bytes.clone();
        changed[60] = count;
        assert_eq!(KeySet::parse(&changed).err(), Some(KeySetError::Epochs), "{count}");
    }
    for epochs in [vec![2, 2], vec![7, 7, 8]] {
        tenant.signing_keys = epochs.into_iter().map(signing_key).collect();
        let doubled = tenant.key_set_bytes();
        assert_eq!(KeySet::parse(&doubled).err(), Some(KeySetError::Epochs));
    }
    let mut zero = bytes.clone();
    zero[61] = 0;
    assert_eq!(KeySet::parse(&zero).err(), Some(KeySetError::Epochs));
    let mut descending = bytes;
    descending[61] = 200;
    assert_eq!(KeySet::parse(&descending).err(), Some(KeySetError::Epochs));
}

#[test]
fn bounds_looser_than_the_defaults_are_refused() {
    let bytes = Tenant::new().key_set_bytes();
    for (place, most) in
        [(8, 5_000_u32), (12, 30_000), (16, 300_000), (20, 3_600_000), (24, 60_000)]
    {
        let mut changed = bytes.clone();
        changed[place..place + 4].copy_from_slice(&most.to_be_bytes());
        assert!(KeySet::parse(&changed).is_ok(), "{most}");
        changed[place..place + 4].copy_from_slice(&(most + 1).to_be_bytes());
        assert_eq!(KeySet::parse(&changed).err(), Some(KeySetError::Bounds), "{most}");
    }
}

#[test]
fn a_catalog_names_each_number_and_each_name_once() {
    let with = |change: fn(&mut Tenant)| {
        let mut tenant = Tenant::new();
        change(&mut tenant);
        KeySet::parse(&tenant.key_set_bytes()).err()
    };
    assert_eq!(with(|_| ()), None);
    let order = Some(KeySetError::Catalog(CatalogError::Order));
    let name = Some(KeySetError::Catalog(CatalogError::Name));
    assert_eq!(with(|tenant| tenant.audience.scopes[1].number = 0), order);
    assert_eq!(with(|tenant| tenant.audience.scopes[1].name = "invoice:list".into()), name);
    for wrong in ["invoice:*", "invoice", "a:b:c", "A:b", ":a", "a:", "a b:c"] {
        let mut tenant = Tenant::new();
        tenant.audience.scopes[1].name = wrong.into();
        assert_eq!(KeySet::parse(&tenant.key_set_bytes()).err(), name, "{wrong}");
    }
    let mut bytes = Tenant::new().key_set_bytes();
    let (_, catalog) = KeySet::parse(&bytes).expect("a key set");
    let risk = bytes.len() - catalog.as_bytes().len() + 3;
    bytes[risk] = 4;
    let unknown = Some(KeySetError::Catalog(CatalogError::Risk));
    assert_eq!(KeySet::parse(&bytes).err(), unknown);
}

#[test]
fn a_key_set_shows_what_it_is_and_none_of_its_secrets() {
    let tenant = Tenant::of(TenantId(7), AudienceId(2), 0x5a);
    let bytes = tenant.key_set_bytes();
    let (key_set, _) = KeySet::parse(&bytes).expect("a key set");
    assert_eq!((key_set.tenant(), key_set.audience()), (TenantId(7), AudienceId(2)));
    assert_eq!(key_set.version(), VERSION);
    // List key at 28, the first signing key at 62.
    assert_eq!(bytes[61], Epoch::FIRST.number());
    for shown in [format!("{key_set:?}"), format!("{key_set:#?}")] {
        assert!(shown.contains("ListKey([redacted])") && shown.contains("SigningKey([redacted])"));
        for secret in [&bytes[28..60], &bytes[62..94]] {
            let decimal = format!("{:?}", &secret[..4]);
            let hex: String = secret[..4].iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(!shown.contains(decimal.trim_matches(['[', ']'])));
            assert!(!shown.to_lowercase().contains(&hex));
        }
    }
}

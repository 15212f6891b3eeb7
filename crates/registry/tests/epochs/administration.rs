//! The administration's own signing keys, and who may rotate which.

use wardkey::Reason;
use wardkey_registry::{Conflict, RegistryError, RotateSigningKeysRequest};
use wardkey_testkit::{
    Acts as _, Tenant, Told, admin_request, conflict_and_detail, epoch_of, field, told,
};

use crate::{compromise, compromised, plan, planned, recover, tenant};

#[test]
fn administration_keys_outlive_a_planned_rotation_and_no_compromise() {
    let tenant = tenant();
    let rotated = plan(&tenant, "wardkey").unwrap();
    assert_eq!((rotated.epoch, rotated.key_set_version), (2, None));
    assert_eq!(rotated.least_key_set_version, None);
    let head = tenant.head();
    let nowhere = Told { audiences: vec![(1, 1, 1), (2, 1, 1)], dead: vec![] };
    assert_eq!(told(&head), nowhere, "it stands in no head");
    tenant.book.pass(7_199_999);
    // A recovery in the last second may ask for whatever lifetime it likes.
    let recovered = recover(&tenant, 2);
    tenant.book.pass(1);
    let newer = recover(&tenant, 3);
    assert_eq!([&tenant.admin, &recovered, &newer].map(|key| epoch_of(key)), [1, 1, 2]);
    let reads = |key: &str| tenant.by(key).audit(0);
    for key in [&tenant.admin, &recovered, &newer] {
        assert!(reads(key).is_ok());
    }
    let before = tenant.book.store.dump().unwrap();
    let (refused, detail) = conflict_and_detail(compromise(&tenant, "wardkey"));
    assert_eq!(refused, Conflict::LastAdmin, "{detail}");
    assert_eq!(tenant.book.store.dump().unwrap(), before, "nothing of it is kept");
    let forced = RotateSigningKeysRequest { force: true, ..compromised() };
    let rotated = tenant.rotate_signing_keys("wardkey", forced).unwrap();
    assert_eq!((rotated.keys_to_reissue, rotated.dead_epochs.as_slice()), (3, &[1, 2][..]));
    for key in [&tenant.admin, &recovered, &newer] {
        assert_eq!(reads(key).unwrap_err().reason(), Some(Reason::UnknownSigningKey));
    }
    let saved = recover(&tenant, 4);
    assert_eq!(epoch_of(&saved), 3);
    assert!(reads(&saved).is_ok());
    let tenant = Tenant { admin: saved, ..tenant };
    assert_eq!(told(&tenant.head()).dead, Vec::new());
    assert!(tenant.entries().iter().any(|entry| entry.action == "signing_key.compromise"));
}

#[test]
fn a_rotation_names_what_is_wrong_with_it_and_is_made_once() {
    let tenant = tenant();
    for (wait, ok) in
        [(0, false), (7199, false), (7200, true), (7_776_000, true), (7_776_001, false)]
    {
        let request = RotateSigningKeysRequest { mint_from_in_s: Some(wait), ..planned() };
        let audience = if wait == 7200 { "api" } else { "jobs" };
        let outcome = tenant.rotate_signing_keys(audience, request);
        assert_eq!(outcome.is_ok(), ok, "{wait}: {outcome:?}");
        if !ok {
            assert_eq!(field(outcome), "mint_from_in_s");
        }
    }
    let both = RotateSigningKeysRequest { mint_from_in_s: Some(7200), ..compromised() };
    assert!(matches!(tenant.rotate_signing_keys("api", both), Err(RegistryError::Invalid { .. })));
    // Somebody who may rotate api may rotate nothing else, and cannot tell what there is.
    let part = tenant.key(admin_request("svc:billing", &["signing-keys:rotate"], &["api"]));
    let part = tenant.by(&part);
    let refused: Vec<_> = ["jobs", "wardkey", "none", "", "api2"]
        .map(|audience| part.rotate_signing_keys(audience, compromised()).unwrap_err())
        .to_vec();
    assert!(refused.iter().all(|error| *error == refused[0]), "{refused:?}");
    assert!(
        matches!(&refused[0], RegistryError::Forbidden { rule, .. } if rule == "signing_keys_audience")
    );
    let epoch = |once| part.once(once).rotate_signing_keys("api", compromised()).unwrap().epoch;
    let first = epoch("once");
    assert_eq!(epoch("once"), first);
    assert_eq!(epoch("twice"), first + 1);
}

//! A compromise: every key that the audience's signing keys signed is dead at once, and issued anew.

use wardkey::{KeySet, Reason};
use wardkey_provision::KeyRequest;
use wardkey_registry::{
    Call, Conflict, GenerationState, ReadKey, Reply, RevocationRequest, RevokeRequest,
    RevokeSelfRequest, RotateRequest, Selector, Store as _,
};
use wardkey_testkit::{Acts as _, Tenant, Told, authority, conflict, key_request, text_of, told};

use crate::verifier::{list, verdict};
use crate::{LONGEST_S, compromise, create, plan, tenant};

#[test]
fn a_compromise_kills_every_key_of_the_audience_at_every_path_and_no_other() {
    let tenant = tenant();
    let (seen, unseen) = (create(&tenant, "api", 3600), create(&tenant, "api", LONGEST_S));
    let gone = create(&tenant, "api", 60);
    let jobs = create(&tenant, "jobs", 3600);
    assert_eq!(tenant.word(&text_of(&seen)), "alive");
    let first_set = tenant.key_set("api");
    plan(&tenant, "api").unwrap();
    let second_set = tenant.key_set("api");
    tenant.book.pass(61_000);
    let before = list(&tenant, &KeySet::parse(&second_set).unwrap().0);
    let version = record_version(&tenant, &seen.view.key_id);

    let rotated = compromise(&tenant, "api").unwrap();
    assert_eq!(rotated.dead_epochs, [1, 2], "the planned one too: key sets hold it");
    assert_eq!((rotated.epoch, rotated.keys_to_reissue), (3, 2), "{gone:?} has expired");
    assert_eq!((rotated.key_set_version, rotated.least_key_set_version), (Some(3), Some(3)));
    assert!(rotated.bound.is_some());
    assert_eq!(rotated.epochs.len(), 1);
    assert_eq!(rotated.epochs[0].mint_from, tenant.second(), "it mints at once");
    let Told { audiences, dead } = told(&tenant.head());
    assert_eq!(audiences, [(1, 3, 3), (2, 1, 1)]);
    assert_eq!(dead, [(1, 1), (1, 2)]);

    let third_set = tenant.key_set("api");
    for created in [&seen, &unseen] {
        let key = text_of(created);
        // Key sets from before decide nothing once the head is there; with the head from before they do.
        assert_eq!(verdict(&tenant, &first_set, None, &key), "no_key_set");
        assert_eq!(verdict(&tenant, &second_set, None, &key), "no_key_set");
        assert_eq!(verdict(&tenant, &second_set, Some(&before), &key), "allow");
        assert_eq!(verdict(&tenant, &third_set, None, &key), "unknown_signing_key");
        assert_eq!(tenant.word(&key), "revoked");
        let refused = tenant.by(&key).revoke_self(RevokeSelfRequest::default()).unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::UnknownSigningKey));
    }
    assert_eq!(tenant.word(&text_of(&jobs)), "alive");
    assert_eq!(verdict(&tenant, &tenant.key_set("jobs"), None, &text_of(&jobs)), "allow");

    // Its readers see that it is dead, and a copy of the record outside is known as an old one.
    let view = tenant.read(&seen.view.key_id).unwrap();
    assert_eq!(view.generations[0].state, GenerationState::Revoked);
    assert_eq!(view.generations[0].end_reason.as_deref(), Some("its signing key was compromised"));
    let changed = record_version(&tenant, &seen.view.key_id);
    assert!(changed > version);
    assert_eq!(record_version(&tenant, &seen.view.key_id), changed, "once");
    assert_eq!(
        tenant.read(&jobs.view.key_id).unwrap().generations[0].state,
        GenerationState::Active
    );

    // It is issued anew under its own name; what has expired is not.
    let again = |key_id: &str| tenant.rotate(key_id, RotateRequest::default());
    for created in [&seen, &unseen] {
        let new = again(&created.view.key_id).unwrap();
        assert_eq!(new.view.key_id, created.view.key_id);
        assert_eq!(verdict(&tenant, &third_set, None, &text_of(&new)), "allow");
        assert_eq!(tenant.word(&text_of(&new)), "alive");
        assert_eq!(tenant.word(&text_of(created)), "revoked");
    }
    assert_eq!(conflict(again(&gone.view.key_id)), Conflict::KeyEnded);
    // A second compromise finds those that were issued anew and no others.
    assert_eq!(compromise(&tenant, "api").unwrap().keys_to_reissue, 2);
    assert_eq!(compromise(&tenant, "api").unwrap().keys_to_reissue, 0);
    let log = tenant.entries();
    assert!(log.iter().any(|entry| entry.target.as_deref() == Some("epoch 3 instead of 1, 2")));
    let acts: Vec<_> = log.into_iter().map(|entry| entry.action).collect();
    assert_eq!(acts.iter().filter(|act| *act == "signing_key.compromise").count(), 3);
    assert_eq!(acts.iter().filter(|act| *act == "signing_key.rotate").count(), 1);
}

/// What died with its signing key alone is issued anew; what was to end anyway is not.
#[test]
fn only_what_died_of_a_compromise_alone_is_issued_anew() {
    let tenant = tenant();
    let once = |expires_in| {
        let request = KeyRequest { expires_in, ..key_request(&["reports:read"]) };
        tenant.once("once").create(request).unwrap()
    };
    let two = once(LONGEST_S);
    let rotate = |key_id: &str| tenant.rotate(key_id, RotateRequest::default());
    rotate(&two.view.key_id).unwrap();
    assert_eq!(conflict(rotate(&two.view.key_id)), Conflict::RotationInProgress);
    let revoke = |select| {
        tenant.revoke_many(RevocationRequest { select, reason: None, force: false }).unwrap();
    };
    let named = |subject: &str| {
        let request = KeyRequest { subject: subject.into(), ..key_request(&["reports:read"]) };
        tenant.create(request).unwrap()
    };
    let (before, after, single) = (named("svc:before"), named("svc:after"), named("svc:single"));
    let subject = |name: &str| Selector::Subject { subject: name.into(), audience: None };
    revoke(subject("svc:before"));
    assert_eq!(compromise(&tenant, "api").unwrap().keys_to_reissue, 3);
    // The same request again does not give a text that is dead.
    assert!(once(LONGEST_S).key.is_none());
    revoke(subject("svc:after"));
    tenant.revoke(&single.view.key_id, RevokeRequest::default()).unwrap();
    for ended in [&before, &after, &single] {
        assert_eq!(conflict(rotate(&ended.view.key_id)), Conflict::KeyEnded);
    }
    // Both generations are dead, and neither is in the way of the next.
    let third = rotate(&two.view.key_id).unwrap();
    assert_eq!(third.view.generations.len(), 3);
    assert_eq!(tenant.word(&text_of(&third)), "alive");
    // What a cut-off has killed as well stays dead, also before its row says so.
    let cut = create(&tenant, "api", 3600);
    compromise(&tenant, "api").unwrap();
    let sql = "UPDATE audience SET cutoff = ? WHERE number = 1";
    tenant.book.store.execute(sql, &[tenant.second().into()]).unwrap();
    assert_eq!(conflict(rotate(&cut.view.key_id)), Conflict::KeyEnded);
    assert_eq!(tenant.word(&text_of(&create(&tenant, "api", 3600))), "alive");
}

fn record_version(tenant: &Tenant, key_id: &str) -> u64 {
    let (authority, key_id) = (authority(&tenant.admin, None), key_id.into());
    match tenant.book.ask(Call::ReadKey { authority, key_id, what: ReadKey::Pointer }).unwrap() {
        Reply::Pointer(pointer) => pointer.version,
        other => panic!("{other:?}"),
    }
}

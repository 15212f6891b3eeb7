//! What is minted is allowed, with exactly its claims.

use wardkey::{
    Allow, Decision, Epoch, KeyId, ListSeen, ScopeSet, StatusIndex, Subject, UnixSeconds, Zone,
};
use wardkey_provision::{Actor, AdminScope, Binding, Grant, KeyRequest, Policy, key_text, mint};

use crate::tenant::{EXPIRES, INDEX, ISSUED, NOW, Tenant, encoded};

#[test]
fn a_minted_key_is_allowed_with_exactly_its_claims() {
    let tenant = Tenant::new();
    let policy = Policy {
        environment: "live".into(),
        brand: "wk".into(),
        audiences: vec![tenant.audience.clone()],
        ..Policy::default()
    };
    let admin = Actor {
        subject: Subject::new("svc:admin").expect("a subject"),
        key_id: KeyId([9; 8]),
        expires_at: UnixSeconds(u32::MAX),
        bindings: AdminScope::ALL
            .map(|scope| Binding { scope, audience: tenant.audience.id() })
            .to_vec(),
    };
    let request = KeyRequest {
        subject: "svc:billing".into(),
        audience: "billing".into(),
        scopes: vec!["invoice:list".into(), "invoice:print".into()],
        expires_in: EXPIRES - ISSUED,
        ..KeyRequest::default()
    };
    let grant =
        Grant::decide(&policy, &admin, AdminScope::KeysCreate, &request, UnixSeconds(ISSUED))
            .expect("a sound request");
    let key_id = KeyId([1; 8]);
    let minted =
        mint(&grant, &tenant.secret, Epoch::FIRST, key_id, StatusIndex(INDEX), UnixSeconds(ISSUED))
            .expect("a key");
    let text = key_text(&tenant.secret, &tenant.prefix, &minted.base).expect("a key");

    let verifier = tenant.verifier();
    let decision =
        verifier.decide(Some(&tenant.list()), text.secret_str(), &verifier.low(), NOW.plus(1_234));
    let Decision::Allow(allow) = decision else { panic!("{decision:?}") };
    let expected = Allow {
        subject: Subject::new("svc:billing").expect("a subject"),
        key_id,
        status_index: StatusIndex(INDEX),
        signing_key: tenant.base().signing_key,
        scopes: ScopeSet::from_iter([0, 39]),
        expires_at: UnixSeconds(EXPIRES),
        narrowed: false,
        list: ListSeen { sequence: 5, age_ms: 1_234, zone: Zone::Fresh },
    };
    assert_eq!(allow, expected);
}

#[test]
fn a_subject_of_23_bytes_and_scopes_below_40_make_one_block_and_108_characters() {
    let tenant = Tenant::new();
    let mut base = tenant.base();
    base.subject = Subject::new("svc:billing-and-refunds").expect("a subject");
    base.scopes = ScopeSet::from_iter([0, 39]);
    assert_eq!(base.subject.as_str().len(), 23);
    assert_eq!(encoded(&base).len(), 55);
    let text = tenant.text(&base);
    assert!(text.starts_with("wk_live_"));
    assert_eq!(text.len(), 108);
}

#[test]
fn the_longest_key_is_allowed_too() {
    let mut tenant = Tenant::new();
    tenant.prefix =
        wardkey::Prefix::new("abcdefghijkl", wardkey::Environment::Test).expect("a prefix");
    let mut base = tenant.base();
    base.subject = Subject::new(&"s".repeat(63)).expect("a subject");
    base.scopes.insert(255);
    // 20 networks of 6 bytes beside a not-before: 6 + 2 + 120 bytes of constraints.
    base.constraints.not_before = Some(base.issued_at);
    let networks =
        (0..20).map(|n| wardkey::Network::new([n, 0, 0, 0].into(), 8).expect("a network"));
    base.constraints.networks = Some(wardkey::Networks::new(networks).expect("a set"));
    assert_eq!(encoded(&base).len(), wardkey::MAX_BASE_LEN);
    let verifier = tenant.verifier();
    let (list, text) = (tenant.list(), tenant.text(&base));
    let caller = Some([19, 1, 2, 3].into());
    let decision = verifier.decide_from(caller, &list, &text, &verifier.low());
    assert!(matches!(decision, Decision::Allow(allow) if allow.scopes == base.scopes));
}

#[test]
fn the_core_writes_the_text_that_checksum_and_base64url_written_anew_give() {
    let tenant = Tenant::new();
    assert_eq!(tenant.tagged(&encoded(&tenant.base())), tenant.key());
}

#[test]
fn key_text_does_not_show_in_debug() {
    let tenant = Tenant::new();
    let text = key_text(&tenant.secret, &tenant.prefix, &tenant.base()).expect("a key");
    assert_eq!(format!("{text:?}"), "KeyText([redacted])");
    let mut buffer = wardkey::KeyBuffer::new();
    let unverified = wardkey::UnverifiedKey::parse(text.secret_str(), &mut buffer).expect("a key");
    assert_eq!(format!("{unverified:?}"), "UnverifiedKey([redacted])");
    assert_eq!(format!("{buffer:?}"), "KeyBuffer([redacted])");
}

//! What stands inside a key: given when it is made, changed by a rotation alone.

use wardkey::{Constraints, Network, Networks, UnixSeconds};
use wardkey_provision::{KeyConstraints, KeyRequest};
use wardkey_registry::RotateRequest;
use wardkey_testkit::{Acts as _, Tenant, base_of, field, key_request, rule, text_of};

#[test]
fn a_key_is_made_with_constraints_that_are_wellformed() {
    let tenant = Tenant::new();
    let now = tenant.book.now().second().unwrap();
    let request = |not_before: Option<u32>, networks: &[&str]| KeyRequest {
        constraints: KeyConstraints {
            not_before,
            networks: networks.iter().map(|network| (*network).into()).collect(),
        },
        ..key_request(&["reports:read"])
    };
    let created =
        tenant.create(request(Some(now.0 + 60), &["10.0.0.0/8", "2001:db8::/32"])).unwrap();
    let constraints = base_of(&text_of(&created)).constraints;
    assert_eq!(constraints.not_before, Some(UnixSeconds(now.0 + 60)));
    assert_eq!(constraints.networks.unwrap().iter().count(), 2);
    let many: Vec<String> = (0..30).map(|n| format!("10.{n}.0.0/16")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let twenty: Vec<&str> = many.iter().copied().take(21).collect();
    for (request, expected) in [
        (request(None, &["10.0.0.1/8"]), "constraints.networks"),
        (request(None, &["10.0.0.0"]), "constraints.networks"),
        (request(None, &many), "constraints.networks"),
        (request(Some(now.0 + 3600), &[]), "constraints.not_before"),
        // Each fits by itself, and both do not.
        (request(Some(now.0), &twenty), "constraints"),
    ] {
        assert_eq!(field(tenant.create(request)), expected);
    }
}

#[test]
fn a_rotation_may_change_what_stands_inside_the_key_as_far_as_the_policy_allows() {
    let tenant = Tenant::new();
    let first = tenant.create(key_request(&["reports:read"])).unwrap();
    let id = first.view.key_id.as_str();
    let networks = |list: &[&str]| KeyConstraints {
        not_before: None,
        networks: list.iter().map(|network| (*network).into()).collect(),
    };
    let bad = RotateRequest { scopes: Some(vec!["reports:all".into()]), ..Default::default() };
    assert_eq!(field(tenant.rotate(id, bad)), "scopes");
    let long = RotateRequest { expires_in: Some(91 * 24 * 3600), ..Default::default() };
    assert_eq!(rule(tenant.rotate(id, long)), "max_lifetime_s");
    let over = RotateRequest { overlap_s: Some(2_592_001), ..Default::default() };
    assert_eq!(field(tenant.rotate(id, over)), "overlap_s");
    let narrower = RotateRequest {
        scopes: Some(vec!["status:read".into()]),
        expires_in: Some(600),
        constraints: Some(networks(&["192.0.2.0/24"])),
        ..RotateRequest::default()
    };
    let second = tenant.rotate(id, narrower).unwrap();
    let base = base_of(&text_of(&second));
    assert_eq!(base.scopes.iter().collect::<Vec<_>>(), [3]);
    assert_eq!(base.expires_at.0 - base.issued_at.0, 600);
    let set = Networks::new(["192.0.2.0/24".parse::<Network>().unwrap()]).unwrap();
    assert_eq!(base.constraints, Constraints { not_before: None, networks: Some(set) });
    assert_eq!(second.view.generations[1].constraints, networks(&["192.0.2.0/24"]));
    // The registry compares what the key says with its row, constraints included.
    assert_eq!(tenant.word(&text_of(&second)), "alive");
    // What is left out stays as it was in the newest generation.
    tenant.confirm(id).unwrap();
    let third = tenant.rotate(id, RotateRequest::default()).unwrap();
    let third = base_of(&text_of(&third));
    assert_eq!((third.scopes, third.constraints), (base.scopes, base.constraints));
}

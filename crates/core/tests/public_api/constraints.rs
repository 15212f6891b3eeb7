//! What the issuer adds to a key: not-before and networks, to their edges.

use std::net::IpAddr;

use wardkey::{
    Base, BaseError, Constraints, Decision, Networks, Query, Refresh, Registry, UnixMillis,
    UnixSeconds,
};

use crate::tenant::{EXPIRES, INDEX, ISSUED, NOW, Tenant, encoded, word};

fn networks(texts: &[&str]) -> Networks {
    let networks = texts.iter().map(|text| text.parse::<wardkey::Network>().expect("a network"));
    Networks::new(networks).expect("a set")
}

/// The decision about a key with these constraints, at `now`, with a list of that very moment.
fn decide(constraints: Constraints, caller: Option<&str>, now: u64) -> &'static str {
    let mut tenant = Tenant::new();
    tenant.head.issued_at = UnixMillis(now);
    let verifier = tenant.verifier();
    let query = Query {
        required: &verifier.low(),
        now: UnixMillis(now),
        caller: caller.map(|address| address.parse::<IpAddr>().expect("an address")),
        refresh: Refresh::NotTried,
        registry: Registry::NotAsked,
    };
    let key = tenant.text(&Base { constraints, ..tenant.base() });
    word(&wardkey::verify(&verifier.key_set, Some(&tenant.list()), &key, query))
}

#[test]
fn constraints_are_empty_when_they_hold_neither() {
    let not_before = Some(UnixSeconds(ISSUED));
    let networks = Some(networks(&["192.0.2.0/24"]));
    let empty = |not_before, networks| Constraints { not_before, networks }.is_empty();
    assert!(empty(None, None));
    assert!(!empty(not_before, None) && !empty(None, networks) && !empty(not_before, networks));
}

#[test]
fn a_key_is_valid_from_its_not_before_on_to_the_millisecond() {
    let from = |second| Constraints { not_before: Some(UnixSeconds(second)), networks: None };
    let now = NOW.0;
    let second = u32::try_from(now / 1_000).expect("before 2106");
    for (not_before, now, expected) in [
        (0, now, "allow fresh"),
        (ISSUED, now, "allow fresh"),
        (second, now, "allow fresh"),
        (second, now - 1, "not_yet_valid"),
        (second + 1, now, "not_yet_valid"),
        (second + 1, now + 999, "not_yet_valid"),
        (second + 1, now + 1_000, "allow fresh"),
        (EXPIRES - 1, u64::from(EXPIRES) * 1_000 - 1, "allow fresh"),
        // Never valid, and well-formed all the same.
        (EXPIRES, u64::from(EXPIRES) * 1_000 - 1, "not_yet_valid"),
        (EXPIRES, u64::from(EXPIRES) * 1_000, "expired"),
        (u32::MAX, now, "not_yet_valid"),
    ] {
        assert_eq!(decide(from(not_before), None, now), expected, "{not_before} at {now}");
    }
}

#[test]
fn a_not_before_gets_no_skew_but_the_lists_own_time() {
    let mut tenant = Tenant::new();
    let mut base = tenant.base();
    let second = u32::try_from(NOW.0 / 1_000).expect("before 2106");
    base.constraints.not_before = Some(UnixSeconds(second));
    tenant.head.issued_at = UnixMillis(NOW.0);
    let verifier = tenant.verifier();
    // The clock is behind, the list has proof of a later time.
    let behind = UnixMillis(NOW.0 - 5_000);
    let decision =
        verifier.decide(Some(&tenant.list()), &tenant.text(&base), &verifier.low(), behind);
    assert_eq!(word(&decision), "allow fresh");
}

#[test]
fn a_key_is_used_from_its_networks_only() {
    let office = Constraints {
        not_before: None,
        networks: Some(networks(&["192.0.2.0/25", "2001:db8::/32", "203.0.113.7/32"])),
    };
    for (caller, expected) in [
        (Some("192.0.2.0"), "allow fresh"),
        (Some("192.0.2.127"), "allow fresh"),
        (Some("192.0.2.128"), "address_not_allowed"),
        (Some("::ffff:192.0.2.1"), "allow fresh"),
        (Some("::192.0.2.1"), "address_not_allowed"),
        (Some("203.0.113.7"), "allow fresh"),
        (Some("203.0.113.6"), "address_not_allowed"),
        (Some("2001:db8::1"), "allow fresh"),
        (Some("2001:db9::"), "address_not_allowed"),
        (None, "address_not_allowed"),
    ] {
        assert_eq!(decide(office, caller, NOW.0), expected, "{caller:?}");
    }
    for (caller, v4, v6) in [
        ("1.2.3.4", "allow fresh", "address_not_allowed"),
        ("::ffff:1.2.3.4", "allow fresh", "address_not_allowed"),
        ("::1.2.3.4", "address_not_allowed", "allow fresh"),
    ] {
        let of = |all| Constraints { not_before: None, networks: Some(networks(&[all])) };
        assert_eq!(decide(of("0.0.0.0/0"), Some(caller), NOW.0), v4, "{caller}");
        assert_eq!(decide(of("::/0"), Some(caller), NOW.0), v6, "{caller}");
    }
}

#[test]
fn constraints_are_part_of_what_is_signed_and_of_what_the_registry_compares() {
    let tenant = Tenant::new();
    let free = tenant.base();
    let bound = Base {
        constraints: Constraints { not_before: None, networks: Some(networks(&["10.0.0.0/8"])) },
        ..free
    };
    assert_ne!(free, bound);
    let bytes = encoded(&bound);
    assert_eq!(bytes[25], 0x80 | 11);
    assert_eq!(bytes[encoded(&free).len()..], [8, 4, 6, 4, 8, 10, 0, 0, 0]);
    assert_eq!(Base::decode(&bytes), Ok((bound, bytes.len())));
    assert_eq!(bound.status_index.0, INDEX);
}

#[test]
fn constraints_in_another_spelling_are_malformed_though_the_tag_is_right() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let front = {
        let mut bytes = encoded(&tenant.base());
        bytes[25] |= 0x80;
        bytes
    };
    let network = [4, 8, 10, 0, 0, 0];
    let of = |constraints: &[u8]| {
        let len = u8::try_from(constraints.len()).expect("short");
        [&front[..], &[len], constraints].concat()
    };
    let many = |count: u8| (0..count).flat_map(|n| [4, 8, n, 0, 0, 0]).collect::<Vec<u8>>();
    for (case, bytes) in [
        ("none", of(&[])),
        ("missing", front.clone()),
        ("cut short", [&front[..], &[6, 3, 4, 0, 0, 0]].concat()),
        ("scopes", of(&[1, 1, 1])),
        ("expires-at", of(&[2, 4, 0, 0, 0, 1])),
        ("scopes beside networks", of(&[&[1, 1, 1, 4, 6][..], &network].concat())),
        ("unknown type", of(&[5, 1, 0])),
        ("type 0", of(&[0, 0])),
        ("descending", of(&[&[4, 6][..], &network, &[3, 4, 0, 0, 0, 1]].concat())),
        ("twice", of(&[3, 4, 0, 0, 0, 1, 3, 4, 0, 0, 0, 1])),
        ("short not-before", of(&[3, 3, 0, 0, 1])),
        ("long not-before", of(&[3, 5, 0, 0, 0, 0, 1])),
        ("no networks", of(&[4, 0])),
        ("a byte behind a network", of(&[&[4, 7][..], &network, &[0]].concat())),
        ("a field of one byte", of(&[3])),
        ("129 bytes", of(&[&[3, 4, 0, 0, 0, 1, 4, 121][..], &many(20), &[0]].concat())),
        ("134 bytes", of(&[&[3, 4, 0, 0, 0, 1, 4, 126][..], &many(21)].concat())),
    ] {
        let text = tenant.tagged(&bytes);
        let caller = Some([10, 0, 0, 1].into());
        let decision = verifier.decide_from(caller, &tenant.list(), &text, &verifier.low());
        assert_eq!(word(&decision), "malformed", "{case}");
    }
    for good in [of(&[&[4, 6][..], &network].concat()), of(&[&[4, 126][..], &many(21)].concat())] {
        let text = tenant.tagged(&good);
        let caller = Some([10, 0, 0, 1].into());
        let decision = verifier.decide_from(caller, &tenant.list(), &text, &verifier.low());
        assert_eq!(word(&decision), "allow fresh");
    }
}

#[test]
fn constraints_that_do_not_fit_into_128_bytes_are_refused_when_written() {
    let all = (0..21).map(|n| wardkey::Network::new([n, 0, 0, 0].into(), 8).expect("a network"));
    let networks = Some(Networks::new(all).expect("126 bytes"));
    let tenant = Tenant::new();
    let of =
        |not_before| Base { constraints: Constraints { not_before, networks }, ..tenant.base() };
    let mut buffer = [0; wardkey::MAX_BASE_LEN];
    assert!(of(None).encode(&mut buffer).is_ok());
    assert_eq!(of(Some(UnixSeconds(1))).encode(&mut buffer), Err(BaseError::Constraints));
}

#[test]
fn a_dead_or_unauthorised_key_says_so_whatever_its_networks() {
    let mut tenant = Tenant::new();
    let mut base = tenant.base();
    base.constraints.networks = Some(networks(&["10.0.0.0/8"]));
    let text = tenant.text(&base);
    let decide = |tenant: &Tenant, required: &str| {
        let verifier = tenant.verifier();
        let required = verifier.all_of(&[required]);
        match verifier.decide_from(None, &tenant.list(), &text, &required) {
            Decision::Deny(denial) => denial.reason.as_str(),
            other => word(&other),
        }
    };
    assert_eq!(decide(&tenant, "invoice:list"), "address_not_allowed");
    assert_eq!(decide(&tenant, "invoice:print"), "scope_missing");
    // Strict: the registry is not even asked about a call from elsewhere.
    assert_eq!(decide(&tenant, "invoice:void"), "address_not_allowed");
    tenant.bits = vec![0xff, 0xff];
    assert_eq!(decide(&tenant, "invoice:list"), "inactive");
}

//! Every time that counts, on both sides of its edge: those of clocks, keys, signing keys and lists.

use wardkey::{Bounds, Refresh, Registry, UnixMillis, UnixSeconds};

use crate::tenant::{AUDIENCE, EXPIRES, ISSUED, NOW, Tenant, ms, word};

/// The decision at `now` with a list of that very moment.
fn at(tenant: &mut Tenant, now: u64) -> &'static str {
    tenant.head.issued_at = UnixMillis(now);
    let verifier = tenant.verifier();
    word(&verifier.decide(Some(&tenant.list()), &tenant.key(), &verifier.low(), UnixMillis(now)))
}

#[test]
fn expiry_is_exclusive_to_the_millisecond() {
    for (now, expected) in [
        (ms(EXPIRES) - 1, "allow fresh"),
        (ms(EXPIRES), "expired"),
        (ms(EXPIRES) + 1, "expired"),
        (u64::MAX - 3_600_000, "expired"),
    ] {
        assert_eq!(at(&mut Tenant::new(), now), expected, "{now}");
    }
}

#[test]
fn a_key_may_be_ahead_of_the_clock_by_max_skew_and_no_more() {
    for (now, expected) in [
        (ms(ISSUED), "allow fresh"),
        (ms(ISSUED) - 4_999, "allow fresh"),
        (ms(ISSUED) - 5_000, "allow fresh"),
        (ms(ISSUED) - 5_001, "clock_behind"),
        (0, "clock_behind"),
    ] {
        assert_eq!(at(&mut Tenant::new(), now), expected, "{now}");
    }
}

#[test]
fn a_list_within_the_skew_moves_the_clock_forward() {
    let mut tenant = Tenant::new();
    tenant.head.issued_at = UnixMillis(ms(EXPIRES));
    let (verifier, list) = (tenant.verifier(), tenant.list());
    let decide = |behind| {
        let now = UnixMillis(ms(EXPIRES) - behind);
        word(&verifier.decide(Some(&list), &tenant.key(), &verifier.low(), now))
    };
    assert_eq!(decide(5_000), "expired");
    assert_eq!(decide(5_001), "clock_behind");
}

#[test]
fn a_clock_that_went_back_makes_no_list_fresh() {
    let tenant = Tenant::new();
    let (verifier, list) = (tenant.verifier(), tenant.list());
    for (back, expected) in [
        (0, "allow fresh"),
        (5_000, "allow fresh"),
        (5_001, "clock_behind"),
        (600_000, "clock_behind"),
    ] {
        let now = UnixMillis(NOW.0 - back);
        for required in [verifier.low(), verifier.all_of(&["invoice:write"])] {
            for refresh in [Refresh::NotTried, Refresh::Failed] {
                let decision = verifier.decide_after(
                    Some(&list),
                    &tenant.key(),
                    &required,
                    now,
                    refresh,
                    Registry::NotAsked,
                );
                assert_eq!(word(&decision), expected, "{back} ms back, {refresh:?}");
            }
        }
    }
}

#[test]
fn the_bounds_of_each_risk_level_hold_to_the_millisecond() {
    let tight = Bounds::new(1_000, 2_000, 3_000, 4_000, 0).expect("tighter");
    let zero = Bounds::new(0, 0, 0, 0, 0).expect("tightest");
    let scopes = ["invoice:list", "invoice:read", "invoice:write"];
    for (bounds, fresh, most) in [
        (Bounds::DEFAULT, 5_000, [3_600_000, 300_000, 30_000]),
        (tight, 1_000, [4_000, 3_000, 2_000]),
        (zero, 0, [0, 0, 0]),
    ] {
        let mut tenant = Tenant::new();
        tenant.bounds = bounds;
        let (verifier, list) = (tenant.verifier(), tenant.list());
        for (scope, most) in scopes.into_iter().zip(most) {
            let required = verifier.all_of(&[scope]);
            for age in [0, fresh, fresh + 1, most, most + 1, most * 2 + 2] {
                let decide = |refresh| {
                    word(&verifier.decide_after(
                        Some(&list),
                        &tenant.key(),
                        &required,
                        NOW.plus(age),
                        refresh,
                        Registry::NotAsked,
                    ))
                };
                let expected = if age <= fresh {
                    ["allow fresh", "allow fresh"]
                } else if age <= most {
                    ["ask refresh", "allow must_ask"]
                } else {
                    ["ask refresh", "list_stale"]
                };
                let seen = [decide(Refresh::NotTried), decide(Refresh::Failed)];
                // The key itself expires after 6,200 s.
                if age < 6_200_000 {
                    assert_eq!(seen, expected, "{scope} at {age} ms of {bounds:?}");
                }
            }
        }
    }
}

#[test]
fn a_head_past_its_not_after_is_stale_whatever_its_age() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    // Not-after is 8 bytes at 51; the audience's tag is the last 16.
    let mut head = tenant.head_bytes();
    head[51..59].copy_from_slice(&NOW.plus(2_000).0.to_be_bytes());
    let body = head.len() - 16;
    let tag = tenant.secret.list_key(AUDIENCE).tag(&head[..body]);
    head[body..].copy_from_slice(tag.secret_bytes());
    let list = tenant.list_of(&head);
    for (age, expected) in [
        (1_999, ["allow fresh", "allow fresh"]),
        (2_000, ["allow fresh", "allow fresh"]),
        (2_001, ["ask refresh", "list_stale"]),
    ] {
        let seen = [Refresh::NotTried, Refresh::Failed].map(|refresh| {
            word(&verifier.decide_after(
                Some(&list),
                &tenant.key(),
                &verifier.low(),
                NOW.plus(age),
                refresh,
                Registry::NotAsked,
            ))
        });
        assert_eq!(seen, expected, "{age}");
    }
}

#[test]
fn a_signing_key_signs_within_its_window_only() {
    let cases: [(u32, u32, u32, &str); 7] = [
        (ISSUED, ISSUED, EXPIRES, "allow fresh"),
        (ISSUED - 1, ISSUED + 1, EXPIRES + 1, "allow fresh"),
        (ISSUED + 1, ISSUED + 9, EXPIRES, "outside_window"),
        (ISSUED - 9, ISSUED - 1, EXPIRES, "outside_window"),
        (ISSUED, ISSUED, EXPIRES - 1, "outside_window"),
        (ISSUED + 1, ISSUED - 1, EXPIRES, "outside_window"),
        (0, u32::MAX, u32::MAX, "allow fresh"),
    ];
    for (from, until, verify_until, expected) in cases {
        let mut tenant = Tenant::new();
        tenant.signing_keys[0].mint_from = UnixSeconds(from);
        tenant.signing_keys[0].mint_until = UnixSeconds(until);
        tenant.signing_keys[0].verify_until = UnixSeconds(verify_until);
        assert_eq!(tenant.decided(), expected, "{from} {until} {verify_until}");
    }
}

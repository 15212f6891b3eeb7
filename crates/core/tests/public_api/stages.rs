//! The order of the stages, and the edge of every rule.

use std::collections::BTreeSet;

use wardkey::{
    AudienceId, Bounds, Cutoff, Decision, Epoch, Networks, Reason, Refresh, Registry,
    RegistryVerdict, ScopeSet, StatusIndex, UnixMillis, UnixSeconds,
};

use crate::asking::confirm;
use crate::tenant::{
    AUDIENCE, EXPIRES, INDEX, ISSUED, NOW, TENANT, Tenant, VERSION, encoded, handmade, signing_key,
    tag_after, word,
};

fn ms(second: u32) -> u64 {
    u64::from(second) * 1_000
}

/// The decision at `now` with a list of that very moment.
fn at(tenant: &mut Tenant, now: u64) -> &'static str {
    tenant.head.issued_at = UnixMillis(now);
    let verifier = tenant.verifier();
    word(&verifier.decide(Some(&tenant.list()), &tenant.key(), &verifier.low(), UnixMillis(now)))
}

fn usual(tenant: &Tenant) -> &'static str {
    let verifier = tenant.verifier();
    word(&verifier.decide(Some(&tenant.list()), &tenant.key(), &verifier.low(), NOW))
}

/// The stages in their order; a key with every defect is refused by the first, and so on.
#[test]
fn each_stage_refuses_before_the_next_is_reached() {
    let local = [
        "bad_checksum",
        "malformed",
        "wrong_audience",
        "requirement_outdated",
        "unknown_signing_key",
        "prefix_mismatch",
        "bad_tag",
        "no_key_set",
        "outside_window",
        "expired",
        "not_yet_valid",
        "list_stale",
        "inactive",
        "scope_missing",
        "narrowed",
        "address_not_allowed",
        "allow fresh",
    ];
    let strict = local.map(|stage| match stage {
        "allow fresh" => "registry_unavailable",
        other => other,
    });
    for (stages, scope) in [(local, "invoice:list"), (strict, "invoice:void")] {
        for (first, stage) in stages.into_iter().enumerate() {
            // A strict requirement asks the registry, however old the list is.
            if scope == "invoice:void" && stage == "list_stale" {
                continue;
            }
            let broken = |stage: &str| {
                stages.iter().position(|name| *name == stage).is_some_and(|place| place >= first)
            };
            // A signing key that is unknown to an outdated key set may be a new one.
            let expected = if stage == "unknown_signing_key" { "no_key_set" } else { stage };
            assert_eq!(with_defects(broken, scope), expected);
            let up_to_date = |stage: &str| broken(stage) && stage != "no_key_set";
            if stage != "no_key_set" {
                assert_eq!(with_defects(up_to_date, scope), stage);
            }
        }
    }
}

fn with_defects(broken: impl Fn(&str) -> bool, scope: &str) -> &'static str {
    let mut tenant = Tenant::new();
    let now = UnixMillis(ms(if broken("expired") { EXPIRES } else { ISSUED + 1_000 }));
    tenant.head.issued_at = if broken("list_stale") { UnixMillis(now.0 - 3_600_001) } else { now };
    let mut base = tenant.base();
    if broken("scope_missing") {
        base.scopes = ScopeSet::from_iter([200]);
    }
    if broken("not_yet_valid") {
        base.constraints.not_before = Some(UnixSeconds(EXPIRES + 1));
    }
    if broken("address_not_allowed") {
        let elsewhere = "192.0.2.0/24".parse().expect("a network");
        base.constraints.networks = Some(Networks::new([elsewhere]).expect("a set"));
    }
    if broken("inactive") {
        tenant.bits = vec![0xff, 0xff];
    }
    if broken("outside_window") {
        tenant.signing_keys[0].mint_until = UnixSeconds(ISSUED - 1);
    }
    let mut payload = encoded(&base);
    if broken("malformed") {
        payload[0] = 2;
    }
    let mut tag = tenant.secret.signing_key(base.signing_key).tag(&payload);
    if broken("narrowed") {
        // To scope 200 alone.
        let block = [&[0x80, 28, 1, 26][..], &[0; 25], &[1]].concat();
        tag = tag_after(&tag, &block);
        payload.extend(block);
    }
    payload.extend(tag.secret_bytes());
    if broken("bad_tag") {
        *payload.last_mut().expect("a tag") ^= 1;
    }
    let prefix = if broken("prefix_mismatch") { "wk_test_" } else { "wk_live_" };
    let mut text = handmade(prefix, &payload);
    if broken("bad_checksum") {
        // The last character but one: the last may hold spare bits.
        let place = text.len() - 2;
        let other = if &text[place..=place] == "A" { "B" } else { "A" };
        text.replace_range(place..=place, other);
    }
    if broken("unknown_signing_key") {
        tenant.signing_keys = vec![signing_key(2)];
    }
    if broken("no_key_set") {
        tenant.head.audiences[0].least_key_set = VERSION + 1;
    }
    let verifier = tenant.verifier();
    let audience = if broken("wrong_audience") { AudienceId(3) } else { AUDIENCE };
    let mut other = Tenant::of(TENANT, audience, 1);
    other.key_set_version += u32::from(broken("requirement_outdated"));
    let required = other.verifier().all_of(&[scope]);
    word(&verifier.decide_after(
        Some(&tenant.list()),
        &text,
        &required,
        now,
        Refresh::Failed,
        Registry::Failed,
    ))
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
        assert_eq!(usual(&tenant), expected, "{from} {until} {verify_until}");
    }
}

#[test]
fn a_cut_off_kills_what_was_issued_at_or_before_it() {
    for (cutoff, expected) in [
        (0, "allow fresh"),
        (ISSUED - 1, "allow fresh"),
        (ISSUED, "inactive"),
        (ISSUED + 1, "inactive"),
    ] {
        let mut whole_tenant = Tenant::new();
        whole_tenant.head.cutoff = Cutoff(UnixSeconds(cutoff));
        assert_eq!(usual(&whole_tenant), expected, "tenant, {cutoff}");

        let mut audience = Tenant::new();
        audience.head.audiences[0].cutoff = Cutoff(UnixSeconds(cutoff));
        assert_eq!(usual(&audience), expected, "audience, {cutoff}");

        let mut another = Tenant::new();
        let mut entry = another.head.audiences[0];
        entry.audience = AudienceId(3);
        entry.cutoff = Cutoff(UnixSeconds(cutoff));
        another.head.audiences.push(entry);
        assert_eq!(usual(&another), "allow fresh", "another audience, {cutoff}");
    }
}

#[test]
fn a_dead_signing_key_kills_its_keys_and_no_others() {
    for (audience, epoch, expected) in [
        (AUDIENCE, 1, "inactive"),
        (AUDIENCE, 2, "allow fresh"),
        (AUDIENCE, 9, "allow fresh"),
        (AudienceId(1), 1, "allow fresh"),
        (AudienceId(3), 1, "allow fresh"),
    ] {
        let mut tenant = Tenant::new();
        tenant.head.dead = vec![(audience, Epoch::new(epoch).expect("not 0"))];
        assert_eq!(usual(&tenant), expected, "{audience:?} {epoch}");
    }
}

#[test]
fn a_dead_index_is_one_below_the_floor_or_with_its_bit_set() {
    for (floor, bits, expected) in [
        (INDEX + 1, vec![], "inactive"),
        (INDEX, vec![], "allow fresh"),
        (INDEX, vec![0b1111_1110], "allow fresh"),
        (INDEX, vec![0b0000_0001], "inactive"),
        (INDEX - 7, vec![0b1000_0000], "inactive"),
        (INDEX - 7, vec![0b0111_1111], "allow fresh"),
        (INDEX - 8, vec![0b1111_1111], "allow fresh"),
        (INDEX - 15, vec![0, 0b1000_0000], "inactive"),
        (u32::MAX, vec![], "inactive"),
        (0, vec![0xff; 101], "allow fresh"),
        (0, vec![0xff; 102], "inactive"),
    ] {
        let mut tenant = Tenant::new();
        (tenant.floor, tenant.bits) = (floor, bits);
        assert_eq!(usual(&tenant), expected, "{floor} {:?}", tenant.bits);
    }
    let mut tenant = Tenant::new();
    let mut base = tenant.base();
    base.status_index = StatusIndex(u32::MAX);
    tenant.floor = u32::MAX - 7;
    for (bits, expected) in [(0b1000_0000, "inactive"), (0b0111_1111, "allow fresh")] {
        tenant.bits = vec![bits];
        let verifier = tenant.verifier();
        let decision =
            verifier.decide(Some(&tenant.list()), &tenant.text(&base), &verifier.low(), NOW);
        assert_eq!(word(&decision), expected);
    }
}

#[test]
fn a_key_set_below_the_least_version_decides_nothing() {
    for (least, expected) in
        [(VERSION - 1, "allow fresh"), (VERSION, "allow fresh"), (VERSION + 1, "no_key_set")]
    {
        let mut tenant = Tenant::new();
        tenant.head.audiences[0].least_key_set = least;
        assert_eq!(usual(&tenant), expected, "{least}");
    }
}

/// What can be judged is judged, whatever the key set's age: only what cannot is a 503.
#[test]
fn a_forged_key_is_the_same_401_under_an_outdated_key_set() {
    let mut tenant = Tenant::new();
    let good = tenant.key();
    let base = encoded(&tenant.base());
    let mut forged = [base.as_slice(), &[0; 16]].concat();
    let zeroed = handmade("wk_live_", &forged);
    let right = tenant.secret.signing_key(tenant.base().signing_key).tag(&base);
    forged[base.len()..].copy_from_slice(right.secret_bytes());
    *forged.last_mut().expect("a tag") ^= 1;
    let mut of_epoch_2 = tenant.base();
    of_epoch_2.signing_key.epoch = Epoch::new(2).expect("not 0");
    let decide = |tenant: &Tenant, text: &str| {
        let verifier = tenant.verifier();
        match verifier.decide(Some(&tenant.list()), text, &verifier.low(), NOW) {
            Decision::Deny(denial) => (denial.reason, denial.reason.answer(), denial.authentic),
            other => panic!("{other:?}"),
        }
    };
    let cases = [
        (Tenant::of(TENANT, AUDIENCE, 2).key(), Reason::BadTag),
        (zeroed, Reason::BadTag),
        (handmade("wk_live_", &forged), Reason::BadTag),
        (handmade("wk_test_", &forged), Reason::PrefixMismatch),
        (good[..good.len() - 1].to_owned(), Reason::BadChecksum),
        (good[1..].to_owned(), Reason::Malformed),
    ];
    for (text, reason) in &cases {
        let up_to_date = decide(&tenant, text);
        assert_eq!(up_to_date, (*reason, Reason::Malformed.answer(), None));
        tenant.head.audiences[0].least_key_set = VERSION + 1;
        assert_eq!(decide(&tenant, text), up_to_date);
        tenant.head.audiences[0].least_key_set = VERSION;
    }
    tenant.head.audiences[0].least_key_set = VERSION + 1;
    let (reason, answer, authentic) = decide(&tenant, &good);
    assert_eq!((reason, answer.status), (Reason::NoKeySet, 503));
    assert_eq!(authentic, Some(tenant.base()));
    let (reason, answer, authentic) = decide(&tenant, &tenant.text(&of_epoch_2));
    assert_eq!((reason, answer.status, authentic), (Reason::NoKeySet, 503, None));
}

#[test]
fn every_reason_has_a_test_that_sees_it() {
    // Those that stages, bounds and clocks make are seen above and below; these are the registry's.
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let mut seen = BTreeSet::from(
        [
            Reason::Malformed,
            Reason::BadChecksum,
            Reason::WrongAudience,
            Reason::RequirementOutdated,
            Reason::NoKeySet,
            Reason::UnknownSigningKey,
            Reason::PrefixMismatch,
            Reason::BadTag,
            Reason::OutsideWindow,
            Reason::ClockBehind,
            Reason::Expired,
            Reason::ListStale,
            Reason::Inactive,
            Reason::NotYetValid,
            Reason::ScopeMissing,
            Reason::Narrowed,
            Reason::AddressNotAllowed,
            Reason::RegistryUnavailable,
        ]
        .map(Reason::as_str),
    );
    for (verdict, reason) in [
        (RegistryVerdict::Revoked, "revoked"),
        (RegistryVerdict::Suspended, "suspended"),
        (RegistryVerdict::Retired, "retired"),
        (RegistryVerdict::Expired, "expired"),
        (RegistryVerdict::NeverIssued, "never_issued"),
        (RegistryVerdict::TenantGone, "tenant_gone"),
    ] {
        let confirmation = confirm(&tenant, &tenant.base(), &verifier.strict(), verdict);
        let decision = verifier.decide_after(
            Some(&tenant.list()),
            &tenant.key(),
            &verifier.strict(),
            NOW,
            Refresh::NotTried,
            Registry::Answered(confirmation),
        );
        assert_eq!(word(&decision), reason);
        seen.insert(reason);
    }
    assert_eq!(seen, Reason::ALL.map(Reason::as_str).into());
}

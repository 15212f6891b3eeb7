//! The order of the stages: a key with several defects is refused for the first.

use std::collections::BTreeSet;

use wardkey::{
    AudienceId, Networks, Reason, Refresh, Registry, RegistryVerdict, ScopeSet, UnixMillis,
    UnixSeconds,
};

use crate::asking::confirm;
use crate::tenant::{
    AUDIENCE, EXPIRES, ISSUED, NOW, TENANT, Tenant, VERSION, encoded, handmade, ms, signing_key,
    tag_after, word,
};

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
fn every_reason_has_a_test_that_sees_it() {
    // Those of the stages are seen above and `clock_behind` in times.rs; these are the registry's.
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
            Registry::Answered(&confirmation),
        );
        assert_eq!(word(&decision), reason);
        seen.insert(reason);
    }
    assert_eq!(seen, Reason::ALL.map(Reason::as_str).into());
}

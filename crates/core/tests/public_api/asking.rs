//! What a host owes, it must do: there is no allow without it.

use core::mem::needs_drop;

use wardkey::{
    Ask, Base, CONFIRMATION_VALID_MS, Confirmation, Decision, Echo, EchoError, KeyBuffer, KeyId,
    Reason, Refresh, Registry, RegistryQuestion, RegistryVerdict, Requirement, ScopeSet,
    StatusIndex, Tag, UnixMillis,
};

use crate::tenant::{NOW, Tenant, VERSION, word};

const ALIVE: RegistryVerdict = RegistryVerdict::Alive { sequence: 77 };

/// The question that a key with this base makes.
fn question(tenant: &Tenant, base: &Base, required: &Requirement) -> RegistryQuestion {
    let decision =
        tenant.verifier().decide(Some(&tenant.list()), &tenant.text(base), required, NOW);
    match decision {
        Decision::Ask(Ask::Registry(question)) => question,
        other => panic!("not asked: {other:?}"),
    }
}

/// The registry's answer to that question.
pub(crate) fn confirm(
    tenant: &Tenant,
    base: &Base,
    required: &Requirement,
    verdict: RegistryVerdict,
) -> Confirmation {
    match question(tenant, base, required).answered(&Echo(*base), verdict) {
        Ok(confirmation) => confirmation,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn without_a_list_there_is_no_allow_below_strict() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let void = verifier.strict();
    for scope in ["invoice:list", "invoice:read", "invoice:write"] {
        for (refresh, expected) in
            [(Refresh::NotTried, "ask refresh"), (Refresh::Failed, "list_stale")]
        {
            let required = verifier.all_of(&[scope]);
            for registry in [
                Registry::NotAsked,
                Registry::Failed,
                Registry::Answered(&confirm(&tenant, &tenant.base(), &void, ALIVE)),
            ] {
                let decision =
                    verifier.decide_after(None, &tenant.key(), &required, NOW, refresh, registry);
                assert_eq!(word(&decision), expected);
            }
        }
    }
}

#[test]
fn strict_asks_the_registry_however_fresh_or_old_or_absent_the_list_is() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let list = tenant.list();
    for list in [Some(&list), None] {
        for age in [0, 5_000, 5_001, 30_001, 3_600_001] {
            for required in [verifier.strict(), verifier.low().strict()] {
                for refresh in [Refresh::NotTried, Refresh::Failed] {
                    let decide = |registry| {
                        let now = NOW.plus(age);
                        word(&verifier.decide_after(
                            list,
                            &tenant.key(),
                            &required,
                            now,
                            refresh,
                            registry,
                        ))
                    };
                    assert_eq!(decide(Registry::NotAsked), "ask registry");
                    assert_eq!(decide(Registry::Failed), "registry_unavailable");
                }
            }
        }
    }
}

#[test]
fn the_registry_can_allow_and_the_local_list_can_still_deny() {
    let mut tenant = Tenant::new();
    let verifier = tenant.verifier();
    let required = verifier.strict();
    let decide = |tenant: &Tenant, confirmation| {
        verifier.decide_after(
            Some(&tenant.list()),
            &tenant.key(),
            &required,
            NOW,
            Refresh::NotTried,
            Registry::Answered(&confirmation),
        )
    };
    let confirmed = || confirm(&Tenant::new(), &Tenant::new().base(), &required, ALIVE);
    let Decision::Allow(allow) = decide(&tenant, confirmed()) else { panic!("denied") };
    assert_eq!((allow.list.sequence, allow.list.age_ms), (77, 0));
    assert_eq!(allow.list.zone.as_str(), "registry");
    tenant.bits = vec![0xff, 0xff];
    assert_eq!(word(&decide(&tenant, confirmed())), "inactive");
}

/// Whoever keeps an answer, or hands it in twice by mistake, asks again.
#[test]
fn an_answer_serves_one_verification() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let (list, required) = (tenant.list(), verifier.strict());
    let answer = confirm(&tenant, &tenant.base(), &required, ALIVE);
    let decide = |key: &str| {
        let (refresh, registry) = (Refresh::NotTried, Registry::Answered(&answer));
        word(&verifier.decide_after(Some(&list), key, &required, NOW, refresh, registry)).to_owned()
    };
    // What does not come as far as the answer, or is about another key, does not spend it.
    assert_eq!(decide("no key"), "malformed");
    let other = Base { key_id: KeyId([1; 8]), ..tenant.base() };
    assert_eq!(decide(&tenant.text(&other)), "ask registry");
    assert_eq!(decide(&tenant.key()), "allow registry");
    assert_eq!(decide(&tenant.key()), "ask registry");
}

/// A suspended key that was resumed would stay dead to whoever asks strictly only: nothing else renews the list.
#[test]
fn an_old_list_is_renewed_before_it_denies_a_strict_scope() {
    let mut tenant = Tenant::new();
    let verifier = tenant.verifier();
    let required = verifier.strict();
    let confirmed = || confirm(&Tenant::new(), &Tenant::new().base(), &required, ALIVE);
    tenant.bits = vec![0xff, 0xff];
    for (age, refresh, expected) in [
        (0, Refresh::NotTried, "inactive"),
        (5_000, Refresh::NotTried, "inactive"),
        (5_001, Refresh::NotTried, "ask refresh"),
        (3_600_001, Refresh::NotTried, "ask refresh"),
        (5_001, Refresh::Failed, "inactive"),
        (3_600_001, Refresh::Failed, "inactive"),
    ] {
        for registry in [Registry::NotAsked, Registry::Failed, Registry::Answered(&confirmed())] {
            let (list, key, now) = (tenant.list(), tenant.key(), NOW.plus(age));
            let decision =
                verifier.decide_after(Some(&list), &key, &required, now, refresh, registry);
            assert_eq!(word(&decision), expected, "{age} ms, {refresh:?}");
        }
    }
}

#[test]
fn an_answer_serves_only_its_own_key_and_requirement() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let void = verifier.strict();
    let base = tenant.base();
    let decide = |confirmation: Confirmation, required: &Requirement| {
        word(&verifier.decide_after(
            Some(&tenant.list()),
            &tenant.key(),
            required,
            NOW,
            Refresh::NotTried,
            Registry::Answered(&confirmation),
        ))
    };
    assert_eq!(decide(confirm(&tenant, &base, &void, ALIVE), &void), "allow registry");

    let other_keys = [
        Base { key_id: KeyId([1; 8]), ..base },
        Base { status_index: StatusIndex(809), ..base },
        Base { scopes: ScopeSet::from_iter([9]), ..base },
        Base { expires_at: wardkey::UnixSeconds(base.expires_at.0 - 1), ..base },
    ];
    for other in other_keys {
        assert_eq!(decide(confirm(&tenant, &other, &void, ALIVE), &void), "ask registry");
    }
    for other in [
        verifier.all_of(&["invoice:void", "invoice:list"]),
        verifier.low().strict(),
        Requirement::any_of(&verifier.catalog, ["invoice:void"]).expect("known"),
    ] {
        assert_eq!(decide(confirm(&tenant, &base, &other, ALIVE), &void), "ask registry");
        assert_eq!(decide(confirm(&tenant, &base, &void, ALIVE), &other), "ask registry");
    }
    // The same words under another secret: only the tag tells the keys apart.
    let stranger = Tenant::of(crate::tenant::TENANT, crate::tenant::AUDIENCE, 2);
    assert_eq!(decide(confirm(&stranger, &base, &void, ALIVE), &void), "ask registry");
}

#[test]
fn an_answer_grows_old_and_never_comes_from_the_future() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let required = verifier.strict();
    let list = tenant.list();
    for (now, expected) in [
        (NOW.0, "allow registry"),
        (NOW.0 + CONFIRMATION_VALID_MS, "allow registry"),
        (NOW.0 + CONFIRMATION_VALID_MS + 1, "ask registry"),
        (NOW.0 - 1, "ask registry"),
    ] {
        let decision = verifier.decide_after(
            Some(&list),
            &tenant.key(),
            &required,
            UnixMillis(now),
            Refresh::NotTried,
            Registry::Answered(&confirm(&tenant, &tenant.base(), &required, ALIVE)),
        );
        assert_eq!(word(&decision), expected, "{now}");
    }
}

#[test]
fn an_answer_about_another_key_is_no_answer() {
    let tenant = Tenant::new();
    let base = tenant.base();
    let required = tenant.verifier().strict();
    let mut tampered = vec![
        Base { key_id: KeyId([1; 8]), ..base },
        Base { status_index: StatusIndex(809), ..base },
        Base { issued_at: wardkey::UnixSeconds(base.issued_at.0 + 1), ..base },
        Base { expires_at: wardkey::UnixSeconds(base.expires_at.0 + 1), ..base },
        Base { scopes: ScopeSet::from_iter([0, 1, 2, 9, 10]), ..base },
        Base { subject: wardkey::Subject::new("svc:billinh").expect("a subject"), ..base },
    ];
    let mut elsewhere = base;
    elsewhere.signing_key.tenant = wardkey::TenantId(8);
    tampered.push(elsewhere);
    for echo in tampered {
        let question = question(&tenant, &base, &required);
        assert_eq!(question.base(), &base);
        assert_eq!(question.answered(&Echo(echo), ALIVE).err(), Some(EchoError));
    }
    assert!(question(&tenant, &base, &required).answered(&Echo(base), ALIVE).is_ok());
}

/// Outdated or not yet in use here: whatever the host has done, and however good the key is.
#[test]
fn a_requirement_of_another_key_set_version_is_a_503_and_never_an_allow() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    for version in [0, VERSION - 1, VERSION + 1, u32::MAX] {
        let mut other = Tenant::new();
        other.key_set_version = version;
        let other = other.verifier();
        assert_eq!(other.catalog.key_set_version(), version);
        for scope in ["invoice:list", "invoice:read", "invoice:write", "invoice:void"] {
            let (ours, required) = (verifier.all_of(&[scope]), other.all_of(&[scope]));
            assert_ne!(ours, required);
            for list in [Some(tenant.list()), None] {
                for refresh in [Refresh::NotTried, Refresh::Failed] {
                    for registry in [
                        Registry::NotAsked,
                        Registry::Failed,
                        Registry::Answered(&confirm(
                            &tenant,
                            &tenant.base(),
                            &ours.strict(),
                            ALIVE,
                        )),
                    ] {
                        let (list, key) = (list.as_ref(), tenant.key());
                        let decision =
                            verifier.decide_after(list, &key, &required, NOW, refresh, registry);
                        let Decision::Deny(denial) = decision else { panic!("{decision:?}") };
                        assert_eq!(denial.reason, Reason::RequirementOutdated);
                        assert_eq!(denial.reason.answer().status, 503);
                        assert_eq!(denial.reason.answer().retry_after_s, Some(1));
                    }
                }
            }
        }
    }
}

/// An answer that was given under the key set before does not serve under the next one.
#[test]
fn an_answer_does_not_outlive_its_key_set() {
    let (before, mut after) = (Tenant::new(), Tenant::new());
    after.key_set_version = VERSION + 1;
    let verifier = after.verifier();
    for (required, given, expected) in [
        (before.verifier().strict(), &before, "requirement_outdated"),
        (verifier.strict(), &before, "ask registry"),
        (verifier.strict(), &after, "allow registry"),
    ] {
        let asked = given.verifier().strict();
        let confirmation = confirm(given, &given.base(), &asked, ALIVE);
        let decision = verifier.decide_after(
            Some(&after.list()),
            &after.key(),
            &required,
            NOW,
            Refresh::NotTried,
            Registry::Answered(&confirmation),
        );
        assert_eq!(word(&decision), expected);
    }
}

#[test]
fn what_holds_a_tag_wipes_it() {
    assert!(needs_drop::<Tag>());
    assert!(needs_drop::<KeyBuffer>());
    assert!(needs_drop::<RegistryQuestion>());
    assert!(needs_drop::<Confirmation>());
}

//! What a host requires: never nothing, never of another audience.

use wardkey::{AudienceId, Catalog, Requirement, RequirementError, RiskLevel, ScopeSet, TenantId};

use crate::tenant::{AUDIENCE, NOW, TENANT, Tenant, VERSION, word};

#[test]
fn a_requirement_names_known_scopes_and_at_least_one() {
    let verifier = Tenant::new().verifier();
    let catalog = &verifier.catalog;
    type Built = Result<Requirement, RequirementError>;
    let builders: [fn(&Catalog<'_>, Vec<&'static str>) -> Built; 2] = [
        |catalog, names| Requirement::all_of(catalog, names),
        |catalog, names| Requirement::any_of(catalog, names),
    ];
    for build in builders {
        assert_eq!(build(catalog, vec![]), Err(RequirementError::Empty));
        for name in ["", "invoice:*", "invoice:erase", "Invoice:list", "invoice", "invoice:list "] {
            let unknown = Err(RequirementError::UnknownScope);
            assert_eq!(build(catalog, vec![name]), unknown, "{name:?}");
            assert_eq!(build(catalog, vec!["invoice:list", name]), unknown, "{name:?}");
        }
        assert!(build(catalog, vec!["invoice:list"]).is_ok());
    }
}

#[test]
fn a_requirement_of_another_audience_or_tenant_is_denied() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let list = tenant.list();
    for (of_tenant, audience, expected) in [
        (TENANT, AUDIENCE, "allow fresh"),
        (TENANT, AudienceId(3), "wrong_audience"),
        (TenantId(8), AUDIENCE, "wrong_audience"),
    ] {
        let mut other = Tenant::of(of_tenant, audience, 1);
        for version in [VERSION, VERSION + 1] {
            other.key_set_version = version;
            let expected = match (expected, version) {
                ("allow fresh", version) if version != VERSION => "requirement_outdated",
                (expected, _) => expected,
            };
            let required = other.verifier().low();
            let decision = verifier.decide(Some(&list), &tenant.key(), &required, NOW);
            assert_eq!(word(&decision), expected);
        }
    }
}

#[test]
fn all_of_asks_for_every_scope_and_any_of_for_one() {
    let tenant = Tenant::new();
    let (verifier, list) = (tenant.verifier(), tenant.list());
    let mut base = tenant.base();
    base.scopes = ScopeSet::from_iter([0, 1]);
    let key = tenant.text(&base);
    let scopes = ["invoice:list", "invoice:read", "invoice:write", "invoice:print"];
    let held = [true, true, false, false];
    for subset in 1..16_u32 {
        let named: Vec<_> = (0..4).filter(|place| subset & (1 << place) != 0).collect();
        let names = || named.iter().map(|place| scopes[*place]);
        let all = named.iter().all(|place| held[*place]);
        let any = named.iter().any(|place| held[*place]);
        let decide = |required| word(&verifier.decide(Some(&list), &key, &required, NOW));
        let expected = |met| if met { "allow fresh" } else { "scope_missing" };
        let required = Requirement::all_of(&verifier.catalog, names()).expect("known");
        assert_eq!(decide(required), expected(all), "all of {named:?}");
        let required = Requirement::any_of(&verifier.catalog, names()).expect("known");
        assert_eq!(decide(required), expected(any), "any of {named:?}");
    }
}

#[test]
fn the_level_is_the_strictest_of_all_scopes_named_any_of_included() {
    let verifier = Tenant::new().verifier();
    for (names, level) in [
        (vec!["invoice:list", "invoice:print"], RiskLevel::Low),
        (vec!["invoice:list", "invoice:read"], RiskLevel::Standard),
        (vec!["invoice:write", "invoice:list"], RiskLevel::High),
        (vec!["invoice:list", "invoice:void", "invoice:read"], RiskLevel::Strict),
    ] {
        for required in [
            Requirement::all_of(&verifier.catalog, names.clone()).expect("known"),
            Requirement::any_of(&verifier.catalog, names.clone()).expect("known"),
        ] {
            assert_eq!(required.level(), level, "{names:?}");
            assert_eq!(required.strict().level(), RiskLevel::Strict);
        }
    }
}

#[test]
fn a_scope_that_the_catalog_does_not_name_grants_nothing_and_is_no_error() {
    let tenant = Tenant::new();
    let (verifier, list) = (tenant.verifier(), tenant.list());
    let mut base = tenant.base();
    base.scopes = ScopeSet::from_iter((0..=255).filter(|number| *number != 0));
    let key = tenant.text(&base);
    let decide =
        |names: &[&str]| word(&verifier.decide(Some(&list), &key, &verifier.all_of(names), NOW));
    assert_eq!(decide(&["invoice:read"]), "allow fresh");
    assert_eq!(decide(&["invoice:list"]), "scope_missing");
}

/// What a host must not make of its answer: a scope of level strict stands in an allow that rests on a list
/// 59 minutes old, and nobody has asked the registry.
#[test]
fn only_the_scopes_required_are_judged_at_their_level() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let now = NOW.plus(59 * 60_000);
    let decision = verifier.decide_after(
        Some(&tenant.list()),
        &tenant.key(),
        &verifier.low(),
        now,
        wardkey::Refresh::Failed,
        wardkey::Registry::NotAsked,
    );
    let wardkey::Decision::Allow(allow) = decision else { panic!("{decision:?}") };
    assert!(allow.scopes.contains(9), "invoice:void is strict");
    assert_eq!(allow.list.zone, wardkey::Zone::MustAsk);
}

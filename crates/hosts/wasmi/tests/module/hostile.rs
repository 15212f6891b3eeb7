//! A host that is careless or hostile gets clear refusals: nothing is allowed by it, nothing stays wrong, nothing grows.

use wardkey_vectors::{artefact, issued_at};
use wardkey_wasmi::{Adoption, HostError, Limits, Module, Registry, RegistryVerdict, Verdict};

use crate::ready::{Usual, modules};

#[test]
fn a_clock_that_is_none_allows_nothing() {
    let usual = Usual::new();
    let mut ready = usual.verifier();
    for (now, reason) in [
        (f64::NAN, "clock_behind"),
        (-1.0, "clock_behind"),
        (f64::NEG_INFINITY, "clock_behind"),
        (0.0, "clock_behind"),
        (f64::INFINITY, "expired"),
        (u64::MAX as f64, "expired"),
        (f64::MAX, "expired"),
    ] {
        assert_eq!(
            usual.verify(&mut ready, &usual.key, now).unwrap(),
            Verdict::Deny(reason),
            "{now}"
        );
    }
    for now in [f64::NAN, -1.0, 0.0] {
        let mut verifier = modules()[0].verifier(&usual.key_set).unwrap();
        assert_eq!(
            verifier.adopt(&usual.head, Some(&usual.state), now).unwrap(),
            Adoption::ClockBehind
        );
    }
    assert!(usual.is_allowed(&mut ready));
}

#[test]
fn what_is_empty_or_huge_is_refused_and_changes_nothing() {
    let usual = Usual::new();
    let mut ready = usual.verifier();
    for key in [
        String::new(),
        "\0".to_owned(),
        "🔑".repeat(200),
        usual.key.repeat(3),
        "x".repeat(10_000_000),
    ] {
        assert_eq!(usual.verify(&mut ready, &key, usual.now).unwrap(), Verdict::Deny("malformed"));
    }
    for length in [0, 1, 42, 4_096, 4_097, 18_432, 18_433, 1_000_000] {
        for fill in [0, 1, 255] {
            let bytes = vec![fill; length];
            assert_eq!(
                ready.0.adopt(&bytes, None, usual.now).unwrap(),
                Adoption::Malformed,
                "{length}"
            );
            assert!(matches!(ready.0.renew(&bytes), Err(HostError::KeySet(_))), "{length}");
            assert!(modules()[0].verifier(&bytes).is_err());
            // In force already: what is handed in beside it is not looked at, but a state of nothing is none.
            let beside = ready.0.adopt(&usual.head, Some(&bytes), usual.now).unwrap();
            assert_eq!(
                beside,
                if length == 0 { Adoption::UnreadableState } else { Adoption::InForce }
            );
            ready.1 = ready.0.require(&usual.scopes, false, false).unwrap();
        }
    }
    for scopes in [
        vec![],
        vec![String::new()],
        vec!["a".repeat(1_000_000)],
        vec!["invoice:burn".to_owned(); 10_000],
    ] {
        assert!(matches!(ready.0.require(&scopes, false, false), Err(HostError::Requirement(_))));
    }
    assert!(usual.is_allowed(&mut ready));
}

#[test]
fn more_than_there_is_room_for_is_refused() {
    let usual = Usual::new();
    let little = Limits { memory: 2 << 20, ..Limits::DEFAULT };
    let module = Module::compile(&artefact("wardkey.verifier.scalar.wasm", "js"), little).unwrap();
    let mut verifier = module.verifier(&usual.key_set).unwrap();
    let long = vec![1; 4 << 20];
    let refused = verifier.adopt(&usual.head, Some(&long), usual.now).unwrap();
    assert_eq!(refused, Adoption::UnreadableState);
    assert_eq!(usual.adopt(&mut verifier).unwrap(), Adoption::Adopted);
    let required = verifier.require(&usual.scopes, false, false).unwrap();
    assert!(usual.is_allowed(&mut (verifier, required)));
    let none = Limits { memory: 1_024, ..Limits::DEFAULT };
    let module = Module::compile(&artefact("wardkey.verifier.scalar.wasm", "js"), none).unwrap();
    assert!(matches!(module.verifier(&usual.key_set), Err(HostError::Trapped(_))));
}

#[test]
fn a_module_of_something_else_is_refused() {
    let empty = b"\0asm\x01\0\0\0";
    let module = Module::compile(empty, Limits::DEFAULT).unwrap();
    assert!(matches!(module.verifier(&[]), Err(HostError::Module(_))));
    assert!(matches!(Module::compile(b"nothing", Limits::DEFAULT), Err(HostError::Module(_))));
}

#[test]
fn another_tenants_key_set_is_refused_and_knows_none_of_our_keys() {
    let usual = Usual::new();
    let mut ready = usual.verifier();
    for (place, to) in [(2, 8), (3, 5), (7, 2)] {
        let mut theirs = usual.key_set.clone();
        theirs[place] = to;
        assert!(matches!(ready.0.renew(&theirs), Err(HostError::KeySet(_))), "{place}");
    }
    assert!(usual.is_allowed(&mut ready));
    let mut theirs = usual.key_set.clone();
    theirs[2] = 8;
    let mut other = modules()[0].verifier(&theirs).unwrap();
    assert_eq!(usual.adopt(&mut other).unwrap(), Adoption::Foreign);
    let required = other.require(&usual.scopes, false, false).unwrap();
    let denied = usual.verify(&mut (other, required), &usual.key, usual.now).unwrap();
    assert_eq!(denied, Verdict::Deny("unknown_signing_key"));
}

#[test]
fn calls_in_any_order_allow_nothing_that_is_owed() {
    let usual = Usual::new();
    let mut verifier = modules()[0].verifier(&usual.key_set).unwrap();
    assert_eq!(verifier.claims().unwrap(), None);
    assert!(matches!(
        verifier.answer(7, &[], RegistryVerdict::Alive(1.0)),
        Err(HostError::NoQuestion)
    ));
    let required = verifier.require(&usual.scopes, false, true).unwrap();
    let mut ask =
        |registry| verifier.verify(&usual.key, required, usual.now, None, true, registry).unwrap();
    assert!(matches!(ask(Registry::Answered(7)), Verdict::AskRegistry(_)));
    let Verdict::AskRegistry(question) = ask(Registry::NotAsked) else { panic!() };
    // Before it was answered, by its number.
    assert!(matches!(ask(Registry::Answered(question)), Verdict::AskRegistry(_)));
    assert_eq!(ask(Registry::Failed), Verdict::Deny("registry_unavailable"));
    let base = verifier.claims().unwrap().unwrap().base;
    let mut other = base.clone();
    other[13] ^= 1;
    assert!(matches!(
        verifier.answer(question, &other, RegistryVerdict::Alive(1.0)),
        Err(HostError::NoQuestion)
    ));
    verifier.answer(question, &base, RegistryVerdict::Alive(1.0)).unwrap();
    let mut ask =
        |registry| verifier.verify(&usual.key, required, usual.now, None, true, registry).unwrap();
    assert_eq!(ask(Registry::Answered(question)), Verdict::Allow);
    assert!(matches!(ask(Registry::Answered(question)), Verdict::AskRegistry(_)), "spent");
}

#[test]
fn a_call_that_is_cut_off_anywhere_allows_nothing_and_leaves_others_alone() {
    let usual = Usual::new();
    let whole = fuel(&usual);
    let (mut cut, mut allowed) = (0, 0);
    for share in 0..100 {
        let mut ready = usual.verifier();
        ready.0.set_limits(Limits { call: whole * share / 90, ..Limits::DEFAULT });
        match usual.verify(&mut ready, &usual.key, usual.now) {
            Ok(Verdict::Allow) => allowed += 1,
            Err(HostError::Trapped(why)) => {
                assert_eq!(why, "a call took more fuel than it may");
                assert!(ready.0.is_spent());
                ready.0.set_limits(Limits::DEFAULT);
                assert!(matches!(
                    usual.verify(&mut ready, &usual.key, usual.now),
                    Err(HostError::Spent)
                ));
                assert!(matches!(ready.0.figure(0), Err(HostError::Spent)));
                cut += 1;
            }
            other => panic!("{share}: {other:?}"),
        }
    }
    println!("a verification takes {whole} of fuel; {cut} were cut off, {allowed} were not");
    assert!(cut >= 80 && allowed >= 5, "{cut} {allowed}");
    assert!(usual.is_allowed(&mut usual.verifier()));
}

#[test]
fn ten_thousand_calls_take_no_more_memory_than_one() {
    let usual = Usual::new();
    // So little that anything which stayed would soon be too much.
    let little = Limits { memory: 2 << 20, ..Limits::DEFAULT };
    let module = Module::compile(&artefact("wardkey.verifier.scalar.wasm", "js"), little).unwrap();
    let mut verifier = module.verifier(&usual.key_set).unwrap();
    for number in 0..10_000 {
        if number % 10 == 0 {
            let at = issued_at(&usual.head) as f64;
            let _malformed = verifier.adopt(&[1; 4_096], Some(&[1; 4_096]), at);
            let _malformed = verifier.renew(&usual.key_set[1..]);
            usual.adopt(&mut verifier).unwrap();
            verifier.renew(&usual.key_set).unwrap();
        }
        let required = verifier.require(&usual.scopes, false, false).unwrap();
        let key = if number % 3 == 0 { &usual.key[1..] } else { &usual.key };
        let verdict =
            verifier.verify(key, required, usual.now, None, false, Registry::NotAsked).unwrap();
        assert_eq!(verdict == Verdict::Allow, number % 3 != 0, "{number}");
    }
}

/// The least fuel that a verification is allowed with, by halving.
fn fuel(usual: &Usual) -> u64 {
    let (mut least, mut most) = (0, Limits::DEFAULT.call);
    while most - least > 100 {
        let middle = u64::midpoint(least, most);
        let mut ready = usual.verifier();
        ready.0.set_limits(Limits { call: middle, ..Limits::DEFAULT });
        if usual.is_allowed(&mut ready) { most = middle } else { least = middle }
    }
    most
}

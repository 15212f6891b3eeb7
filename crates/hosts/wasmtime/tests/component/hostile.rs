//! A host that is careless or hostile gets clear refusals: nothing is allowed by it, nothing stays wrong, nothing grows.

use wardkey_vectors::issued_at;
use wardkey_wasmtime::{
    Alive, Component, HostError, Instance, KeySetError, Limits, ListError, Refresh,
    RegistryVerdict, RegistryWord, Required, RequirementError, Verdict,
};

use crate::ready::{Usual, component};

fn denied(verdict: Result<Verdict, HostError>) -> &'static str {
    match verdict {
        Ok(Verdict::Deny(denial)) => denial.reason.word(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_clock_that_is_none_allows_nothing() {
    let usual = Usual::new();
    let mut instance = usual.instance();
    for (now, reason) in [
        (0, "clock_behind"),
        (1, "clock_behind"),
        (1 << 32, "clock_behind"),
        (1 << 63, "expired"),
        (u64::MAX, "expired"),
    ] {
        assert_eq!(denied(usual.verify(&mut instance, &usual.key, now)), reason, "{now}");
    }
    let refused = component().instance(&usual.key_set).unwrap().apply_list(
        &usual.head,
        Some(&usual.state),
        0,
    );
    assert!(matches!(refused, Err(HostError::List(ListError::ClockBehind))), "{refused:?}");
    assert!(usual.is_allowed(&mut instance));
}

#[test]
fn what_is_empty_or_huge_is_refused_and_changes_nothing() {
    let usual = Usual::new();
    let mut instance = usual.instance();
    for key in [
        String::new(),
        "\0".to_owned(),
        "🔑".repeat(100),
        usual.key.repeat(3),
        "x".repeat(10_000_000),
    ] {
        assert_eq!(
            denied(usual.verify(&mut instance, &key, usual.now)),
            "malformed",
            "{} bytes",
            key.len()
        );
    }
    for length in [0, 1, 42, 4_096, 4_097, 1_000_000, 10_000_000] {
        for fill in [0, 1, 255] {
            let bytes = vec![fill; length];
            let refused = instance.apply_list(&bytes, None, usual.now);
            assert!(
                matches!(refused, Err(HostError::List(ListError::MalformedHead))),
                "{length}: {refused:?}"
            );
            let refused = instance.renew(&bytes);
            assert!(
                matches!(refused, Err(HostError::KeySet(KeySetError::Malformed))),
                "{length}: {refused:?}"
            );
            assert!(component().instance(&bytes).is_err());
            // In force already: what is handed in beside it is not looked at.
            instance.apply_list(&usual.head, Some(&bytes), usual.now).unwrap();
        }
    }
    for scopes in [
        vec![],
        vec![String::new()],
        vec!["a".repeat(1_000_000)],
        vec!["invoice:burn".to_owned(); 10_000],
    ] {
        let required = Required { scopes, any: false, strict: false };
        let refused = instance.verify(
            &usual.key,
            &required,
            usual.now,
            None,
            Refresh::NotTried,
            RegistryWord::NotAsked,
        );
        let wanted = if required.scopes.is_empty() {
            RequirementError::Empty
        } else {
            RequirementError::UnknownScope
        };
        assert!(
            matches!(refused, Err(HostError::Requirement(error)) if error == wanted),
            "{refused:?}"
        );
    }
    assert!(usual.is_allowed(&mut instance));
}

#[test]
fn more_than_there_is_room_for_spends_the_instance_and_no_other() {
    let usual = Usual::new();
    let mut other = usual.instance();
    let mut instance = usual.instance();
    // A key set that could not even be copied in.
    let refused = instance.renew(&vec![1; Limits::DEFAULT.memory]);
    assert!(matches!(refused, Err(HostError::Trapped(_))), "{refused:?}");
    assert!(instance.is_spent());
    assert!(matches!(usual.verify(&mut instance, &usual.key, usual.now), Err(HostError::Spent)));
    assert!(matches!(instance.list(), Err(HostError::Spent)));
    assert!(usual.is_allowed(&mut other));
    assert!(usual.is_allowed(&mut usual.instance()));
}

#[test]
fn another_tenants_key_set_is_refused_and_knows_none_of_our_keys() {
    let usual = Usual::new();
    let mut instance = usual.instance();
    for (place, to) in [(2, 8), (3, 5), (7, 2)] {
        let mut theirs = usual.key_set.clone();
        theirs[place] = to;
        let refused = instance.renew(&theirs);
        assert!(
            matches!(refused, Err(HostError::KeySet(KeySetError::OtherKeySet))),
            "{place}: {refused:?}"
        );
    }
    assert!(usual.is_allowed(&mut instance));
    let mut theirs = usual.key_set.clone();
    theirs[2] = 8;
    let mut other = component().instance(&theirs).unwrap();
    let refused = usual.apply(&mut other);
    assert!(matches!(refused, Err(HostError::List(ListError::ForeignHead))), "{refused:?}");
    assert_eq!(denied(usual.verify(&mut other, &usual.key, usual.now)), "unknown_signing_key");
}

#[test]
fn a_newer_key_set_takes_over_with_the_list_that_is_there() {
    let usual = Usual::new();
    let mut instance = usual.instance();
    let mut newer = usual.key_set.clone();
    newer[7] += 1;
    instance.renew(&newer).unwrap();
    assert!(usual.is_allowed(&mut instance));
    assert_eq!(instance.key_set().unwrap().version, u32::from(newer[7]));
}

#[test]
fn a_question_is_answered_once_by_its_own_instance_about_its_own_key() {
    let usual = Usual::new();
    let (mut instance, mut other) = (usual.instance(), usual.instance());
    let strict = Required { strict: true, ..usual.required.clone() };
    let ask = |instance: &mut Instance, word| {
        instance.verify(&usual.key, &strict, usual.now, None, Refresh::NotTried, word)
    };
    let question = |instance: &mut Instance| match ask(instance, RegistryWord::NotAsked) {
        Ok(Verdict::AskRegistry(question)) => question,
        verdict => panic!("{verdict:?}"),
    };
    let asked = question(&mut instance);
    let claims = instance.claims(&asked).unwrap();
    let own = Alive {
        tenant: 7,
        audience: 2,
        key_id: claims.key_id,
        status_index: claims.status_index,
        subject: claims.subject,
        expires_at_s: claims.expires_at_s,
        narrowed: false,
        sequence: 9,
    };
    let alive = RegistryVerdict::Alive(own.clone());
    assert!(matches!(other.claims(&asked), Err(HostError::ForeignQuestion)));
    assert!(matches!(other.answered(asked, &alive), Err(HostError::ForeignQuestion)));
    for other in [
        Alive { key_id: "key_1111111111111111".to_owned(), ..own.clone() },
        Alive { status_index: own.status_index + 1, ..own.clone() },
        Alive { subject: "svc:other".to_owned(), ..own.clone() },
        Alive { expires_at_s: own.expires_at_s - 1, ..own.clone() },
        Alive { narrowed: true, ..own },
    ] {
        let asked = question(&mut instance);
        let refused = instance.answered(asked, &RegistryVerdict::Alive(other));
        assert!(matches!(refused, Err(HostError::AnotherKey)), "{refused:?}");
    }
    let asked = question(&mut instance);
    let confirmation = instance.answered(asked, &alive).unwrap();
    let foreign = ask(&mut other, RegistryWord::Answered(confirmation));
    assert!(matches!(foreign, Err(HostError::ForeignQuestion)), "{foreign:?}");
    let asked = question(&mut instance);
    let confirmation = instance.answered(asked, &alive).unwrap();
    assert!(matches!(
        ask(&mut instance, RegistryWord::Answered(confirmation)),
        Ok(Verdict::Allow(_))
    ));
    // Without an answer nothing is allowed.
    assert!(matches!(ask(&mut instance, RegistryWord::NotAsked), Ok(Verdict::AskRegistry(_))));
    assert_eq!(denied(ask(&mut instance, RegistryWord::Failed)), "registry_unavailable");
    assert!(usual.is_allowed(&mut instance) && usual.is_allowed(&mut other));
}

#[test]
fn questions_and_answers_that_nobody_holds_any_more_leave_nothing_behind() {
    let usual = Usual::new();
    // So little that ten thousand of anything would be too much.
    let bytes = wardkey_vectors::artefact("wardkey.verifying.component.wasm", "component");
    let little = Limits { memory: 1 << 20, ..Limits::DEFAULT };
    let mut instance =
        Component::compile(&bytes, little).unwrap().instance(&usual.key_set).unwrap();
    usual.apply(&mut instance).unwrap();
    let strict = Required { strict: true, ..usual.required.clone() };
    for number in 0..20_000 {
        let word = RegistryWord::NotAsked;
        let verdict =
            instance.verify(&usual.key, &strict, usual.now, None, Refresh::NotTried, word);
        let Ok(Verdict::AskRegistry(question)) = verdict else { panic!("{number}: {verdict:?}") };
        if number % 2 == 0 {
            drop(instance.answered(question, &RegistryVerdict::Revoked).unwrap());
        }
    }
    assert!(usual.is_allowed(&mut instance));
}

#[test]
fn a_call_that_is_cut_off_anywhere_allows_nothing_and_leaves_others_alone() {
    let usual = Usual::new();
    let whole = fuel(&usual);
    let (mut cut, mut allowed) = (0, 0);
    for share in 0..200 {
        let mut instance = usual.instance();
        instance.set_limits(Limits { call: whole * share / 180, byte: 0, ..Limits::DEFAULT });
        match usual.verify(&mut instance, &usual.key, usual.now) {
            Ok(Verdict::Allow(_)) => allowed += 1,
            Err(HostError::Trapped(why)) => {
                assert_eq!(why, "a call took more fuel than it may");
                assert!(instance.is_spent());
                instance.set_limits(Limits::DEFAULT);
                assert!(matches!(
                    usual.verify(&mut instance, &usual.key, usual.now),
                    Err(HostError::Spent)
                ));
                cut += 1;
            }
            other => panic!("{share}: {other:?}"),
        }
    }
    println!("a verification takes {whole} of fuel; {cut} were cut off, {allowed} were not");
    assert!(cut >= 170 && allowed >= 10, "{cut} {allowed}");
    assert!(usual.is_allowed(&mut usual.instance()));
}

#[test]
fn a_list_that_is_cut_off_anywhere_is_not_there() {
    let usual = Usual::new();
    for call in (0..20_000).step_by(400) {
        let mut instance = component().instance(&usual.key_set).unwrap();
        instance.set_limits(Limits { call, head: 0, byte: 0, ..Limits::DEFAULT });
        let applied = usual.apply(&mut instance);
        instance.set_limits(Limits::DEFAULT);
        match applied {
            Ok(()) => assert!(usual.is_allowed(&mut instance)),
            Err(HostError::Trapped(_)) => assert!(!usual.is_allowed(&mut instance)),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_hundred_instances_side_by_side_keep_to_themselves() {
    let usual = Usual::new();
    let mut all: Vec<Instance> = (0..100).map(|_| usual.instance()).collect();
    for instance in all.iter_mut().step_by(2) {
        instance.set_limits(Limits { call: 1_000, byte: 0, ..Limits::DEFAULT });
        assert!(usual.verify(instance, &usual.key, usual.now).is_err());
    }
    for (number, instance) in all.iter_mut().enumerate() {
        assert_eq!(usual.is_allowed(instance), number % 2 == 1, "{number}");
    }
}

#[test]
fn a_hundred_thousand_calls_take_no_more_memory_than_a_thousand() {
    let usual = Usual::new();
    // So little that anything which stayed would soon be too much.
    let bytes = wardkey_vectors::artefact("wardkey.verifying.component.wasm", "component");
    let little = Limits { memory: 2 << 20, ..Limits::DEFAULT };
    let component = Component::compile(&bytes, little).unwrap();
    let mut instance = component.instance(&usual.key_set).unwrap();
    for number in 0..100_000 {
        if number % 100 == 0 {
            usual.apply(&mut instance).unwrap();
            let _malformed =
                instance.apply_list(&[1; 4_096], Some(&[1; 4_096]), issued_at(&usual.head));
            let _malformed = instance.renew(&usual.key_set[1..]);
            instance.renew(&usual.key_set).unwrap();
        }
        let key = if number % 3 == 0 { &usual.key[1..] } else { &usual.key };
        assert!(usual.verify(&mut instance, key, usual.now).is_ok(), "{number}");
    }
    assert!(usual.is_allowed(&mut instance));
}

/// The least fuel that a verification is allowed with, by halving.
fn fuel(usual: &Usual) -> u64 {
    let (mut least, mut most) = (0, Limits::DEFAULT.call);
    while most - least > 100 {
        let middle = u64::midpoint(least, most);
        let mut instance = usual.instance();
        instance.set_limits(Limits { call: middle, byte: 0, ..Limits::DEFAULT });
        if usual.is_allowed(&mut instance) { most = middle } else { least = middle }
    }
    most
}

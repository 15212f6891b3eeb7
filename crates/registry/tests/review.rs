//! Security review: verifiers that follow the head's changes at any lag, over trimming and clock steps.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use rand_core::Rng as _;
use wardkey::{Adoption, Bounds, KeySet, List, State, UnverifiedHead, UnverifiedKey};
use wardkey_registry::{Call, Reply, RevokeRequest, Store, WireBytes};
use wardkey_testkit::{Book, authority, key_request, seeded_rng};

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bytes(bytes) => bytes.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn verifiers_follow_at_any_lag_over_trimming() {
    let book = Book::in_memory(9).unwrap();
    let admin = book.bootstrap().unwrap();
    let call = Call::AdmitVerifier {
        authority: authority(&admin, None),
        audience: Some("api".into()),
        has: Vec::new(),
    };
    let key_set = match book.ask(call).unwrap() {
        Reply::Verifier(material) => KeySet::parse(material.key_set.unwrap().as_bytes()).unwrap().0,
        other => panic!("{other:?}"),
    };
    let mut rng = seeded_rng(9);
    let mut lists: Vec<Option<List<Vec<u8>>>> = (0..8).map(|_| None).collect();
    let (mut dead, mut alive) = (BTreeSet::new(), BTreeSet::new());
    let (mut by_changes, mut by_state) = (0, 0);
    for step in 0..900_u32 {
        if step % 40 == 7 {
            let jump = u64::from(rng.next_u32() % 20_000);
            book.store
                .execute("UPDATE tenant SET next_index = next_index + ?", &[jump.into()])
                .unwrap();
        }
        let create = Call::CreateKey {
            authority: authority(&admin, None),
            request: key_request(&["reports:read"]),
        };
        let created = book.ask_created(create).unwrap();
        let text = created.key.unwrap();
        let index = UnverifiedKey::parse(text.secret_str()).unwrap().unproven_base().status_index.0;
        if rng.next_u32() % 4 != 0 {
            let call = Call::RevokeKey {
                authority: authority(&admin, None),
                key_id: created.view.key_id,
                request: RevokeRequest::default(),
            };
            book.ask(call).unwrap();
            dead.insert(index);
        } else {
            alive.insert(index);
        }
        match rng.next_u32() % 20 {
            0 => book.pass(700_000),
            1 => book.set_now(book.now().0 - 3_000),
            2..=8 => {}
            _ => book.pass(u64::from(rng.next_u32() % 3_000)),
        }
        for slot in 0..lists.len() {
            if rng.next_u32() % (1 << slot) != 0 {
                continue;
            }
            let head = bytes(book.ask(Call::Head).unwrap());
            let head = UnverifiedHead::parse(&head).unwrap().authenticate(&key_set).unwrap();
            // The registry's time may be ahead of a clock that stepped back.
            let now = book.now().max(head.head().issued_at());
            let list = &mut lists[slot];
            let adoption = List::adopt(list, &head, None, now, &Bounds::DEFAULT).unwrap();
            if adoption == Adoption::StateNeeded {
                by_state += 1;
                let digest = WireBytes::new(head.head().state_digest());
                let call = Call::State { sequence: head.head().sequence(), digest };
                let state = State::parse(&bytes(book.ask(call).unwrap())).unwrap();
                let adopted = List::adopt(list, &head, Some(state), now, &Bounds::DEFAULT);
                assert_eq!(adopted, Ok(Adoption::Adopted));
            } else {
                by_changes += 1;
            }
            let state = list.as_ref().unwrap().state();
            assert!(dead.iter().all(|index| state.is_dead(*index)));
            assert!(alive.iter().all(|index| !state.is_dead(*index)));
        }
    }
    println!("{by_changes} by changes, {by_state} by state");
}

/// design.md: a repeated create gives the key again only if "no registry path … has seen it".
#[test]
fn a_key_that_was_seen_narrowed_is_not_given_again() {
    let book = Book::in_memory(1).unwrap();
    let admin = book.bootstrap().unwrap();
    let call = || Call::CreateKey {
        authority: authority(&admin, Some("once")),
        request: wardkey_provision::KeyRequest {
            subject: "svc:part".into(),
            audience: "wardkey".into(),
            for_audiences: vec!["api".into()],
            ..key_request(&["keys:read"])
        },
    };
    let deputy = book.ask_created(call()).unwrap().key.unwrap().secret_str().to_owned();
    let until = wardkey::UnixSeconds(u32::try_from(book.now().0 / 1000 + 600).unwrap());
    let narrowing = wardkey::Narrowing { expires_at: Some(until), ..wardkey::Narrowing::default() };
    let narrowed = wardkey::narrow(&deputy, &narrowing).unwrap();
    let read =
        Call::ReadAudit { authority: authority(narrowed.secret_str(), None), after: 0, limit: 1 };
    assert_eq!(book.ask(read).unwrap_err(), wardkey_registry::RegistryError::NarrowedKey);
    assert!(
        book.ask_created(call()).unwrap().key.is_none(),
        "its tag has been in somebody's hands"
    );
}

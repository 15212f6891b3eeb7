//! The list says exactly what was revoked, in every version that a head has named.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use rand_core::Rng as _;
use wardkey::{Adoption, Bounds, Head, KeySet, List, State, UnverifiedHead};
use wardkey_registry::{RegistryError, RevokeRequest, Store as _};
use wardkey_testkit::{Acts as _, Tenant, id_of, index_of, key_request, seeded_rng};

fn key_set(tenant: &Tenant) -> KeySet {
    KeySet::parse(&tenant.key_set("api")).unwrap().0
}

fn head(tenant: &Tenant, key_set: &KeySet) -> Head {
    *UnverifiedHead::parse(&tenant.head()).unwrap().authenticate(key_set).unwrap().head()
}

fn state(tenant: &Tenant, head: &Head) -> Result<State<Vec<u8>>, RegistryError> {
    tenant.state(head.sequence(), &head.state_digest())
}

/// Makes a key and answers its id and status index.
fn make(tenant: &Tenant) -> (String, u32) {
    let key = tenant.key(key_request(&["reports:read"]));
    (id_of(&key), index_of(&key))
}

fn revoke(tenant: &Tenant, key_id: &str) {
    tenant.revoke(key_id, RevokeRequest::default()).unwrap();
}

#[test]
fn every_version_that_a_head_named_is_answered_as_it_was_for_ten_minutes() {
    const SEED: u64 = 20_261_123;
    println!("seed {SEED}");
    let tenant = Tenant::new();
    let key_set = key_set(&tenant);
    let mut rng = seeded_rng(SEED);
    let mut alive = BTreeMap::new();
    let mut dead = BTreeSet::new();
    let mut named = Vec::new();
    for step in 0..120_u32 {
        // Now and then as if tens of thousands of keys had been made: the list spans several chunks.
        if step % 17 == 5 {
            let jump = u64::from(rng.next_u32() % 70_000);
            tenant
                .book
                .store
                .execute("UPDATE tenant SET next_index = next_index + ?", &[jump.into()])
                .unwrap();
        }
        let (key_id, index) = make(&tenant);
        alive.insert(index, key_id);
        if step % 2 == 0 {
            let nth = rng.next_u32() as usize % alive.len();
            let index = *alive.keys().nth(nth).unwrap();
            let key_id = alive.remove(&index).unwrap();
            revoke(&tenant, &key_id);
            dead.insert(index);
            // Again: nothing changes.
            let before = head(&tenant, &key_set).sequence();
            revoke(&tenant, &key_id);
            assert_eq!(head(&tenant, &key_set).sequence(), before);
        }
        named.push((head(&tenant, &key_set), dead.clone()));
        tenant.book.pass(1_000);
    }
    let mut checked = 0;
    for (head, dead_then) in &named {
        let state = state(&tenant, head).unwrap();
        assert_eq!(state.digest(), head.state_digest(), "sequence {}", head.sequence());
        for index in alive.keys().chain(&dead) {
            assert_eq!(state.is_dead(*index), dead_then.contains(index), "index {index}");
            checked += 1;
        }
    }
    let versions: BTreeSet<u64> = named.iter().map(|(head, _)| head.sequence()).collect();
    println!("{} versions, {} indexes checked", versions.len(), checked);
    assert!(versions.len() > 50 && checked > 10_000);

    // Ten minutes after a version was superseded it is gone; the one in force stays.
    tenant.book.pass(600_001);
    let (newest, _) = named.last().unwrap();
    for (head, _) in &named {
        let answer = state(&tenant, head);
        if head.sequence() == newest.sequence() {
            assert!(answer.is_ok());
        } else {
            assert_eq!(answer.err(), Some(RegistryError::NotFound), "sequence {}", head.sequence());
        }
    }
}

#[test]
fn the_same_head_is_given_for_a_second_unless_a_mutation_comes_between() {
    let tenant = Tenant::new();
    let (key_id, _) = make(&tenant);
    let first = tenant.head();
    tenant.book.pass(999);
    assert_eq!(tenant.head(), first);
    tenant.book.pass(1);
    let later = tenant.head();
    assert_ne!(later, first);
    revoke(&tenant, &key_id);
    assert_ne!(tenant.head(), later);
}

#[test]
fn a_clock_that_steps_back_moves_neither_heads_nor_sequences_back() {
    let tenant = Tenant::new();
    let key_set = key_set(&tenant);
    let (key_id, _) = make(&tenant);
    let (other_id, _) = make(&tenant);
    tenant.book.pass(10_000);
    revoke(&tenant, &other_id);
    let before = head(&tenant, &key_set);
    // A sequence is never behind the clock: an object that is no longer the current one cannot
    // stamp old bits with a newer number.
    assert_eq!(before.sequence(), tenant.book.now().0);
    tenant.book.set_now(tenant.book.now().0 - 5_000_000);
    revoke(&tenant, &key_id);
    let after = head(&tenant, &key_set);
    assert!(after.sequence() > before.sequence());
    assert!(after.issued_at() >= before.issued_at());
}

#[test]
fn a_state_that_no_head_named_is_not_answered() {
    let tenant = Tenant::new();
    let head = head(&tenant, &key_set(&tenant));
    assert!(state(&tenant, &head).is_ok());
    let ask = |sequence, digest: [u8; 32]| tenant.state(sequence, &digest).err();
    assert_eq!(ask(head.sequence() + 1, head.state_digest()), Some(RegistryError::NotFound));
    assert_eq!(ask(head.sequence(), [0; 32]), Some(RegistryError::NotFound));
}

/// Eight verifiers that look now and then, over forgotten versions and a clock that steps back.
#[test]
fn verifiers_follow_at_any_lag_over_trimming() {
    let tenant = Tenant::new();
    let key_set = key_set(&tenant);
    let mut rng = seeded_rng(9);
    let mut lists: Vec<Option<List<Vec<u8>>>> = (0..8).map(|_| None).collect();
    let (mut dead, mut alive) = (BTreeSet::new(), BTreeSet::new());
    let (mut by_changes, mut by_state) = (0, 0);
    for step in 0..900_u32 {
        if step % 40 == 7 {
            let jump = u64::from(rng.next_u32() % 20_000);
            tenant
                .book
                .store
                .execute("UPDATE tenant SET next_index = next_index + ?", &[jump.into()])
                .unwrap();
        }
        let (key_id, index) = make(&tenant);
        if rng.next_u32().is_multiple_of(4) {
            alive.insert(index);
        } else {
            revoke(&tenant, &key_id);
            dead.insert(index);
        }
        match rng.next_u32() % 20 {
            0 => tenant.book.pass(700_000),
            1 => tenant.book.set_now(tenant.book.now().0 - 3_000),
            2..=8 => {}
            _ => tenant.book.pass(u64::from(rng.next_u32() % 3_000)),
        }
        for (slot, list) in lists.iter_mut().enumerate() {
            if !rng.next_u32().is_multiple_of(1 << slot) {
                continue;
            }
            let head = tenant.head();
            let head = UnverifiedHead::parse(&head).unwrap().authenticate(&key_set).unwrap();
            // The registry's time may be ahead of a clock that stepped back.
            let now = tenant.book.now().max(head.head().issued_at());
            let adoption = List::adopt(list, &head, None, now, &Bounds::DEFAULT).unwrap();
            if adoption == Adoption::StateNeeded {
                by_state += 1;
                let state = state(&tenant, head.head()).unwrap();
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
    assert!(by_changes > 1_000 && by_state > 50, "{by_changes} by changes, {by_state} by state");
}

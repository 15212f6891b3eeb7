//! What is dead leaves heads, and what has ended leaves key sets, when nobody can need it any more.

use wardkey::{KeySet, UnixMillis, UnverifiedHead};
use wardkey_provision::{AudiencePolicy, Policy, ScopePolicy};
use wardkey_registry::Store as _;
use wardkey_testkit::{Acts as _, Told, sequence_of, text_of, told};

use crate::verifier::verdict;
use crate::{DAY_MS, HOUR_MS, LONGEST_S, compromise, create, plan, tenant, tenant_with, windows};

#[test]
fn a_dead_id_leaves_the_head_when_no_head_without_it_can_be_in_force() {
    let tenant = tenant();
    compromise(&tenant, "api").unwrap();
    tenant.book.pass(10_000);
    compromise(&tenant, "jobs").unwrap();
    assert_eq!(told(&tenant.head()).dead, [(1, 1), (2, 1)]);
    let due = tenant.book.registry().next_due(tenant.book.now()).unwrap().unwrap();
    // The records are due before.
    assert!(due <= tenant.book.now().plus(HOUR_MS - 10_000));
    tenant.book.pass(HOUR_MS - 10_001);
    assert_eq!(told(&tenant.head()).dead, [(1, 1), (2, 1)]);
    let before = tenant.head();
    tenant.book.pass(1);
    // Nobody calls: the alarm does it.
    tenant.book.registry().apply_deadlines(tenant.book.now()).unwrap();
    let after = tenant.head();
    assert_eq!(told(&after).dead, [(2, 1)]);
    assert!(
        sequence_of(&after) > sequence_of(&before),
        "what a head says changes with its sequence alone"
    );
    // A clock that steps back brings nothing back.
    tenant.book.set_now(tenant.book.now().0 - HOUR_MS);
    assert_eq!(told(&tenant.head()).dead, [(2, 1)]);
    tenant.book.pass(HOUR_MS + 10_000);
    assert_eq!(told(&tenant.head()).dead, Vec::new());
    let key_set = KeySet::parse(&tenant.key_set("api")).unwrap().0;
    assert_eq!(key_set.version(), 2, "its leaving is none of the key set's business");
}

#[test]
fn an_epoch_leaves_key_sets_a_day_after_its_last_key_could_expire() {
    let tenant = tenant();
    plan(&tenant, "api").unwrap();
    let end_ms = u64::from(tenant.second() + 7199 + LONGEST_S) * 1000 + DAY_MS;
    tenant.book.set_now(end_ms - 1);
    let held = tenant.key_set("api");
    let version = |bytes: &[u8]| KeySet::parse(bytes).unwrap().0.version();
    assert_eq!(version(&held), 2);
    assert_eq!(windows(&tenant, 1).len(), 2);
    // All records are written: what is due next is the end of the epoch.
    tenant.book.store.execute("DELETE FROM outbox", &[]).unwrap();
    assert_eq!(
        tenant.book.registry().next_due(tenant.book.now()).unwrap(),
        Some(UnixMillis(end_ms))
    );
    tenant.book.pass(1);
    tenant.book.registry().apply_deadlines(tenant.book.now()).unwrap();
    assert_eq!(tenant.book.registry().next_due(tenant.book.now()).unwrap(), None);
    let without = tenant.key_set("api");
    assert_eq!(version(&without), 3);
    assert!(without.len() < held.len());
    assert_eq!(told(&tenant.head()).audiences, [(1, 3, 1), (2, 1, 1)]);
    assert_eq!(windows(&tenant, 1).len(), 1);
    let retired: Vec<_> =
        tenant.entries().into_iter().filter(|entry| entry.action == "signing_key.retire").collect();
    assert_eq!(retired.len(), 1);
    assert_eq!((retired[0].audience, retired[0].target.as_deref()), (1, Some("epoch 1")));
    // Its number is not given again.
    assert_eq!(plan(&tenant, "api").unwrap().epoch, 3);
}

#[test]
fn the_head_of_64_audiences_stays_within_4_kb_whatever_dies_in_them() {
    let scope = ScopePolicy { number: 0, name: "reports:read".into(), risk: "low".into() };
    let audience = |number: u8| AudiencePolicy {
        number,
        name: format!("a{number}"),
        scopes: vec![scope.clone()],
        max_lifetime_s: LONGEST_S,
        ..AudiencePolicy::default()
    };
    let policy = Policy {
        environment: "live".into(),
        brand: "wk".into(),
        audiences: (192..=255).map(audience).collect(),
        ..Policy::default()
    };
    let tenant = tenant_with(policy);
    let last = create(&tenant, "a255", 3600);
    // Eight live in each.
    for number in 192..=255_u8 {
        for epoch in 2..=8_u8 {
            let sql =
                "INSERT INTO signing_key (audience, epoch, mint_from, mint_until, verify_until)
                       VALUES (?, ?, 4000000000, 4000000000, 4000000000)";
            tenant.book.store.execute(sql, &[number.into(), epoch.into()]).unwrap();
        }
    }
    let mut longest = 0;
    for round in 0..4_usize {
        for number in 192..=255_u8 {
            let rotated = compromise(&tenant, &format!("a{number}")).unwrap();
            assert_eq!(rotated.dead_epochs.len(), if round == 0 { 8 } else { 1 });
            let head = tenant.head();
            longest = longest.max(head.len());
            assert!(head.len() <= wardkey::MAX_HEAD_LEN, "{} bytes", head.len());
            UnverifiedHead::parse(&head).unwrap();
            let Told { audiences, dead } = told(&head);
            assert_eq!(audiences.len(), 64);
            assert!(dead.len() <= 512);
            for epoch in rotated.dead_epochs {
                assert!(dead.contains(&(number, epoch)), "what died last is named");
            }
        }
        assert_eq!(told(&tenant.head()).dead.len(), 512);
    }
    println!("longest head: {longest} bytes");
    assert!(longest > 2_900);
    // A key that died in the first round and is named no more verifies nowhere all the same.
    let key = text_of(&last);
    let key_set = tenant.key_set("a255");
    assert_eq!(verdict(&tenant, &key_set, None, &key), "unknown_signing_key");
    assert_eq!(tenant.word(&key), "revoked");
}

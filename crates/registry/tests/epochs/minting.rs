//! Which epoch mints at a second, and how long what it minted verifies.

use rand_core::Rng as _;
use wardkey::KeySet;
use wardkey_provision::{KeyRequest, Policy};
use wardkey_registry::{Conflict, RegistryError, RotateSigningKeysRequest, Store as _, Value};
use wardkey_testkit::{
    Acts as _, api_policy, epoch_of, index_of, key_request, rule_and_detail, seeded_rng, text_of,
    told,
};

use crate::verifier::verdict;
use crate::{DAY_MS, LONGEST_S, compromise, create, plan, planned, tenant, tenant_with, windows};

#[test]
fn exactly_one_epoch_mints_at_every_second_whatever_is_planned_declared_or_set_back() {
    const SEED: u64 = 20_261_125;
    println!("seed {SEED}");
    let tenant = tenant();
    let mut rng = seeded_rng(SEED);
    let (mut planned_times, mut killed_times, mut refused) = (0, 0, 0);
    let (mut rotations, mut latest) = ([0_u32; 3], tenant.second());
    for _ in 0..400 {
        let at = rng.next_u32() as usize % 3;
        let audience = ["wardkey", "api", "jobs"][at];
        match rng.next_u32() % 10 {
            // Audience 0 is not killed here: that ends the one who asks.
            0 | 1 if audience != "wardkey" && rotations[at] < 250 => {
                compromise(&tenant, audience).unwrap();
                rotations[at] += 1;
                killed_times += 1;
            }
            0..=4 if rotations[at] < 250 => {
                let wait = Some(7200 + rng.next_u32() % 100_000);
                let request = RotateSigningKeysRequest { mint_from_in_s: wait, ..planned() };
                match tenant.rotate_signing_keys(audience, request) {
                    Ok(_) => {
                        rotations[at] += 1;
                        planned_times += 1;
                    }
                    Err(RegistryError::Conflict { conflict, .. }) => {
                        assert!(matches!(
                            conflict,
                            Conflict::EpochPending | Conflict::TooManyEpochs
                        ));
                        refused += 1;
                    }
                    Err(other) => panic!("{other:?}"),
                }
            }
            5 => tenant.book.set_now(tenant.book.now().0 - u64::from(rng.next_u32() % 20_000_000)),
            6 => tenant.book.pass(u64::from(rng.next_u32() % 30) * DAY_MS),
            _ => tenant.book.pass(u64::from(rng.next_u32() % 20_000_000)),
        }
        let key = text_of(&create(&tenant, ["api", "jobs"][at % 2], 3600));
        assert_eq!(tenant.word(&key), "alive");
        assert_eq!(verdict(&tenant, &tenant.key_set(["api", "jobs"][at % 2]), None, &key), "allow");
        latest = latest.max(tenant.second());
        for audience in 0..3 {
            let windows = windows(&tenant, audience);
            assert!(windows.len() <= 8);
            assert!(windows.windows(2).all(|pair| pair[0].1 < pair[1].0), "no overlap");
            // An epoch whose keys were short-lived may retire before an earlier one: that gap is past.
            let from_now = windows.iter().filter(|window| window.1 >= latest).collect::<Vec<_>>();
            assert!(from_now[0].0 <= latest, "somebody mints now");
            assert!(from_now.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "no gap");
            assert_eq!(from_now.last().unwrap().1, u32::MAX, "the last one is open");
        }
    }
    println!("{planned_times} planned, {killed_times} compromised, {refused} refused");
    assert!(planned_times > 40 && killed_times > 30 && refused > 10);
}

#[test]
fn keys_of_the_last_and_of_the_first_second_verify_as_far_as_key_sets_know_their_epochs() {
    let tenant = tenant();
    let first_set = tenant.key_set("api");
    let start = tenant.second();
    let rotated = plan(&tenant, "api").unwrap();
    let mint_from = start + 7200;
    assert_eq!((rotated.epoch, rotated.key_set_version), (2, Some(2)));
    assert_eq!((rotated.least_key_set_version, rotated.keys_to_reissue), (Some(1), 0));
    let [old, new] = rotated.epochs.as_slice() else { panic!("{:?}", rotated.epochs) };
    assert_eq!((old.mint_until, new.mint_from), (Some(mint_from - 1), mint_from));
    assert_eq!(old.verify_until, Some(mint_from - 1 + LONGEST_S));
    assert_eq!((new.mint_until, new.verify_until), (None, None));
    // The entry is in key sets two hours before its first mint; another audience notices nothing.
    let second_set = tenant.key_set("api");
    assert_eq!(KeySet::parse(&second_set).unwrap().0.version(), 2);
    assert_eq!(KeySet::parse(&tenant.key_set("jobs")).unwrap().0.version(), 1);
    assert_eq!(told(&tenant.head()).audiences, [(1, 2, 1), (2, 1, 1)]);

    tenant.book.set_now(u64::from(mint_from) * 1000 - 1);
    let last = text_of(&create(&tenant, "api", LONGEST_S));
    tenant.book.pass(1);
    let first = text_of(&create(&tenant, "api", LONGEST_S));
    assert_eq!((epoch_of(&last), epoch_of(&first)), (1, 2));
    for (set, key, expected) in [
        (&second_set, &last, "allow"),
        (&second_set, &first, "allow"),
        (&first_set, &last, "allow"),
        // One that missed two hours of heads: it is below the current edition, not below the least.
        (&first_set, &first, "unknown_signing_key"),
    ] {
        assert_eq!(verdict(&tenant, set, None, key), expected);
    }
    for key in [&last, &first] {
        assert_eq!(tenant.word(key), "alive");
    }
    // To the last second that the key of the last second may live it is inside its window.
    tenant.book.set_now(u64::from(mint_from - 1 + LONGEST_S) * 1000 - 1);
    assert_eq!(verdict(&tenant, &second_set, None, &last), "allow");
    tenant.book.pass(1);
    assert_eq!(verdict(&tenant, &second_set, None, &last), "expired");
}

#[test]
fn an_old_epoch_verifies_as_long_as_the_longest_key_that_it_signed() {
    let mut policy = api_policy().unwrap();
    policy.audiences[0].max_lifetime_s = 3600;
    let tenant = tenant_with(policy);
    let key = text_of(&create(&tenant, "api", 3600));
    // As if an earlier policy had allowed longer lifetimes.
    let expiry = tenant.second() + 5_000_000;
    let sql = "UPDATE generation SET expires_at = ? WHERE epoch = 1 AND status_index = ?";
    tenant.book.store.execute(sql, &[expiry.into(), index_of(&key).into()]).unwrap();
    assert_eq!(plan(&tenant, "api").unwrap().epochs[0].verify_until, Some(expiry));
    assert_eq!(
        plan(&tenant, "jobs").unwrap().epochs[0].verify_until,
        Some(tenant.second() + 7199 + LONGEST_S)
    );
}

#[test]
fn a_key_that_would_outlive_its_signing_key_is_not_made() {
    let tenant = tenant();
    plan(&tenant, "api").unwrap();
    // As if a later policy had allowed longer lifetimes meanwhile.
    let mut policy = api_policy().unwrap();
    policy.audiences[0].max_lifetime_s = 2 * LONGEST_S;
    let policy = stored(policy);
    tenant.book.store.execute("UPDATE tenant SET policy = ?", &[policy.into()]).unwrap();
    let ask =
        |expires_in| tenant.create(KeyRequest { expires_in, ..key_request(&["reports:read"]) });
    assert!(ask(LONGEST_S + 7199).is_ok());
    let (rule, detail) = rule_and_detail(ask(LONGEST_S + 7200));
    assert_eq!(rule, "signing_key_ends");
    assert!(detail.contains(&(tenant.second() + 7200).to_string()), "{detail}");
    tenant.book.pass(7_200_000);
    assert!(ask(2 * LONGEST_S).is_ok());
}

/// The policy as the registry keeps it, by another tenant.
fn stored(policy: Policy) -> String {
    let other = tenant_with(policy);
    match other.book.store.query("SELECT policy FROM tenant", &[]).unwrap()[0].0[0].clone() {
        Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

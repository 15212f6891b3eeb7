//! Every mutation is all or nothing, whatever fails after whichever write.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use wardkey_provision::{AudiencePolicy, KeyRequest};
use wardkey_registry::{
    Call, DestroyRequest, Fault, FaultyStore, GenerationState, RegistryError, RevokeRequest,
    RotateSigningKeysRequest,
};
use wardkey_testkit::{
    Acts as _, Book, Tenant, admin_request, api_policy, authority, bootstrap_call, id_of,
    key_request, key_set_policy, text_of,
};

/// Plants a fault after each write of a call until one run meets none; before each, nothing may be left.
fn all_or_nothing(prepare: impl Fn() -> (Book, Box<dyn Fn() -> Call>)) -> u32 {
    let mut writes = 0;
    for fault in [Fault::Error, Fault::Panic] {
        let mut after = 1;
        while fails_whole(&prepare, fault, after) {
            after += 1;
        }
        writes = after - 1;
    }
    writes
}

/// Whether the fault was met; if so, the call has failed, left nothing, and succeeds when it is repeated.
fn fails_whole(
    prepare: &impl Fn() -> (Book, Box<dyn Fn() -> Call>),
    fault: Fault,
    after: u32,
) -> bool {
    let (book, call) = prepare();
    let before = book.store.dump().unwrap();
    let faulty = FaultyStore::new(&book.store, fault, after);
    let outcome = catch_unwind(AssertUnwindSafe(|| book.ask_through(&faulty, call())));
    if !faulty.has_failed() {
        assert!(matches!(outcome, Ok(Ok(_))), "without a fault the call succeeds");
        assert_ne!(book.store.dump().unwrap(), before, "and changes something");
        return false;
    }
    assert!(!matches!(outcome, Ok(Ok(_))), "{fault:?} after write {after} is no success");
    assert_eq!(book.store.dump().unwrap(), before, "{fault:?} after write {after} leaves nothing");
    assert!(book.ask(call()).is_ok(), "{fault:?} after write {after}, repeated");
    true
}

/// A tenant with its administrator, as a call takes them along.
fn a_book() -> (Book, String) {
    let Tenant { book, admin } = Tenant::new();
    (book, admin)
}

#[test]
fn a_bootstrap_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let book = Book::in_memory(1).unwrap();
        (book, Box::new(|| bootstrap_call(1, [7; 32], Some(api_policy().unwrap()), Some("boot"))))
    });
    assert!(writes > 20, "{writes} writes");
}

#[test]
fn a_create_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, admin) = a_book();
        let call = move || Call::CreateKey {
            authority: authority(&admin, Some("once")),
            request: key_request(&["reports:read"]),
        };
        (book, Box::new(call))
    });
    assert!(writes >= 8, "{writes} writes");
}

#[test]
fn a_revoke_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let tenant = Tenant::new();
        let key_id = id_of(&tenant.key(key_request(&["reports:read"])));
        let Tenant { book, admin } = tenant;
        let call = move || Call::RevokeKey {
            authority: authority(&admin, Some("once")),
            key_id: key_id.clone(),
            request: RevokeRequest { reason: Some("leaked".into()), ..RevokeRequest::default() },
        };
        (book, Box::new(call))
    });
    assert!(writes >= 8, "{writes} writes");
}

fn rotation(audience: &'static str, compromised: bool) -> (Book, Box<dyn Fn() -> Call>) {
    let tenant = Tenant::new();
    for _ in 0..2 {
        tenant.create(key_request(&["reports:read"])).unwrap();
    }
    let Tenant { book, admin } = tenant;
    let request =
        RotateSigningKeysRequest { compromised, mint_from_in_s: None, reason: None, force: true };
    let call = move || Call::RotateSigningKeys {
        authority: authority(&admin, Some("once")),
        audience: audience.into(),
        request: request.clone(),
    };
    (book, Box::new(call))
}

#[test]
fn a_rotation_of_signing_keys_is_all_or_nothing() {
    for (audience, compromised) in
        [("api", false), ("api", true), ("wardkey", false), ("wardkey", true)]
    {
        let writes = all_or_nothing(|| rotation(audience, compromised));
        println!("{audience}, compromised {compromised}: {writes} writes");
        assert!(writes >= 7, "{writes} writes");
    }
}

#[test]
fn the_taking_of_a_key_set_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let tenant = Tenant::with(key_set_policy().unwrap());
        let verifier = tenant.key(admin_request("svc:billing", &["verifier:key-set"], &["api"]));
        let call = move || Call::ReadKeySet {
            authority: authority(&verifier, None),
            audience: None,
            has: Vec::new(),
        };
        (tenant.book, Box::new(call))
    });
    // Never the key set without its entry.
    assert!(writes >= 4, "{writes} writes");
}

#[test]
fn a_rewrapping_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, admin) = a_book();
        (book, Box::new(move || Call::RewrapRoot { authority: authority(&admin, Some("once")) }))
    });
    assert!(writes >= 3, "{writes} writes");
}

#[test]
fn the_end_of_a_tenant_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, admin) = a_book();
        let call = move || Call::DestroyTenant {
            authority: authority(&admin, Some("once")),
            request: DestroyRequest { confirm: 1, reason: None },
        };
        (book, Box::new(call))
    });
    assert!(writes >= 7, "{writes} writes");
}

#[test]
fn the_deadlines_of_signing_keys_are_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, call) = rotation("api", true);
        book.ask(call()).unwrap();
        book.pass(3_600_000);
        (book, Box::new(|| Call::Head))
    });
    assert!(writes >= 6, "{writes} writes");
}

#[test]
fn a_replacement_of_the_policy_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, admin) = a_book();
        let mut policy = api_policy().unwrap();
        policy.audiences.pop();
        policy.audiences[0].scopes[0].risk = "strict".into();
        policy.audiences.push(AudiencePolicy {
            number: 3,
            name: "mail".into(),
            ..policy.audiences[0].clone()
        });
        let call = move || Call::ReplacePolicy {
            authority: authority(&admin, Some("once")),
            version: 1,
            policy: policy.clone(),
        };
        (book, Box::new(call))
    });
    assert!(writes >= 20, "{writes} writes");
}

#[test]
fn a_head_is_all_or_nothing() {
    let writes = all_or_nothing(|| {
        let (book, _) = a_book();
        book.pass(5_000);
        (book, Box::new(|| Call::Head))
    });
    // The head, the registry's time, and that its state is to be copied to KV.
    assert_eq!(writes, 5);
}

#[test]
fn a_repeated_create_gives_the_same_key_until_it_was_seen() {
    let tenant = Tenant::new();
    let create = || tenant.once("once").create(key_request(&["reports:read"])).unwrap();
    let (first, again) = (create(), create());
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.view, again.view);
    assert_eq!(text_of(&first), text_of(&again));
    let reused = tenant.once("once").create(key_request(&["status:read"])).unwrap_err();
    assert_eq!(reused, RegistryError::IdempotencyKeyReused);
    tenant.book.pass(600_001);
    let late = create();
    assert!(late.repeated && late.key.is_none());
}

#[test]
fn a_request_is_remembered_for_24_hours_and_then_is_a_new_one() {
    let tenant = Tenant::lasting(api_policy().unwrap(), 30 * 24 * 3600);
    let request = KeyRequest { expires_in: 20 * 24 * 3600, ..key_request(&["reports:read"]) };
    let create = || tenant.once("once").create(request.clone()).unwrap();
    let first = create();
    tenant.book.pass(24 * 3_600_000 - 1);
    let again = create();
    assert!(again.repeated);
    assert_eq!(again.view.key_id, first.view.key_id);
    tenant.book.pass(1);
    let new = create();
    assert!(!new.repeated);
    assert_ne!(new.view.key_id, first.view.key_id);
}

#[test]
fn a_repeated_create_answers_the_key_as_it_is_now() {
    let tenant = Tenant::new();
    let create = || tenant.once("once").create(key_request(&["reports:read"])).unwrap();
    let first = create();
    tenant.revoke(&first.view.key_id, RevokeRequest::default()).unwrap();
    let again = create();
    assert!(again.key.is_none());
    assert_eq!(again.view.generations[0].state, GenerationState::Revoked);
}

#[test]
fn an_idempotency_key_belongs_to_one_act_on_one_key_of_one_actor() {
    let tenant = Tenant::new();
    let make = || id_of(&tenant.key(key_request(&["reports:read"])));
    let revoke = |credential: &str, key_id: &str| {
        tenant.by(credential).once("once").revoke(key_id, RevokeRequest::default())
    };
    let (one, two) = (make(), make());
    assert!(revoke(&tenant.admin, &one).is_ok());
    assert_eq!(revoke(&tenant.admin, &two).unwrap_err(), RegistryError::IdempotencyKeyReused);
    let other = tenant.key(admin_request("svc:billing", &["keys:revoke"], &["api"]));
    assert!(revoke(&other, &two).is_ok(), "another actor's key of the same name is another");
}

#[test]
fn every_mutation_keeps_the_time_that_no_later_one_is_before() {
    let tenant = Tenant::new();
    let created_at = || tenant.create(key_request(&["reports:read"])).unwrap().view.created_at_ms;
    tenant.book.pass(50_000);
    let first = created_at();
    tenant.book.set_now(first - 40_000);
    assert_eq!(created_at(), first);
}

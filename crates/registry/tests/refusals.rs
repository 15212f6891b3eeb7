//! What refusals leave in the log: each of a few, and of very many how many they were.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use wardkey_provision::KeyRequest;
use wardkey_registry::{AuditEntry, RegistryError, RevokeRequest, Store as _};
use wardkey_testkit::{Acts as _, Caller, Tenant, admin_request, id_of, key_request};

const MINUTE: u64 = 60_000;
const MOST: usize = 10;

fn refusals(tenant: &Tenant, action: &str) -> Vec<AuditEntry> {
    let entries = tenant.entries().into_iter();
    entries.filter(|entry| entry.outcome == "refused" && entry.action == action).collect()
}

/// Asks so many times for what it may not do.
fn knock(caller: &Caller<'_>, times: usize) {
    for _ in 0..times {
        let refused = caller.create(key_request(&["reports:read"])).unwrap_err();
        assert!(matches!(refused, RegistryError::MissingScope { .. }), "{refused:?}");
    }
}

fn tenant_and_knockers() -> (Tenant, [String; 2]) {
    let tenant = Tenant::new();
    let request = |subject| -> KeyRequest { admin_request(subject, &["keys:read"], &["api"]) };
    let keys = ["svc:low", "svc:other"].map(|subject| tenant.key(request(subject)));
    (tenant, keys)
}

#[test]
fn whoever_is_refused_without_end_leaves_ten_entries_a_minute_and_the_number_of_the_others() {
    let (tenant, [low, other]) = tenant_and_knockers();
    let began = tenant.book.now();
    knock(&tenant.by(&low), 35);
    assert_eq!(refusals(&tenant, "key.create").len(), MOST);
    // Every act and every actor by itself.
    tenant.by(&low).revoke(&id_of(&other), RevokeRequest::default()).unwrap_err();
    assert_eq!(refusals(&tenant, "key.revoke").len(), 1);
    knock(&tenant.by(&other), 1);
    assert_eq!(refusals(&tenant, "key.create").len(), MOST + 1);
    let rows = "SELECT count(*) FROM refusal_count";
    assert_eq!(tenant.number(rows), 3);

    // The minute ends by itself: nobody needs to be refused again.
    tenant.book.store.execute("DELETE FROM outbox", &[]).unwrap();
    let registry = tenant.book.registry();
    assert!(
        registry.next_due(tenant.book.now()).unwrap().is_some_and(|due| due <= began.plus(MINUTE))
    );
    tenant.book.pass(MINUTE);
    registry.apply_deadlines(tenant.book.now()).unwrap();
    let entries = refusals(&tenant, "key.create");
    assert_eq!(entries.len(), MOST + 2);
    let counted = entries.last().unwrap();
    assert_eq!(counted.reason.as_deref(), Some("refusals_withheld: 25"));
    let actor = counted.actor.as_ref().unwrap();
    assert_eq!((actor.subject.as_str(), &actor.key_id), ("svc:low", &id_of(&low)));
    assert_eq!((counted.audience, counted.target.as_deref()), (0, None));
    assert_eq!(counted.at_ms, tenant.book.now().0);
    // The other two had none to tell; and nothing of that minute is left.
    assert_eq!(refusals(&tenant, "key.revoke").len(), 1);
    assert_eq!(tenant.number(rows), 0);
}

#[test]
fn the_next_refusal_after_a_minute_tells_what_the_one_before_withheld() {
    let (tenant, [low, _]) = tenant_and_knockers();
    knock(&tenant.by(&low), MOST + 1);
    tenant.book.pass(MINUTE - 1);
    knock(&tenant.by(&low), 1);
    assert_eq!(refusals(&tenant, "key.create").len(), MOST);
    tenant.book.pass(1);
    knock(&tenant.by(&low), MOST);
    let reasons: Vec<_> =
        refusals(&tenant, "key.create").into_iter().map(|entry| entry.reason.unwrap()).collect();
    let [few, told, again] = [&reasons[..MOST], &reasons[MOST..=MOST], &reasons[MOST + 1..]];
    assert_eq!(told, ["refusals_withheld: 2"]);
    assert!(
        [few, again]
            .iter()
            .all(|ten| ten.len() == MOST && ten.iter().all(|one| one == "scope_missing"))
    );
    // Nothing is told of a minute that withheld nothing.
    tenant.book.pass(MINUTE);
    knock(&tenant.by(&low), 1);
    assert_eq!(refusals(&tenant, "key.create").len(), 2 * MOST + 2);
}

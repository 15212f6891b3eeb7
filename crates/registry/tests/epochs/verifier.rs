//! A verifier with a key set and the list, as the core has it.

use wardkey::{
    Adoption, Bounds, Decision, KeySet, List, Query, Refresh, Registry, Requirement,
    UnverifiedHead, verify,
};
use wardkey_testkit::Tenant;

/// The list that a verifier with a key set has after a refresh now.
pub(crate) fn list(tenant: &Tenant, key_set: &KeySet) -> List<Vec<u8>> {
    let head = tenant.head();
    let state = tenant.state_of(&head);
    let head = UnverifiedHead::parse(&head).unwrap().authenticate(key_set).unwrap();
    let mut list = None;
    let now = tenant.book.now().max(head.head().issued_at());
    let adopted = List::adopt(&mut list, &head, Some(state), now, &Bounds::DEFAULT);
    assert_eq!(adopted, Ok(Adoption::Adopted));
    list.unwrap()
}

/// What the core says of a key, with a key set and a list or the newest.
pub(crate) fn verdict(
    tenant: &Tenant,
    key_set: &[u8],
    list: Option<&List<Vec<u8>>>,
    key: &str,
) -> &'static str {
    let (key_set, catalog) = KeySet::parse(key_set).unwrap();
    let required = Requirement::all_of(&catalog, ["reports:read"]).unwrap();
    let newest;
    let list = match list {
        Some(list) => list,
        None => {
            newest = self::list(tenant, &key_set);
            &newest
        }
    };
    let query = Query {
        required: &required,
        // A verifier's clock does not step back with the registry's.
        now: tenant.book.now().max(list.head().issued_at()),
        caller: None,
        refresh: Refresh::Failed,
        registry: Registry::NotAsked,
    };
    match verify(&key_set, Some(list), key, query) {
        Decision::Allow(_) => "allow",
        Decision::Deny(denial) => denial.reason.as_str(),
        Decision::Ask(_) => "ask",
    }
}

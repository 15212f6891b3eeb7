//! What people note down of a key: changed at once, and what it is found by.

use std::collections::{BTreeMap, BTreeSet};

use wardkey_provision::KeyRequest;
use wardkey_registry::{
    Conflict, Fault, FaultyStore, ListRequest, Registry, Store as _, UpdateRequest,
};
use wardkey_testkit::{
    Acts as _, Tenant, conflict, field, fixed_root, id_of, key_request, text_of,
};

fn change(json: &str) -> UpdateRequest {
    serde_json::from_str(json).unwrap()
}

#[test]
fn notes_are_changed_at_once_and_what_stands_inside_the_key_is_not() {
    let tenant = Tenant::new();
    let created = tenant
        .create(KeyRequest {
            name: Some("nightly".into()),
            tags: vec!["b".into(), "a".into()],
            meta: BTreeMap::from([("ticket".into(), "OPS-1".into())]),
            ..key_request(&["reports:read"])
        })
        .unwrap();
    let id = created.view.key_id.as_str();
    assert_eq!(created.view.tags, ["a", "b"]);
    let view = tenant.update(id, change(r#"{"owner":"team:data","tags":["c"]}"#)).unwrap();
    assert_eq!(view.name.as_deref(), Some("nightly"));
    assert_eq!((view.owner.as_str(), view.tags.as_slice()), ("team:data", &["c".to_owned()][..]));
    assert_eq!(view.meta["ticket"], "OPS-1");
    assert_eq!(tenant.update(id, change(r#"{"name":null}"#)).unwrap().name, None);
    for inside in [
        r#"{"scopes":["reports:write"]}"#,
        r#"{"expires_in":60}"#,
        r#"{"expires_at":1}"#,
        r#"{"owner":"x","constraints":{}}"#,
    ] {
        assert_eq!(
            conflict(tenant.update(id, change(inside))),
            Conflict::NeedsRotation,
            "{inside}"
        );
    }
    for unknown in [r#"{"subject":"svc:eve"}"#, r#"{"audience":"jobs"}"#, r#"{"x":1}"#] {
        assert!(serde_json::from_str::<UpdateRequest>(unknown).is_err(), "{unknown}");
    }
    let pasted = format!(r#"{{"owner":"{}"}}"#, text_of(&created));
    assert_eq!(field(tenant.update(id, change(&pasted))), "owner");
}

#[test]
fn keys_are_found_by_audience_subject_and_tag_page_by_page() {
    let tenant = Tenant::new();
    for n in 0..7 {
        tenant
            .create(KeyRequest {
                subject: format!("svc:{}", n % 2),
                audience: if n < 5 { "api".into() } else { "jobs".into() },
                tags: vec![format!("t{}", n % 3)],
                ..key_request(&["reports:read"])
            })
            .unwrap();
    }
    let all = |request: ListRequest| {
        let (mut found, mut after) = (vec![], None);
        loop {
            let page = tenant.list(ListRequest { after, ..request.clone() }).unwrap();
            assert!(page.keys.len() <= request.limit as usize);
            found.extend(page.keys.into_iter().map(|key| key.key_id));
            after = page.next_after;
            if after.is_none() {
                return found;
            }
        }
    };
    let everything = all(ListRequest { limit: 3, ..ListRequest::default() });
    assert_eq!(everything.len(), 8, "the administrator's own included");
    assert!(everything.is_sorted());
    let some = |text: &str| Some(text.to_owned());
    let count = |request: ListRequest| all(ListRequest { limit: 2, ..request }).len();
    assert_eq!(count(ListRequest { audience: some("jobs"), ..Default::default() }), 2);
    assert_eq!(count(ListRequest { subject: some("svc:1"), ..Default::default() }), 3);
    assert_eq!(count(ListRequest { tag: some("t0"), ..Default::default() }), 3);
    let both = ListRequest { subject: some("svc:0"), tag: some("t0"), ..Default::default() };
    assert_eq!(count(both.clone()), 2);
    assert_eq!(count(ListRequest { audience: some("jobs"), ..both.clone() }), 1);
    assert_eq!(count(ListRequest { audience: some("wardkey"), ..both }), 0);
    for (request, expected) in [
        (ListRequest { audience: some("other"), ..Default::default() }, "audience"),
        (ListRequest { after: some("key_x"), ..Default::default() }, "after"),
        (ListRequest { subject: some("Svc"), ..Default::default() }, "subject"),
        (ListRequest { tag: some("a\u{7}"), ..Default::default() }, "tag"),
        (ListRequest { tag: some(&"x".repeat(65)), ..Default::default() }, "tag"),
    ] {
        let request = ListRequest { limit: 1, ..request };
        assert_eq!(field(tenant.list(request)), expected);
    }
}

/// The index of tags says what the keys say, whoever has written them: this version, one before it, or both at once.
#[test]
fn keys_of_a_book_from_before_are_found_by_their_tags_and_those_that_it_still_writes() {
    let tenant = Tenant::new();
    let tagged = |tags: &[&str]| {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        id_of(&tenant.key(KeyRequest { tags, ..key_request(&["reports:read"]) }))
    };
    let (first, second) = (tagged(&["a", "b"]), tagged(&["b"]));
    forget_tags(&tenant);
    let old = |sql: &str, id: &str| tenant.book.store.execute(sql, &[id.into()]).unwrap();
    let found = |tag: &str| {
        let request = ListRequest { tag: Some(tag.into()), limit: 9, ..ListRequest::default() };
        let page = tenant.list(request).unwrap();
        page.keys.into_iter().map(|key| key.key_id).collect::<BTreeSet<_>>()
    };
    let ids = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
    // What the version before did before the step was taken.
    old("UPDATE key SET tags = '[\"c\"]' WHERE id = ?", &second);
    assert_eq!(found("a"), ids(&[&first]));
    assert_eq!((found("b"), found("c")), (ids(&[&first]), ids(&[&second])));
    // And what an object of it does afterwards.
    old("UPDATE key SET tags = '[\"a\",\"c\"]', name = 'x' WHERE id = ?", &second);
    assert_eq!((found("a"), found("c")), (ids(&[&first, &second]), ids(&[&second])));
    let third = "key_00000000000000ff".to_owned();
    old(
        "INSERT INTO key (id, subject, audience, owner, created_at, record_version, tags)
         VALUES (?, 'svc:old', 1, 'svc:old', 1, 1, '[\"d\"]')",
        &third,
    );
    old(
        "INSERT INTO generation (status_index, key_id, number, epoch, issued_at, expires_at, scopes, state)
         SELECT 1, ?, 1, 1, issued_at, expires_at, scopes, state FROM generation LIMIT 1",
        &third,
    );
    assert_eq!(found("d"), ids(&[&third]));
    tenant.update(&first, change(r#"{"tags":[]}"#)).unwrap();
    for is_filled in [false, true] {
        assert_eq!(tenant.number("SELECT count(*) FROM tag_fill") == 0, is_filled);
        assert_eq!((found("a"), found("b")), (ids(&[&second]), ids(&[])));
        assert_eq!((found("c"), found("d")), (ids(&[&second]), ids(&[&third])));
        for _ in 0..2 {
            tenant.book.registry().apply_deadlines(tenant.book.now()).unwrap();
        }
    }
}

/// As a tenant was before its tags had an index.
fn forget_tags(tenant: &Tenant) {
    for statement in [
        "DROP TABLE key_tag",
        "DROP TABLE tag_fill",
        "DROP TRIGGER key_tag_of_new",
        "DROP TRIGGER key_tag_of_changed",
        "UPDATE tenant SET schema_version = 6",
    ] {
        tenant.book.store.execute(statement, &[]).unwrap();
    }
}

#[test]
fn a_book_of_many_keys_is_found_by_tags_while_the_index_is_filled_some_keys_at_a_time() {
    const KEYS: u32 = 4_500;
    const BATCH: u64 = 2_000;
    let tenant = Tenant::new();
    let key = tenant.key(key_request(&["reports:read"]));
    let ids = tenant.book.fill(&id_of(&key), KEYS - 1).unwrap();
    let execute = |sql: &str| tenant.book.store.execute(sql, &[]).unwrap();
    execute("UPDATE key SET tags = '[\"every\"]' WHERE audience = 1");
    forget_tags(&tenant);
    let (first, last) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
    let found = |tag: &str| {
        let request = ListRequest { tag: Some(tag.into()), limit: 200, ..ListRequest::default() };
        let page = tenant.list(request).unwrap();
        page.keys.into_iter().map(|key| key.key_id).collect::<BTreeSet<_>>()
    };
    let indexed = || tenant.number("SELECT count(*) FROM key_tag WHERE tag = 'every'");
    let alarm = || tenant.book.registry().apply_deadlines(tenant.book.now()).unwrap();
    // The call that meets the old tables takes no key over, and none is missed for it.
    assert_eq!(found("every").len(), 200);
    assert_eq!(indexed(), 0);
    for batch in 1..=3 {
        assert_eq!(tenant.book.next_due().unwrap().map(|at| at.0), Some(0));
        // A batch that fails has done nothing, and is taken again.
        let faulty = FaultyStore::new(&tenant.book.store, Fault::Error, 2);
        let root = fixed_root().unwrap();
        let failed = Registry::new(&faulty, &root).apply_deadlines(tenant.book.now());
        assert!(failed.is_err() && faulty.has_failed());
        alarm();
        assert_eq!(indexed(), (batch * BATCH).min(KEYS.into()));
        // What changes on either side of where it is stays as it was changed.
        for (id, side) in [(first, "low"), (last, "high")] {
            let changed = format!(r#"{{"tags":["every","{side}{batch}"]}}"#);
            tenant.update(&id.to_string(), change(&changed)).unwrap();
            assert_eq!(found(&format!("{side}{batch}")), BTreeSet::from([id.to_string()]));
            assert!(batch == 1 || found(&format!("{side}{}", batch - 1)).is_empty());
        }
        assert_eq!(found("every").len(), 200);
    }
    alarm();
    assert_eq!(tenant.number("SELECT count(*) FROM tag_fill"), 0);
    assert_ne!(tenant.book.next_due().unwrap().map(|at| at.0), Some(0));
    assert_eq!(indexed(), u64::from(KEYS));
    assert_eq!(found("every").len(), 200);
    assert_eq!((found("low3").len(), found("high3").len(), found("high2").len()), (1, 1, 0));
}

#[test]
fn a_book_whose_tags_were_taken_over_at_once_is_not_filled_again() {
    let tenant = Tenant::new();
    tenant.key(KeyRequest { tags: vec!["a".into()], ..key_request(&["reports:read"]) });
    for statement in
        ["DROP TABLE tag_fill", "DROP TABLE refusal_count", "UPDATE tenant SET schema_version = 7"]
    {
        tenant.book.store.execute(statement, &[]).unwrap();
    }
    let request = ListRequest { tag: Some("a".into()), limit: 9, ..ListRequest::default() };
    assert_eq!(tenant.list(request).unwrap().keys.len(), 1);
    assert_eq!(tenant.number("SELECT count(*) FROM tag_fill"), 0);
}

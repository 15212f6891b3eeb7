//! What people note down of a key: changed at once, and what it is found by.

use std::collections::BTreeMap;

use wardkey_provision::KeyRequest;
use wardkey_registry::{Conflict, ListRequest, UpdateRequest};
use wardkey_testkit::{Acts as _, Tenant, conflict, field, key_request, text_of};

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
    assert_eq!(count(both), 2);
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

//! What Worker and objects of neighbouring versions say to each other: each message that a deployed version writes is
//! read by the next one, and means the same.
//!
//! `wire/*.N.json` holds messages as version N was the first to write them. A file that is here is never edited. What is added
//! goes into a new file: a reply may get members, a request may get members that may be refused, and anything else is a new call.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wardkey_registry::{
    Call, DirectoryCall, DirectoryReply, KeyView, RegistryError, Reply, UsageCall, UsageReply,
};

type Answer<R> = Result<R, RegistryError>;

const CALLS: [&str; 4] = [
    include_str!("wire/calls.1.json"),
    include_str!("wire/calls.2.json"),
    include_str!("wire/calls.5.json"),
    include_str!("wire/calls.6.json"),
];
const REPLIES: [&str; 6] = [
    include_str!("wire/replies.1.json"),
    include_str!("wire/replies.2.json"),
    include_str!("wire/replies.3.json"),
    include_str!("wire/replies.4.json"),
    include_str!("wire/replies.5.json"),
    include_str!("wire/replies.6.json"),
];
const DIRECTORY_CALLS: [&str; 2] =
    [include_str!("wire/directory_calls.2.json"), include_str!("wire/directory_calls.3.json")];
const DIRECTORY_REPLIES: [&str; 1] = [include_str!("wire/directory_replies.2.json")];
const USAGE_CALLS: [&str; 1] = [include_str!("wire/usage_calls.5.json")];
const USAGE_REPLIES: [&str; 1] = [include_str!("wire/usage_replies.5.json")];

fn messages(files: &[&str]) -> Vec<Value> {
    files.iter().flat_map(|file| serde_json::from_str::<Vec<Value>>(file).unwrap()).collect()
}

/// Whether all of `before` still stands in `after`, which may say more.
fn holds(after: &Value, before: &Value) -> bool {
    match (after, before) {
        (Value::Object(after), Value::Object(before)) => {
            before.iter().all(|(name, old)| after.get(name).is_some_and(|new| holds(new, old)))
        }
        (Value::Array(after), Value::Array(before)) => {
            after.len() == before.len()
                && after.iter().zip(before).all(|(after, before)| holds(after, before))
        }
        _ => after == before,
    }
}

fn read_and_written<M: DeserializeOwned + Serialize>(files: &[&str]) {
    for before in messages(files) {
        let message: M = serde_json::from_value(before.clone())
            .unwrap_or_else(|error| panic_with(&before, &error.to_string()));
        let after = serde_json::to_value(&message).unwrap();
        if !holds(&after, &before) {
            panic_with(&before, &format!("is written as {after}"))
        }
    }
}

#[expect(clippy::panic, reason = "a test fails by panicking")]
fn panic_with(message: &Value, why: &str) -> ! {
    panic!("{message}: {why}")
}

/// The variants that a type has, as serde names them when it is shown one that it does not know.
fn variants<M: DeserializeOwned>(unknown: Value) -> BTreeSet<String> {
    let error = serde_json::from_value::<M>(unknown).err().unwrap().to_string();
    let (_, names) = error.split_once("expected ").unwrap();
    names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn said(files: &[&str], pointer: &str) -> BTreeSet<String> {
    let names = messages(files);
    names.iter().filter_map(|message| message.pointer(pointer)?.as_str().map(Into::into)).collect()
}

#[test]
fn what_an_earlier_version_says_is_read_and_means_the_same() {
    read_and_written::<Call>(&CALLS);
    read_and_written::<Answer<Reply>>(&REPLIES);
    read_and_written::<DirectoryCall>(&DIRECTORY_CALLS);
    read_and_written::<Answer<DirectoryReply>>(&DIRECTORY_REPLIES);
    read_and_written::<UsageCall>(&USAGE_CALLS);
    read_and_written::<Answer<UsageReply>>(&USAGE_REPLIES);
}

#[test]
fn every_call_reply_and_error_is_among_them() {
    let unknown = |member: &str| serde_json::json!({ member: "?" });
    assert_eq!(said(&CALLS, "/call"), variants::<Call>(unknown("call")));
    let reply = serde_json::json!({"reply": "?", "value": null});
    assert_eq!(said(&REPLIES, "/Ok/reply"), variants::<Reply>(reply.clone()));
    assert_eq!(said(&REPLIES, "/Err/error"), variants::<RegistryError>(unknown("error")));
    assert_eq!(said(&DIRECTORY_CALLS, "/call"), variants::<DirectoryCall>(unknown("call")));
    assert_eq!(said(&DIRECTORY_REPLIES, "/Ok/reply"), variants::<DirectoryReply>(reply.clone()));
    assert_eq!(said(&USAGE_CALLS, "/call"), variants::<UsageCall>(unknown("call")));
    assert_eq!(said(&USAGE_REPLIES, "/Ok/reply"), variants::<UsageReply>(reply));
    let conflict = serde_json::json!({"error": "conflict", "conflict": "?", "detail": ""});
    assert_eq!(said(&REPLIES, "/Err/conflict"), variants::<RegistryError>(conflict));
}

/// The control of the two above: what would break a neighbour is seen.
#[test]
fn a_member_that_is_lost_renamed_or_changed_is_noticed() {
    let before = serde_json::json!({"call": "state", "sequence": 7, "list": [{"a": 1}]});
    assert!(holds(
        &serde_json::json!({"call": "state", "sequence": 7, "list": [{"a": 1, "b": 2}], "c": 3}),
        &before
    ));
    for broken in [
        serde_json::json!({"call": "state", "sequence": 7}),
        serde_json::json!({"call": "state", "seq": 7, "list": [{"a": 1}]}),
        serde_json::json!({"call": "state", "sequence": "7", "list": [{"a": 1}]}),
        serde_json::json!({"call": "state", "sequence": 7, "list": [{"b": 1}]}),
        serde_json::json!({"call": "state", "sequence": 7, "list": []}),
    ] {
        assert!(!holds(&broken, &before), "{broken}");
    }
}

/// What only a later version says of a key is missed by nobody who reads it, and passed over by who knew a key alone.
#[test]
fn what_confirming_has_ended_is_told_beside_the_key() {
    let told = messages(&[include_str!("wire/replies.3.json")]).remove(0);
    let Ok(Reply::Key(key)) = serde_json::from_value::<Answer<Reply>>(told.clone()).unwrap() else {
        panic_with(&told, "is another reply")
    };
    assert_eq!(key.list_sequence, Some(1_800_000_000_000));
    assert_eq!(key.bound.map(|bound| bound.typical_ms), Some(5_000));
    let alone: KeyView =
        serde_json::from_value(told.pointer("/Ok/value").unwrap().clone()).unwrap();
    assert_eq!(alone, key.view);
}

#[test]
fn what_a_later_version_adds_is_passed_over_in_a_reply_and_refused_in_a_request() {
    let is_revoked =
        |reply: &Value| reply.pointer("/Ok/reply").is_some_and(|name| name == "revoked");
    let mut reply = messages(&REPLIES).into_iter().find(is_revoked).unwrap();
    let view = reply.pointer_mut("/Ok/value/view").unwrap();
    view.as_object_mut().unwrap().insert("later".into(), 1.into());
    assert!(serde_json::from_value::<Answer<Reply>>(reply).is_ok());
    let mut requests = 0;
    let mut report = messages(&USAGE_CALLS).remove(0);
    report
        .pointer_mut("/report")
        .unwrap()
        .as_object_mut()
        .unwrap()
        .insert("later".into(), 1.into());
    assert!(serde_json::from_value::<UsageCall>(report).is_err());
    for mut call in messages(&CALLS) {
        let Some(Value::Object(request)) = call.get_mut("request") else { continue };
        // It might be what makes the request safe: the object says that it does not know the call.
        request.insert("later".into(), 1.into());
        assert!(serde_json::from_value::<Call>(call.clone()).is_err(), "{call}");
        requests += 1;
    }
    assert!(requests > 10);
    // WHY the rule that a call's own members stay as they are, and what must be obeyed is a new call: beside a
    // request, what is not known is passed over.
    assert!(
        serde_json::from_value::<Call>(serde_json::json!({"call": "head", "later": 1})).is_ok()
    );
}

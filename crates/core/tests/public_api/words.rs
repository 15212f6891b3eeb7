//! What is shown to people: messages that say something, and values without what is secret.

use std::collections::BTreeSet;
use std::error::Error;

use wardkey::{
    Adoption, BaseError, BoundsError, CatalogError, EchoError, HeadError, IdentifierError, KeyId,
    KeySetError, ListError, NarrowError, NetworkError, Networks, NetworksError, PrefixError,
    Reason, RequirementError, ScopeSet, ScopeSetError, StateError, Subject, SubjectError,
    UnixMillis, UnixSeconds, Zone,
};

use crate::tenant::Tenant;

#[test]
fn every_error_has_a_message_of_its_own_in_lower_case_without_a_full_stop() {
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(BaseError::TooShort),
        Box::new(BaseError::Version),
        Box::new(BaseError::Epoch),
        Box::new(BaseError::Lifetime),
        Box::new(BaseError::Subject),
        Box::new(BaseError::Flag),
        Box::new(BaseError::Scopes),
        Box::new(BaseError::Constraints),
        Box::new(BaseError::Buffer),
        Box::new(CatalogError::Length),
        Box::new(CatalogError::Count),
        Box::new(CatalogError::Order),
        Box::new(CatalogError::Name),
        Box::new(CatalogError::Risk),
        Box::new(KeySetError::TooShort),
        Box::new(KeySetError::Version),
        Box::new(KeySetError::Administration),
        Box::new(KeySetError::Epochs),
        Box::new(KeySetError::Prefix),
        Box::new(KeySetError::Bounds),
        Box::new(HeadError::Length),
        Box::new(HeadError::Version),
        Box::new(HeadError::Order),
        Box::new(HeadError::NotAfter),
        Box::new(HeadError::Changes),
        Box::new(HeadError::Tenant),
        Box::new(HeadError::Audience),
        Box::new(HeadError::Tag),
        Box::new(ListError::ClockBehind),
        Box::new(ListError::Older),
        Box::new(ListError::OtherState),
        Box::new(ListError::OtherAudience),
        Box::new(StateError::Length),
        Box::new(StateError::Version),
        Box::new(StateError::Range),
        Box::new(StateError::SpareBits),
        Box::new(StateError::Memory),
        Box::new(NarrowError::NoKey(Reason::Malformed)),
        Box::new(NarrowError::NoKey(Reason::BadChecksum)),
        Box::new(NarrowError::Empty),
        Box::new(NarrowError::BlockTooLong),
        Box::new(NarrowError::TooManyBlocks),
        Box::new(NarrowError::KeyTooLong),
        Box::new(NetworkError::Syntax),
        Box::new(NetworkError::PrefixLen),
        Box::new(NetworkError::HostBits),
        Box::new(NetworkError::Mapped),
        Box::new(NetworksError::Empty),
        Box::new(NetworksError::TooMany),
        Box::new(RequirementError::Empty),
        Box::new(RequirementError::UnknownScope),
        Box::new(ScopeSetError::Length),
        Box::new(ScopeSetError::TrailingZero),
        Box::new(IdentifierError::KeyId),
        Box::new(PrefixError),
        Box::new(SubjectError),
        Box::new(EchoError),
    ];
    let mut seen = BTreeSet::new();
    for error in errors {
        let message = error.to_string();
        assert!(message.starts_with(|first: char| first.is_ascii_lowercase()), "{message:?}");
        assert!(!message.ends_with('.'), "{message:?}");
        assert!(seen.insert(message), "{error:?}: not its own");
    }
    // One fault, one message, wherever it is met.
    assert_eq!(KeySetError::Bounds.to_string(), BoundsError.to_string());
    let of_catalog = KeySetError::Catalog(CatalogError::Risk);
    assert_eq!(of_catalog.to_string(), CatalogError::Risk.to_string());
}

#[test]
fn what_is_no_secret_is_shown_in_debug_as_it_is_written() {
    let tenant = Tenant::new();
    assert_eq!(format!("{:?}", ScopeSet::from_iter([9, 0])), "{0, 9}");
    assert_eq!(format!("{:?}", Subject::new("svc:billing").expect("a subject")), "svc:billing");
    assert_eq!(format!("{:?}", tenant.prefix), "wk_live_");
    let networks = Networks::new(["192.0.2.0/24".parse().expect("a network")]);
    assert_eq!(format!("{:?}", networks.expect("a set")), "{192.0.2.0/24}");
    assert_eq!(format!("{:?}", KeyId([0, 1, 2, 3, 4, 5, 6, 255])), "key_00010203040506ff");
}

#[test]
fn a_key_id_is_read_as_it_is_shown_and_in_no_other_spelling() {
    let id = KeyId([0, 1, 2, 3, 4, 5, 6, 255]);
    assert_eq!(id.to_string().parse(), Ok(id));
    for other in [
        "",
        "key_",
        "00010203040506ff",
        "key_00010203040506f",
        "key_00010203040506fff",
        "key_00010203040506FF",
        "key_+0010203040506ff",
        "KEY_00010203040506ff",
        "key-00010203040506ff",
    ] {
        assert_eq!(other.parse::<KeyId>(), Err(IdentifierError::KeyId), "{other:?}");
    }
}

#[test]
fn every_zone_has_a_word_of_its_own() {
    let words = [Zone::Fresh, Zone::MustAsk, Zone::Stale, Zone::Registry].map(Zone::as_str);
    assert_eq!(words, ["fresh", "must_ask", "stale", "registry"]);
}

#[test]
fn every_outcome_of_reading_and_adopting_a_head_has_its_word_of_the_specification() {
    assert_eq!(Adoption::ALL.map(Adoption::as_str), ["adopted", "in_force", "state_needed"]);
    let adopting = ["clock_behind", "older", "other_state", "other_audience"];
    assert_eq!(ListError::ALL.map(ListError::as_str), adopting);
    let reading =
        ["length", "version", "order", "not_after", "changes", "tenant", "audience", "tag"];
    assert_eq!(HeadError::ALL.map(HeadError::as_str), reading);
    let specification = include_str!("../../FORMAT.md");
    let adopted = Adoption::ALL.map(Adoption::as_str);
    for word in adopted.iter().chain(&adopting).chain(&reading) {
        assert!(specification.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn every_reason_is_found_by_its_word_and_by_no_other() {
    for reason in Reason::ALL {
        assert_eq!(Reason::named(reason.as_str()), Some(reason));
    }
    let words: BTreeSet<_> = Reason::ALL.map(Reason::as_str).into();
    assert_eq!(words.len(), Reason::ALL.len());
    for other in ["", "Malformed", "malformed ", "allow", "not_found"] {
        assert_eq!(Reason::named(other), None, "{other:?}");
    }
}

#[test]
fn a_millisecond_lies_in_its_second_as_long_as_keys_have_seconds() {
    let last = u64::from(u32::MAX) * 1_000;
    for (ms, second) in [
        (0, Some(0)),
        (999, Some(0)),
        (1_000, Some(1)),
        (1_999, Some(1)),
        (last + 999, Some(u32::MAX)),
        (last + 1_000, None),
        (u64::MAX, None),
    ] {
        assert_eq!(UnixMillis(ms).second(), second.map(UnixSeconds), "{ms}");
    }
    assert_eq!(UnixSeconds(u32::MAX).as_millis(), UnixMillis(last));
}

//! Every code of a problem, with its status, stands in the document, and no other.

use std::collections::BTreeSet;

use serde_json::Value;
use wardkey::Reason;
use wardkey_registry::{Conflict, UsageEntry};

use super::document;
use crate::problem::ApiError;

/// What no operation can answer, since no operation was asked for: the document tells it in words.
const OF_NO_OPERATION: [&str; 2] = ["no_route", "method_not_allowed"];

const CONFLICTS: [Conflict; 9] = [
    Conflict::RotationInProgress,
    Conflict::KeySuspended,
    Conflict::KeyEnded,
    Conflict::NeedsRotation,
    Conflict::LastAdmin,
    Conflict::EpochPending,
    Conflict::TooManyEpochs,
    Conflict::EpochsUsedUp,
    Conflict::AudienceInUse,
];

/// One of each kind of refusal.
fn refusals() -> Vec<ApiError> {
    let mut all: Vec<ApiError> = Reason::ALL.into_iter().map(ApiError::Denied).collect();
    all.extend(CONFLICTS.map(|conflict| ApiError::Conflict { conflict, detail: String::new() }));
    all.extend([
        ApiError::NoCredential,
        ApiError::CredentialTwice,
        ApiError::CredentialInUrl,
        ApiError::NarrowedKey,
        ApiError::MissingScope(String::new()),
        ApiError::BootstrapRefused,
        ApiError::BootstrapExpired,
        ApiError::BootstrapUsed,
        ApiError::TenantExists,
        ApiError::TenantGone,
        ApiError::Forbidden { rule: String::new(), detail: String::new() },
        ApiError::IfMatchNeeded,
        ApiError::PolicyChanged { version: 1 },
        ApiError::invalid("", ""),
        ApiError::Body(String::new()),
        ApiError::BodyTooLarge,
        ApiError::BodyTooSlow,
        ApiError::ContentType,
        ApiError::IdempotencyKeyReused,
        ApiError::KeyNotGivenAgain { key_id: String::new() },
        ApiError::NotFound,
        ApiError::NoRoute,
        ApiError::method(""),
        ApiError::PlainHttp,
        ApiError::TooManyRequests,
        ApiError::TooManyStrictCalls,
        ApiError::RegistryBusy,
        ApiError::RegistryUnavailable,
        ApiError::Misconfigured(""),
        ApiError::Internal(String::new()),
    ]);
    all
}

/// Which kind it is. A kind that is added stops the build here, until it stands in [`refusals`] and in
/// [`CONFLICTS`], too.
const fn kind(refusal: &ApiError) -> u8 {
    match refusal {
        ApiError::Denied(_) => 0,
        ApiError::NoCredential => 1,
        ApiError::CredentialTwice => 2,
        ApiError::CredentialInUrl => 3,
        ApiError::NarrowedKey => 4,
        ApiError::MissingScope(_) => 5,
        ApiError::BootstrapRefused => 6,
        ApiError::BootstrapExpired => 7,
        ApiError::BootstrapUsed => 8,
        ApiError::TenantExists => 9,
        ApiError::TenantGone => 10,
        ApiError::Forbidden { .. } => 11,
        ApiError::IfMatchNeeded => 12,
        ApiError::PolicyChanged { .. } => 13,
        ApiError::Invalid { .. } => 14,
        ApiError::Body(_) => 15,
        ApiError::BodyTooLarge => 16,
        ApiError::BodyTooSlow => 17,
        ApiError::ContentType => 18,
        ApiError::IdempotencyKeyReused => 19,
        ApiError::KeyNotGivenAgain { .. } => 20,
        ApiError::NotFound => 21,
        ApiError::NoRoute => 22,
        ApiError::Method { .. } => 23,
        ApiError::PlainHttp => 24,
        ApiError::TooManyRequests => 25,
        ApiError::RegistryUnavailable => 26,
        ApiError::Misconfigured(_) => 27,
        ApiError::Internal(_) => 28,
        ApiError::Conflict { conflict, .. } => match conflict {
            Conflict::RotationInProgress => 29,
            Conflict::KeySuspended => 30,
            Conflict::KeyEnded => 31,
            Conflict::NeedsRotation => 32,
            Conflict::LastAdmin => 33,
            Conflict::EpochPending => 34,
            Conflict::TooManyEpochs => 35,
            Conflict::EpochsUsedUp => 36,
            Conflict::AudienceInUse => 37,
        },
        ApiError::TooManyStrictCalls => 38,
        ApiError::RegistryBusy => 39,
    }
}

#[test]
fn every_kind_of_refusal_is_looked_at() {
    let kinds: BTreeSet<u8> = refusals().iter().map(kind).collect();
    assert_eq!(kinds, (0..=39).collect());
}

fn words(list: &Value) -> BTreeSet<&str> {
    list.as_array().expect("words").iter().map(|word| word.as_str().expect("a word")).collect()
}

#[test]
fn problems_know_every_code() {
    let document = document();
    let described =
        words(&document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]);
    let refusals = refusals();
    let answered: BTreeSet<&str> = refusals.iter().map(ApiError::code).collect();
    assert_eq!(described, answered);
}

#[test]
fn responses_have_each_code_with_its_status_and_no_other() {
    let refusals = refusals();
    let answered: BTreeSet<(u16, &str)> = refusals
        .iter()
        .map(|refusal| (refusal.status(), refusal.code()))
        .filter(|(_, code)| !OF_NO_OPERATION.contains(code))
        .collect();
    let document = document();
    let responses = document["components"]["responses"].as_object().expect("responses");
    let mut described = BTreeSet::new();
    for (name, response) in responses {
        let parts = &response["content"]["application/problem+json"]["schema"]["allOf"];
        let special = &parts[1]["properties"];
        let status = special["status"]["minimum"].as_u64().and_then(|n| u16::try_from(n).ok());
        let status = status.unwrap_or_else(|| panic!("{name} has no status"));
        described.extend(words(&special["code"]["enum"]).into_iter().map(|code| (status, code)));
        let reference = format!("#/components/responses/{name}");
        let mut users = 0;
        for (path, method, operation) in super::operations(&document) {
            for (at, one) in operation["responses"].as_object().expect("responses") {
                if one["$ref"] == reference.as_str() {
                    assert_eq!(*at, status.to_string(), "{method} {path}");
                    users += 1;
                }
            }
        }
        assert!(users > 0, "{name} is of no operation");
    }
    assert_eq!(described, answered);
}

/// What a verifier's answer calls a denial is what the core does, or that the registry is not asked.
#[test]
fn denials_are_those_of_the_core() {
    let document = document();
    let described = words(&document["components"]["schemas"]["DenialCode"]["enum"]);
    let mut answered: BTreeSet<&str> =
        Reason::ALL.into_iter().map(|reason| reason.answer().code).collect();
    answered.insert(ApiError::TooManyStrictCalls.code());
    assert_eq!(described, answered);
}

/// What a verifier may report is what is taken, word for word.
#[test]
fn outcomes_of_usage_are_those_that_are_taken() {
    let document = document();
    let described = words(&document["components"]["schemas"]["UsageOutcome"]["enum"]);
    let reasons = Reason::ALL.into_iter().map(Reason::as_str);
    let taken: BTreeSet<&str> = ["allow", "ask"]
        .into_iter()
        .chain(reasons)
        .filter(|word| UsageEntry::takes(word))
        .collect();
    assert_eq!(described, taken);
    assert!(!taken.contains("bad_tag"));
}

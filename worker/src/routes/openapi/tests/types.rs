//! The document's schemas against the types that are read and written: the same members, of the same types, with the
//! same ones required and the same words. The document may say more of a value (its length, its grammar).

mod comparison;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use wardkey_provision::{KeyConstraints, KeyRequest};
use wardkey_registry::{
    AuditPage, BootstrapRequest, DestroyRequest, Destroyed, KeyPage, KeyUsage, KeyView,
    PolicyTrial, RevocationRequest, RevocationView, RevokeRequest, RevokeSelfRequest, RootWrap,
    RotateRequest, RotateSigningKeysRequest, SigningKeysRotated, SuspendRequest, UpdateRequest,
    UsageCounted, UsageReport,
};

use self::comparison::{Comparison, Side};
use super::document;
use crate::problem::Problem;
use crate::routes::healthz::Health;
use crate::routes::key_life::{ConfirmedAnswer, RevokedAnswer};
use crate::routes::keys::CreatedAnswer;
use crate::routes::verify::{VerifyAnswer, VerifyRequest};

fn request<T: JsonSchema>(name: &'static str) -> (&'static str, Side, Value) {
    let generator = SchemaSettings::draft2020_12().into_generator();
    (name, Side::Request, generator.into_root_schema_for::<T>().to_value())
}

fn answer<T: JsonSchema>(name: &'static str) -> (&'static str, Side, Value) {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    (name, Side::Answer, generator.into_root_schema_for::<T>().to_value())
}

fn complaints(document: &Value) -> Vec<String> {
    let all = [
        request::<BootstrapRequest>("BootstrapRequest"),
        request::<DestroyRequest>("DestroyRequest"),
        request::<KeyConstraints>("KeyConstraints"),
        request::<KeyRequest>("KeyRequest"),
        request::<RevocationRequest>("RevocationRequest"),
        request::<RevokeRequest>("RevokeRequest"),
        request::<RevokeSelfRequest>("RevokeSelfRequest"),
        request::<RotateRequest>("RotateRequest"),
        request::<RotateSigningKeysRequest>("RotateSigningKeysRequest"),
        request::<SuspendRequest>("SuspendRequest"),
        request::<UpdateRequest>("UpdateRequest"),
        request::<UsageReport>("UsageReport"),
        request::<VerifyRequest>("VerifyRequest"),
        answer::<AuditPage>("AuditPage"),
        answer::<ConfirmedAnswer>("ConfirmedKey"),
        answer::<CreatedAnswer<'_>>("CreatedKey"),
        answer::<Destroyed>("Destroyed"),
        answer::<Health>("Health"),
        answer::<KeyPage>("KeyPage"),
        answer::<KeyUsage>("KeyUsage"),
        answer::<KeyView>("KeyView"),
        answer::<PolicyTrial>("PolicyTrial"),
        answer::<Problem<'_>>("Problem"),
        answer::<RevocationView>("RevocationView"),
        answer::<RevokedAnswer>("RevokedKey"),
        answer::<RootWrap>("RootWrap"),
        answer::<SigningKeysRotated>("SigningKeysRotated"),
        answer::<UsageCounted>("UsageCounted"),
        answer::<VerifyAnswer>("VerifyAnswer"),
    ];
    let each =
        all.iter().flat_map(|(name, side, made)| Comparison::of(name, *side, document, made));
    each.collect()
}

#[test]
fn schemas_are_those_of_the_types() {
    assert_eq!(complaints(&document()), Vec::<String>::new());
}

/// What is wrong on purpose is seen, or the test above says nothing.
#[test]
fn whatever_differs_is_seen() {
    let breaks = [
        ("KeyRequest/properties/subject", Value::Null),
        ("KeyRequest/properties/tags", json!({"type": "string"})),
        ("KeyRequest/properties/tags/items", json!({"type": "integer"})),
        ("KeyRequest/properties/colour", json!({"type": "string"})),
        ("KeyRequest/properties/meta/additionalProperties", json!({"type": "integer"})),
        ("KeyRequest/additionalProperties", json!(true)),
        ("KeyRequest/required", json!(["subject"])),
        ("RotateRequest/properties/overlap_s/type", json!("integer")),
        ("VerifyRequest/properties/match/enum", json!(["all", "some"])),
        ("VerifyRequest/properties/match/enum", json!(["all"])),
        ("Selector/oneOf/0/properties/subject/properties/subject", json!({"type": "boolean"})),
        ("GenerationState/enum", json!(["pending"])),
        ("RevokedKey/properties/bound", Value::Null),
        ("VerifyAnswer/oneOf/0/properties/list", json!({"type": "string"})),
        ("Problem/required", json!(["type", "field"])),
    ];
    for (place, value) in breaks {
        let mut broken = document();
        let (parent, member) = place.rsplit_once('/').expect("a place");
        let parent = broken.pointer_mut(&format!("/components/schemas/{parent}"));
        let parent = parent.and_then(Value::as_object_mut).expect(place);
        match value {
            Value::Null => parent.remove(member),
            value => parent.insert(member.into(), value),
        };
        assert!(!complaints(&broken).is_empty(), "{place}");
    }
}

//! The description is complete and true, as far as the code itself can say: every route, every type, every code.
//! What it says of values is tried against a running worker by `cargo xtask api`.

mod codes;
mod types;

use std::collections::BTreeSet;

use serde_json::Value;
use wardkey_provision::{POLICY_SCHEMA, holds_credential};

use super::DOCUMENT;
use crate::ROUTES;

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("JSON")
}

/// Every operation: its path, its method in capitals, and what stands there.
fn operations(document: &Value) -> Vec<(&str, String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("an object");
        item.iter().map(move |(method, one)| (path.as_str(), method.to_uppercase(), one))
    });
    operations.collect()
}

#[test]
fn every_route_is_described_and_every_description_is_of_a_route() {
    let routed: BTreeSet<(String, String)> = ROUTES
        .iter()
        .flat_map(|(segments, methods)| {
            let segments = segments.iter().map(|segment| match segment.strip_prefix('"') {
                Some(literal) => format!("/{}", literal.trim_end_matches('"')),
                None => format!("/{{{segment}}}"),
            });
            let path: String = segments.collect();
            let methods: &[&str] = match methods {
                // All that OpenAPI has a word for. A HEAD of other routes is described nowhere: it is their GET.
                ["ANY"] => &["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"],
                methods => methods,
            };
            methods.iter().map(move |method| (path.clone(), (*method).to_owned()))
        })
        .collect();
    let document = document();
    let described: BTreeSet<(String, String)> = operations(&document)
        .into_iter()
        .map(|(path, method, _)| (path.to_owned(), method))
        .collect();
    assert!(routed.len() > 30);
    assert_eq!(described, routed);
}

#[test]
fn parameters_of_a_path_are_described() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let named: BTreeSet<&str> =
            path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let described: BTreeSet<&str> = parameters
            .iter()
            .map(|one| one["$ref"].as_str().map_or(one, |reference| found(&document, reference)))
            .filter(|one| one["in"] == "path")
            .filter_map(|one| one["name"].as_str())
            .collect();
        assert_eq!(described, named, "{method} {path}");
    }
}

/// What a reference within a document refers to.
fn found<'d>(document: &'d Value, reference: &str) -> &'d Value {
    let pointer = reference.strip_prefix('#').expect("a reference within the document");
    document.pointer(pointer).unwrap_or_else(|| panic!("{reference} refers to nothing"))
}

/// The policy's schema is written once, in crates/provision, and stands in the document as it is there.
#[test]
fn the_policy_is_the_published_schema() {
    let mut policy: Value = serde_json::from_str(POLICY_SCHEMA).expect("JSON");
    let members = policy.as_object_mut().expect("an object");
    members.remove("$schema");
    members.remove("$id");
    let definitions = members.remove("$defs").expect("definitions");
    let mut schemas = definitions.as_object().expect("an object").clone();
    schemas.insert("Policy".into(), policy);
    let text = serde_json::to_string(&schemas).expect("JSON");
    let schemas: serde_json::Map<String, Value> =
        serde_json::from_str(&text.replace("#/$defs/", "#/components/schemas/")).expect("JSON");
    assert!(schemas.len() > 5);
    let mut document = document();
    if std::env::var_os("WARDKEY_WRITE_SCHEMA").is_some() {
        let all = document["components"]["schemas"].as_object_mut().expect("schemas");
        all.extend(schemas);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let text = serde_json::to_string_pretty(&document).expect("JSON");
        std::fs::write(path, format!("{text}\n")).expect("written");
        return;
    }
    let again = "WARDKEY_WRITE_SCHEMA=1 cargo test -p wardkey-worker the_policy_is";
    for (name, schema) in schemas {
        assert_eq!(document["components"]["schemas"][&name], schema, "{name}: {again}");
    }
}

/// Examples are no keys: neither our own scanner nor a reader takes one for such.
#[test]
fn no_example_is_a_credential() {
    assert!(!holds_credential(DOCUMENT));
    let token = format!("wkboot_1_1800000000_{}", "A".repeat(43));
    assert!(holds_credential(&DOCUMENT.replacen("EXAMPLE", &format!(" {token} "), 1)));
}

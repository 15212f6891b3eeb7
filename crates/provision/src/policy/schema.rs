//! The JSON Schema that is published of policies.

/// The policy's JSON Schema (2020-12), made from these types: a test holds the file to them.
///
/// It knows every member and its grammar. That names stand once, that what is named exists, and what a successor may
/// change, only the registry says.
pub const POLICY_SCHEMA: &str = include_str!("../../policy.schema.json");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use serde_json::{Value, json};

    /// The schema as these types make it.
    fn made() -> String {
        let schema = schemars::generate::SchemaSettings::draft2020_12()
            .into_generator()
            .into_root_schema_for::<Policy>();
        let mut value = schema.to_value();
        value["$id"] = json!("urn:wardkey:schema:policy:1");
        format!("{}\n", serde_json::to_string_pretty(&value).expect("JSON"))
    }

    #[test]
    fn the_published_schema_is_made_from_the_types() {
        let made = made();
        if std::env::var_os("WARDKEY_WRITE_SCHEMA").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/policy.schema.json");
            std::fs::write(path, &made).expect("written");
            return;
        }
        let again = "WARDKEY_WRITE_SCHEMA=1 cargo test -p wardkey-provision schema";
        // As values: in which order members stand depends on what else the build asks of serde_json.
        let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(value(POLICY_SCHEMA), value(&made), "write it anew: {again}");
    }

    fn whole() -> Value {
        json!({
            "environment": "test", "brand": "acme",
            "audiences": [{
                "number": 1, "name": "api", "max_lifetime_s": 7_776_000,
                "scopes": [
                    {"number": 0, "name": "reports:read"},
                    {"number": 1, "name": "reports:write", "risk": "high"},
                ],
                "roles": [{"name": "reporter", "scopes": ["reports:read", "reports:write"]}],
            }],
            "levels": {"high": {"max_lifetime_s": 3600, "require": ["owner", "meta.ticket", "constraints.networks"]}},
            "rules": [{
                "name": "ops", "actors": ["ops:*"], "audiences": ["api", "wardkey"],
                "scopes": ["reports:*", "verifier:key-set"], "subjects": ["*", "svc:billing"], "max_lifetime_s": 60,
            }, {
                "name": "near", "actors": ["svc:ci/*"], "audiences": ["api"], "scopes": ["*"], "subjects": ["svc:*"],
                "require_networks_within": ["192.0.2.0/24", "2001:db8::/32"],
            }],
            "rotation": {"overlap_s": 3600},
        })
    }

    /// The whole policy with one member replaced.
    fn with(pointer: &str, value: Value) -> Value {
        let mut policy = whole();
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        match policy.pointer_mut(parent).expect(parent) {
            Value::Array(list) => list[member.parse::<usize>().expect("a place")] = value,
            parent => parent[member] = value,
        }
        policy
    }

    #[test]
    fn schema_and_check_take_and_refuse_the_same() {
        let schema: Value = serde_json::from_str(POLICY_SCHEMA).expect("JSON");
        assert!(jsonschema::meta::is_valid(&schema), "a schema by its own meta-schema");
        let schema = jsonschema::validator_for(&schema).expect("a schema");
        let checked = |json: &Value| {
            serde_json::from_value::<Policy>(json.clone())
                .is_ok_and(|policy| policy.check().is_ok())
        };
        let one = json!({"audiences": [{"number": 1, "name": "a", "scopes": [{"number": 0, "name": "a:b"}]}]});
        for good in [
            whole(),
            one,
            with("/rules", json!([])),
            with("/levels", json!({})),
            with("/rules/0/scopes", json!(["*"])),
            with("/rotation/overlap_s", json!(0)),
            with("/rotation/overlap_s", json!(2_592_000)),
        ] {
            assert!(schema.is_valid(&good), "{:?}", schema.validate(&good));
            assert!(checked(&good), "{good}");
        }
        let bad = [
            ("/environment", json!("prod")),
            ("/brand", json!("A")),
            ("/brand", json!("a")),
            ("/brand", json!("wkadmin")),
            ("/brand", json!("abcdefghijklm")),
            ("/audiences", json!([])),
            ("/audiences/0/number", json!(0)),
            ("/audiences/0/number", json!(256)),
            ("/audiences/0/name", json!("wardkey")),
            ("/audiences/0/name", json!("-a")),
            ("/audiences/0/max_lifetime_s", json!(59)),
            ("/audiences/0/max_lifetime_s", json!(4_294_967_296_u64)),
            ("/audiences/0/scopes", json!([])),
            ("/audiences/0/scopes/0/name", json!("reports:*")),
            ("/audiences/0/scopes/0/name", json!("reports")),
            ("/audiences/0/scopes/0/number", json!(-1)),
            ("/audiences/0/scopes/0/risk", json!("extreme")),
            ("/audiences/0/roles/0/name", json!("Reporter")),
            ("/audiences/0/roles/0/scopes", json!([])),
            ("/audiences/0/roles", json!(null)),
            ("/levels/extreme", json!({})),
            ("/levels/high/max_lifetime_s", json!(59)),
            ("/levels/high/max_lifetime_s", json!(null)),
            ("/levels/high/require", json!(["colour"])),
            ("/levels/high/require", json!(["meta."])),
            ("/levels/high/require", json!(["meta.a\u{7}"])),
            ("/levels/high/colour", json!(1)),
            ("/rules", json!(null)),
            ("/rules/0/name", json!("")),
            ("/rules/0/actors", json!([])),
            ("/rules/0/actors", json!(["ops*"])),
            ("/rules/0/actors", json!(["Ops:*"])),
            ("/rules/0/actors", json!([":*"])),
            ("/rules/0/subjects", json!([""])),
            ("/rules/0/subjects", json!(["svc:*:a"])),
            ("/rules/0/audiences", json!([])),
            ("/rules/0/scopes", json!([])),
            ("/rules/0/scopes", json!(["reports*"])),
            ("/rules/0/max_lifetime_s", json!(0)),
            ("/rules/1/require_networks_within", json!([])),
            ("/rules/1/require_networks_within", json!(["here"])),
            ("/rules/1/require_networks_within", json!(null)),
            ("/rules/1/colour", json!(1)),
            ("/rotation", json!(null)),
            ("/rotation", json!({})),
            ("/rotation/overlap_s", json!(2_592_001)),
            ("/colour", json!(1)),
        ];
        for (pointer, value) in bad {
            let bad = with(pointer, value.clone());
            assert!(!schema.is_valid(&bad), "the schema takes {pointer} {value}");
            assert!(!checked(&bad), "the registry takes {pointer} {value}");
        }
    }
}

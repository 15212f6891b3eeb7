//! The component of whoever holds a key narrows and reads every vector as the core does.

use std::net::IpAddr;
use std::sync::{Mutex, OnceLock};

use serde_json::Value;
use wardkey_vectors::{Case, artefact, cases, text_of, texts_of};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

wasmtime::component::bindgen!({ path: "../../../wit/verify", world: "holding" });

use exports::wardkey::verify::holder::{KeyError, NarrowError};
use exports::wardkey::verify::types::{IpAddress, Narrowing, Network};

fn holder() -> (Store<()>, Holding) {
    let engine = Engine::default();
    let bytes = artefact("wardkey.holding.component.wasm", "component");
    let component = Component::new(&engine, bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let holding = Holding::instantiate(&mut store, &component, &Linker::new(&engine)).unwrap();
    (store, holding)
}

/// What a key says of itself: the first second in which it is dead, and whether a holder has narrowed it.
pub(crate) fn said_of(key: &str) -> (u32, bool) {
    static HOLDER: OnceLock<Mutex<(Store<()>, Holding)>> = OnceLock::new();
    let (store, holding) = &mut *HOLDER.get_or_init(|| Mutex::new(holder())).lock().unwrap();
    let unproven = holding.wardkey_verify_holder().call_inspect(store, key).unwrap().unwrap();
    (unproven.expires_at_s, !unproven.narrowings.is_empty())
}

#[test]
fn every_narrowing_is_made_or_refused_as_its_vector_says() {
    let (mut store, holding) = holder();
    let all: Vec<Case> =
        cases("mint_narrow").into_iter().filter(|each| each.case["do"] == "narrow").collect();
    let mut unaskable = 0;
    for Case { name, expect, case } in &all {
        let Some(narrowing) = narrowing(&case["fields"]) else {
            assert_eq!(expect["error"], "refused", "{name}");
            unaskable += 1;
            continue;
        };
        let narrowed = holding
            .wardkey_verify_holder()
            .call_narrow(&mut store, text_of(&case["key"]), &narrowing)
            .unwrap();
        match (narrowed, expect["error"].as_str()) {
            (Ok(text), None) => assert_eq!(text, text_of(&expect["ok"]), "{name}"),
            (Err(NarrowError::Malformed), Some("malformed"))
            | (Err(NarrowError::BadChecksum), Some("bad_checksum")) => {}
            (
                Err(
                    NarrowError::Empty
                    | NarrowError::BadNetwork
                    | NarrowError::TooMuch
                    | NarrowError::TooMany
                    | NarrowError::KeyTooLong,
                ),
                Some("refused"),
            ) => {}
            (narrowed, _) => panic!("{name}: {narrowed:?}"),
        }
    }
    println!("{} of {} narrowings of mint_narrow.json", all.len() - unaskable, all.len());
    // The others: numbers and networks that the WIT has no place for.
    assert_eq!(all.len(), 48);
    assert!(unaskable <= 6, "{unaskable}");
}

#[test]
fn every_key_is_inspected_as_its_vector_says() {
    let (mut store, holding) = holder();
    let all = cases("key");
    for Case { name, expect, case } in &all {
        let read = holding
            .wardkey_verify_holder()
            .call_inspect(&mut store, text_of(&case["key"]))
            .unwrap();
        let ok = &expect["ok"];
        match read {
            Err(KeyError::Malformed) => assert_eq!(expect["deny"], "malformed", "{name}"),
            Err(KeyError::BadChecksum) => assert_eq!(expect["deny"], "bad_checksum", "{name}"),
            Ok(read) => {
                assert_eq!(read.prefix, text_of(&ok["prefix"]), "{name}");
                assert_eq!(read.claims.subject, text_of(&ok["subject"]), "{name}");
                assert_eq!(read.claims.key_id, text_of(&ok["key_id"]), "{name}");
                assert_eq!(
                    Some(u64::from(read.claims.status_index)),
                    ok["status_index"].as_u64(),
                    "{name}"
                );
                assert_eq!(read.narrowings.len(), ok["blocks"].as_array().unwrap().len(), "{name}");
            }
        }
    }
    println!("{0} of {0} cases of key.json, inspected", all.len());
    assert_eq!(all.len(), 604);
}

/// What a vector takes away; nothing where the WIT has no place for it.
fn narrowing(fields: &Value) -> Option<Narrowing> {
    let second = |field: &str| match &fields[field] {
        Value::Null => Some(None),
        number => u32::try_from(number.as_u64()?).ok().map(Some),
    };
    let scopes = match &fields["scopes"] {
        Value::Null => None,
        list => Some(
            list.as_array()?
                .iter()
                .map(|number| u8::try_from(number.as_u64()?).ok())
                .collect::<Option<_>>()?,
        ),
    };
    let networks = match &fields["networks"] {
        Value::Null => None,
        list => Some(texts_of(list).iter().map(|text| network(text)).collect::<Option<_>>()?),
    };
    Some(Narrowing {
        scopes,
        expires_at_s: second("expires_at")?,
        not_before_s: second("not_before")?,
        networks,
    })
}

fn network(text: &str) -> Option<Network> {
    let (address, length) = text.split_once('/')?;
    if length.starts_with('+') || (length.len() > 1 && length.starts_with('0')) {
        return None;
    }
    let address = match address.parse().ok()? {
        IpAddr::V4(v4) => IpAddress::Ipv4(v4.octets().into()),
        IpAddr::V6(v6) => IpAddress::Ipv6(v6.segments().into()),
    };
    Some(Network { address, prefix_length: length.parse().ok()? })
}

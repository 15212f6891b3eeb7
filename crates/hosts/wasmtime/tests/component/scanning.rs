//! The component that scans finds what every vector says.

use wardkey_vectors::{Case, artefact, cases, text_of};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

wasmtime::component::bindgen!({ path: "../../../wit/scan", world: "scanning" });

use exports::wardkey::scan::scanner::{Kind, Options};

#[test]
fn every_credential_is_found_and_replaced_as_its_vector_says() {
    let engine = Engine::default();
    let bytes = artefact("wardkey.scanning.component.wasm", "component");
    let component = Component::new(&engine, bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let scanning = Scanning::instantiate(&mut store, &component, &Linker::new(&engine)).unwrap();
    let scanner = scanning.wardkey_scan_scanner();
    let plain = Options { brands: Vec::new(), deep: false };
    let (all, mut stated) = (cases("scan"), 0);
    for Case { name, expect, case } in &all {
        let text = text_of(&case["text"]);
        let found = scanner.call_scan(&mut store, text.as_bytes(), &plain).unwrap().unwrap();
        for finding in expect["ok"]["findings"].as_array().unwrap() {
            let at = u32::try_from(finding["at"].as_u64().unwrap()).unwrap();
            let end = at + u32::try_from(text_of(&finding["text"]).len()).unwrap();
            let covering: Vec<_> =
                found.iter().filter(|each| each.start <= at && each.end > at).collect();
            assert_eq!(covering.len(), 1, "{name}");
            if finding["what"] == "key" {
                assert_eq!(
                    (covering[0].kind, covering[0].start, covering[0].end),
                    (Kind::Key, at, end),
                    "{name}"
                );
            }
            stated += 1;
        }
        let (mut rest, mut last) = (String::new(), 0);
        for each in &found {
            rest.push_str(&text[last..each.start as usize]);
            rest.push_str(&each.label);
            last = each.end as usize;
        }
        rest.push_str(&text[last..]);
        assert_eq!(scanner.call_redact(&mut store, text, &plain).unwrap().unwrap(), rest, "{name}");
    }
    println!("{0} of {0} cases of scan.json, {stated} credentials", all.len());
    assert_eq!((all.len(), stated), (151, 121));
}

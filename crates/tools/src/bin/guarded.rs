//! `guarded GUARD VERIFIER SERVICE GUARDED`: composes a service of wasi:http 0.3 with the guard in front of it.
//!
//! The service has an environment without anything in it: the guard's credential is in the one that the host gives. What else the service asks
//! its host for, it gets.

use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use wac_graph::{
    CompositionGraph, EncodeOptions, NodeId,
    types::{Package, Types},
};
use wit_component::ComponentEncoder;

fn main() -> Result<()> {
    let [_, guard, verifier, service, guarded] = &env::args().collect::<Vec<_>>()[..] else {
        bail!("usage: guarded GUARD VERIFIER SERVICE GUARDED");
    };
    let parts = [component(guard)?, component(verifier)?, component(service)?];
    let bytes = compose(parts).with_context(|| format!("cannot guard {service}"))?;
    fs::write(guarded, bytes).with_context(|| format!("cannot write {guarded}"))
}

/// A component from a file that holds one, or the module of one.
fn component(path: &str) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {path}"))?;
    let is_module = bytes.get(4..8) == Some(&[1, 0, 0, 0]);
    if !is_module {
        return Ok(bytes);
    }
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.module(&bytes)?.validate(true).encode();
    encoded.with_context(|| format!("{path} is the module of no component"))
}

fn compose([guard, verifier, service]: [Vec<u8>; 3]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let guard = Part::of(&mut graph, "guard", guard)?;
    let verifier = Part::of(&mut graph, "verifier", verifier)?;
    let service = Part::of(&mut graph, "service", service)?;
    let nothing = Part::of(&mut graph, "nothing", wat::parse_str(NO_ENVIRONMENT)?)?;

    for import in service.imports.iter().filter(|name| name.starts_with(ENVIRONMENT)) {
        nothing.give(&mut graph, ENVIRONMENT, &service, import)?;
    }
    service
        .give(&mut graph, HANDLER, &guard, guard.name(HANDLER, &guard.imports)?)
        .context("only a service of wasi:http 0.3 can be guarded")?;
    for import in guard.imports.iter().filter(|name| name.starts_with(VERIFY)) {
        verifier.give(&mut graph, import, &guard, import)?;
    }
    let handler = guard.name(HANDLER, &guard.exports)?;
    let exported = graph.alias_instance_export(guard.node, handler)?;
    graph.export(exported, handler)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

/// A component that is instantiated once.
struct Part {
    node: NodeId,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Part {
    fn of(graph: &mut CompositionGraph, name: &str, bytes: Vec<u8>) -> Result<Self> {
        let package = format!("wardkey:{name}");
        let package = Package::from_bytes(&package, None, bytes, graph.types_mut())?;
        let (imports, exports) = names(graph.types(), &package);
        let package = graph.register_package(package)?;
        Ok(Self { node: graph.instantiate(package), imports, exports })
    }

    /// Gives what this one exports by the one name to the other that imports it by its own name.
    fn give(&self, graph: &mut CompositionGraph, from: &str, to: &Self, name: &str) -> Result<()> {
        let export = graph.alias_instance_export(self.node, self.name(from, &self.exports)?)?;
        Ok(graph.set_instantiation_argument(to.node, name, export)?)
    }

    /// The whole name of what begins so.
    fn name<'n>(&self, start: &str, names: &'n [String]) -> Result<&'n str> {
        let mut found = names.iter().filter(|name| name.starts_with(start));
        let name = found.next().with_context(|| format!("there is no {start}"))?;
        ensure!(found.next().is_none(), "there are several {start}");
        Ok(name)
    }
}

fn names(types: &Types, package: &Package) -> (Vec<String>, Vec<String>) {
    let world = &types[package.ty()];
    (world.imports.keys().cloned().collect(), world.exports.keys().cloned().collect())
}

const HANDLER: &str = "wasi:http/handler@0.3.";
const VERIFY: &str = "wardkey:verify/";
const ENVIRONMENT: &str = "wasi:cli/environment@";

/// All versions of WASI's environment, empty: each result is read from zeros.
const NO_ENVIRONMENT: &str = r#"
(component
  (core module $zeros
    (memory (export "memory") 1)
    (func (export "zeros") (result i32) (i32.const 0)))
  (core instance $zeros (instantiate $zeros))
  (alias core export $zeros "memory" (core memory $memory))
  (alias core export $zeros "zeros" (core func $nothing))
  (func $environment (result (list (tuple string string))) (canon lift (core func $nothing) (memory $memory)))
  (func $arguments (result (list string)) (canon lift (core func $nothing) (memory $memory)))
  (func $folder (result (option string)) (canon lift (core func $nothing) (memory $memory)))
  (instance $nothing
    (export "get-environment" (func $environment))
    (export "get-arguments" (func $arguments))
    (export "initial-cwd" (func $folder))
    (export "get-initial-cwd" (func $folder)))
  (export "wasi:cli/environment@0.2.0" (instance $nothing)))
"#;

//! `componentize WIT WORLD CORE COMPONENT`: wraps a core module that has the exports of a world into a component.
//!
//! Fails if the component asks its host for anything: a component without imports can read no clock,
//! open no file and reach no network, whatever its code tries.

use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

fn main() -> Result<()> {
    let [_, wit, world, core, component] = &env::args().collect::<Vec<_>>()[..] else {
        bail!("usage: componentize WIT WORLD CORE COMPONENT");
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).with_context(|| format!("cannot read {wit}"))?;
    let world = resolve.select_world(&[package], Some(world))?;
    let mut module = fs::read(core).with_context(|| format!("cannot read {core}"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    let bytes = ComponentEncoder::default()
        .module(&module)?
        .validate(true)
        .encode()
        .with_context(|| format!("{core} does not fit {wit}"))?;

    let DecodedWasm::Component(resolve, world) = wit_component::decode(&bytes)? else {
        bail!("{core} holds a WIT package, not code");
    };
    let imports: Vec<String> =
        resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect();
    ensure!(
        imports.is_empty(),
        "the component imports {}: it must need nothing from its host",
        imports.join(", ")
    );
    fs::write(component, bytes).with_context(|| format!("cannot write {component}"))
}

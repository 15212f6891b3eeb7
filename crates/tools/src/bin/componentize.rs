//! `componentize CORE COMPONENT`: wraps a core module that carries its WIT into a component.
//!
//! Fails if the component asks its host for anything: a component without imports can read no clock,
//! open no file and reach no network, whatever its code tries.

use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use wit_component::{ComponentEncoder, DecodedWasm};

fn main() -> Result<()> {
    let [_, core, component] = &env::args().collect::<Vec<_>>()[..] else {
        bail!("usage: componentize CORE COMPONENT");
    };
    let module = fs::read(core).with_context(|| format!("cannot read {core}"))?;
    let bytes = ComponentEncoder::default()
        .module(&module)?
        .validate(true)
        .encode()
        .context("the core module does not fit its WIT")?;

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

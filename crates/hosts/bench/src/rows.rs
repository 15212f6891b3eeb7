//! The rows, each shown to do its job before it is timed.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result, anyhow, ensure};
use wardkey::{Decision, KeySet, List, Query, Requirement, State, UnixMillis, UnverifiedHead};
use wardkey_bench::bare_mac;
use wardkey_bench::rounds::{Row, Timer, repeated};
use wardkey_wasmi::{Adoption, Module, Registry};
use wardkey_wasmtime::{Component, Instance, Refresh, RegistryWord, Required, Verdict};

use crate::abi::Abi;
use crate::fixture::Fixture;

/// Every row.
pub(crate) fn all() -> Result<Vec<Row>> {
    let fixture = Fixture::new()?;
    let unit = bare_mac::rows()?.into_iter().next().context("the unit")?;
    let unit = Row { id: UNIT.to_owned(), base: Some(UNIT.to_owned()), ..unit };
    let mut rows = vec![unit, native(&fixture)?];
    rows.extend(direct(&fixture)?);
    rows.extend(component(&fixture)?);
    for (id, file) in [("abi.wasmi", SIMD), ("abi.wasmi_scalar", SCALAR)] {
        rows.push(interpreted(id, file, &fixture)?);
    }
    Ok(rows)
}

fn row(id: &str, what: &str, base: &str, time: Timer) -> Row {
    Row {
        id: id.to_owned(),
        what: what.to_owned(),
        base: Some(base.to_owned()),
        peer_version: None,
        time,
    }
}

fn native(fixture: &Fixture) -> Result<Row> {
    let (key_set, catalog) = KeySet::parse(&fixture.key_set)?;
    let required = Requirement::all_of(&catalog, [fixture.scope.as_str()])?;
    let head = UnverifiedHead::parse(&fixture.head)?.authenticate(&key_set)?;
    let (now, caller) = (UnixMillis(fixture.now), Some(fixture.caller));
    // A list that owns its bytes lives as long as the row.
    let state = State::parse(fixture.state.as_slice())?;
    let mut list: Option<List<Vec<u8>>> = None;
    let adoption = List::adopt(&mut list, &head, Some(state), now, key_set.bounds())?;
    ensure!(adoption == wardkey::Adoption::Adopted, "the list is not adopted");
    let keys = fixture.keys.clone();
    let decide = move |number: usize| {
        let query = Query {
            required: &required,
            now,
            caller,
            refresh: wardkey::Refresh::NotTried,
            registry: wardkey::Registry::NotAsked,
        };
        wardkey::verify(&key_set, list.as_ref(), Fixture::key(&keys, number), query)
    };
    ensure!(
        (0..fixture.keys.len()).all(|number| matches!(decide(number), Decision::Allow(_))),
        "native"
    );
    Ok(row("hosts.native.verify", "the core without wasm", UNIT, repeated(decide)))
}

fn direct(fixture: &Fixture) -> Result<Vec<Row>> {
    let made = |file: &str, has_fuel| {
        let mut abi = Abi::new(&artefact(file)?, fixture, has_fuel).map_err(told)?;
        for key in &fixture.keys {
            abi.verified(key).map_err(told)?;
        }
        ensure!(
            fixture.forged.iter().all(|key| abi.verdict(key).is_ok_and(|verdict| verdict == 5)),
            "forged"
        );
        anyhow::Ok(abi)
    };
    let verified = |mut abi: Abi| {
        let keys = fixture.keys.clone();
        repeated(move |number| abi.verified(Fixture::key(&keys, number)).ok())
    };
    let mut verdicts = made(SIMD, true)?;
    let mut calls = made(SIMD, true)?;
    let keys = fixture.keys.clone();
    Ok(vec![
        row(
            DIRECT,
            "the raw module in wasmtime, with fuel; subject and key id read",
            UNIT,
            verified(made(SIMD, true)?),
        ),
        row("abi.wasmtime_scalar", "the one without SIMD", UNIT, verified(made(SCALAR, true)?)),
        row("abi.wasmtime_without_fuel", "no fuel counted", UNIT, verified(made(SIMD, false)?)),
        row(
            "abi.wasmtime_verdict",
            "the verdict alone",
            UNIT,
            repeated(move |number| verdicts.verdict(Fixture::key(&keys, number)).ok()),
        ),
        row(
            "abi.wasmtime_call",
            "a call that does nearly nothing",
            UNIT,
            repeated(move |_| calls.figure().ok()),
        ),
    ])
}

fn component(fixture: &Fixture) -> Result<Vec<Row>> {
    let bytes = artefact(COMPONENT)?;
    let compiled = Component::compile(&bytes, wardkey_wasmtime::Limits::DEFAULT)?;
    let required = Required { scopes: vec![fixture.scope.clone()], any: false, strict: false };
    let instance = || {
        let mut instance = compiled.instance(&fixture.key_set)?;
        instance.apply_list(&fixture.head, Some(&fixture.state), fixture.now)?;
        anyhow::Ok(instance)
    };
    let (now, caller) = (fixture.now, Some(fixture.caller));
    let verify = move |instance: &mut Instance, key: &str| {
        instance.verify(key, &required, now, caller, Refresh::NotTried, RegistryWord::NotAsked)
    };
    let mut tried = instance()?;
    for (keys, is_good) in [(&fixture.keys, true), (&fixture.forged, false)] {
        for key in keys {
            match verify(&mut tried, key)? {
                Verdict::Allow(_) if is_good => {}
                Verdict::Deny(denial) if !is_good && denial.reason.word() == "bad_tag" => {}
                verdict => return Err(anyhow!("component: {verdict:?}")),
            }
        }
    }
    let timed = |keys: &[String]| {
        let (mut instance, verify, keys) = (instance()?, verify.clone(), keys.to_vec());
        anyhow::Ok(repeated(move |number| verify(&mut instance, Fixture::key(&keys, number)).ok()))
    };
    let mut calls = instance()?;
    let (fresh, key_set) = (compiled.clone(), fixture.key_set.clone());
    Ok(vec![
        row(
            "component.wasmtime",
            "the component in wasmtime, with fuel; all of `allow` handed over",
            DIRECT,
            timed(&fixture.keys)?,
        ),
        row(
            "component.wasmtime_refused",
            "a wrong tag; a denial handed over",
            DIRECT,
            timed(&fixture.forged)?,
        ),
        row(
            "component.wasmtime_call",
            "a call that does nearly nothing",
            "abi.wasmtime_call",
            repeated(move |_| calls.key_set().ok()),
        ),
        row(
            "component.wasmtime_instance",
            "a new instance with its key set",
            UNIT,
            repeated(move |_| fresh.instance(&key_set).ok()),
        ),
        row(
            "component.wasmtime_compile",
            "compiling it, once a process",
            UNIT,
            repeated(move |_| Component::compile(&bytes, wardkey_wasmtime::Limits::DEFAULT).ok()),
        ),
    ])
}

fn interpreted(id: &str, file: &str, fixture: &Fixture) -> Result<Row> {
    let module = Module::compile(&artefact(file)?, wardkey_wasmi::Limits::DEFAULT)?;
    let mut verifier = module.verifier(&fixture.key_set)?;
    let now = fixture.now as f64;
    let adopted = verifier.adopt(&fixture.head, Some(&fixture.state), now)?;
    ensure!(adopted == Adoption::Adopted, "{id}: {adopted:?}");
    let required = verifier.require(std::slice::from_ref(&fixture.scope), false, false)?;
    let caller = Some(fixture.caller);
    let mut verified = move |key: &str| {
        let verdict = verifier.verify(key, required, now, caller, false, Registry::NotAsked)?;
        anyhow::Ok((verdict, verifier.claims()?))
    };
    for key in &fixture.keys {
        let (verdict, claims) = verified(key)?;
        ensure!(verdict == wardkey_wasmi::Verdict::Allow && claims.is_some(), "{id}: {verdict:?}");
    }
    let keys = fixture.keys.clone();
    let time = repeated(move |number| verified(Fixture::key(&keys, number)).ok());
    Ok(row(id, "the raw module interpreted by wasmi, with fuel; its claims read", UNIT, time))
}

/// An error of wasmtime's own kind.
fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

fn artefact(file: &str) -> Result<Vec<u8>> {
    let path = env::var_os("WARDKEY_ARTEFACTS")
        .map_or_else(|| PathBuf::from("target"), PathBuf::from)
        .join(file);
    fs::read(&path).with_context(|| {
        format!("{}: `cargo xtask component` and `cargo xtask js` make them", path.display())
    })
}

const UNIT: &str = "hosts.unit";
const DIRECT: &str = "abi.wasmtime";
const SCALAR: &str = "wardkey.verifier.scalar.wasm";
const SIMD: &str = "wardkey.verifier.wasm";
const COMPONENT: &str = "wardkey.verifying.component.wasm";

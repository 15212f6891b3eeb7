//! The raw module called directly in wasmtime, as ABI.md has it and with as little around it as can be.

use std::net::IpAddr;

use wasmtime::error::{Context as _, Result, bail, ensure};
use wasmtime::{Config, Engine, Instance, Memory, Module, OptLevel, Store, TypedFunc};

use crate::fixture::Fixture;

type Words = (u32, u32, f64, u32, u32, u32, u32, u32, u32);

/// An instance that holds the fixture's key set and list.
pub(crate) struct Abi {
    store: Store<()>,
    memory: Memory,
    input: usize,
    verify: TypedFunc<Words, u32>,
    claims: TypedFunc<(), u32>,
    figure: TypedFunc<u32, f64>,
    requirement: u32,
    now: f64,
    caller: u32,
    has_fuel: bool,
}

impl Abi {
    pub(crate) fn new(bytes: &[u8], fixture: &Fixture, has_fuel: bool) -> Result<Self> {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::Speed).consume_fuel(has_fuel);
        let engine = Engine::new(&config)?;
        let mut store = Store::new(&engine, ());
        if has_fuel {
            store.set_fuel(u64::MAX)?;
        }
        let instance = Instance::new(&mut store, &Module::new(&engine, bytes)?, &[])?;
        let memory = instance.get_memory(&mut store, "memory").context("memory")?;
        let input = instance.get_typed_func::<(), u32>(&mut store, "input")?;
        let input = input.call(&mut store, ())? as usize;
        let set_keys = instance.get_typed_func::<u32, u32>(&mut store, "set_keys")?;
        memory.write(&mut store, input, &fixture.key_set)?;
        ensure!(set_keys.call(&mut store, fixture.key_set.len() as u32)? == 0, "key set");
        let require = instance.get_typed_func::<(u32, u32), u32>(&mut store, "require")?;
        memory.write(&mut store, input, fixture.scope.as_bytes())?;
        let requirement = require.call(&mut store, (fixture.scope.len() as u32, 0))?;
        let state = instance.get_typed_func::<u32, u32>(&mut store, "state")?;
        let at = state.call(&mut store, fixture.state.len() as u32)? as usize;
        memory.write(&mut store, at, &fixture.state)?;
        memory.write(&mut store, input, &fixture.head)?;
        let adopt = instance.get_typed_func::<(u32, f64), u32>(&mut store, "adopt")?;
        let now = fixture.now as f64;
        ensure!(adopt.call(&mut store, (fixture.head.len() as u32, now))? == 0, "list");
        let IpAddr::V4(caller) = fixture.caller else { bail!("an IPv4 address") };
        Ok(Self {
            verify: instance.get_typed_func(&mut store, "verify")?,
            claims: instance.get_typed_func(&mut store, "claims")?,
            figure: instance.get_typed_func(&mut store, "figure")?,
            caller: caller.to_bits(),
            store,
            memory,
            input,
            requirement,
            now,
            has_fuel,
        })
    }

    /// The verdict on a key.
    pub(crate) fn verdict(&mut self, key: &str) -> Result<u32> {
        self.refuel()?;
        self.memory.write(&mut self.store, self.input, key.as_bytes())?;
        let words = (key.len() as u32, self.requirement, self.now, 1 << 3, 0, self.caller, 0, 0, 0);
        self.verify.call(&mut self.store, words)
    }

    /// Subject and key id of a key that is allowed.
    pub(crate) fn verified(&mut self, key: &str) -> Result<(String, String)> {
        ensure!(self.verdict(key)? == 0, "not allowed");
        let at = self.claims.call(&mut self.store, ())? as usize;
        let base = self.memory.data(&self.store).get(at + 64..).context("claims")?;
        let id = u64::from_be_bytes(base.get(5..13).context("id")?.try_into()?);
        let end = 26 + usize::from(base.get(25).context("length")? & 0x3f);
        let subject = std::str::from_utf8(base.get(26..end).context("subject")?)?;
        Ok((subject.to_owned(), format!("key_{id:016x}")))
    }

    /// A call that does nearly nothing.
    pub(crate) fn figure(&mut self) -> Result<f64> {
        self.refuel()?;
        self.figure.call(&mut self.store, 3)
    }

    fn refuel(&mut self) -> Result<()> {
        if self.has_fuel {
            self.store.set_fuel(FUEL)?;
        }
        Ok(())
    }
}

/// As much as the component gets for a call.
const FUEL: u64 = 20_000_000;

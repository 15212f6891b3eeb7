//! How many steps of wasm a verification takes: as many for every wrong tag, wherever it is wrong.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wasmi::{Config, Engine, Instance, Linker, Memory, Module, Store, WasmParams, WasmResults};

use crate::Fault;

/// The module at work, with its steps counted.
struct Machine {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

/// Verifies keys whose tags differ from the right one in every one bit, and compares the steps.
pub(crate) fn equal(wasm: &[u8]) -> Result<Value, Fault> {
    let mut machine = Machine::start(wasm)?;
    let addresses = machine.call::<(), u32>("fuel_verifier", ())?;
    let mut parts = [0_u32; 4];
    for (part, place) in parts.iter_mut().zip(0..) {
        *part = machine.word(addresses + 4 * place)?;
    }

    let (good, said) = machine.verify(parts, TAG_LEN, 0)?;
    if said != "allow" {
        return Err(format!("the good key was not allowed, but {said}").into());
    }
    let right = machine.call::<(u32, u32), u32>("fuel_tag", (TAG_LEN, 0))?;
    let (mut steps, mut leaky, mut keys) = (BTreeSet::new(), Vec::new(), 0);
    for byte in 0..TAG_LEN {
        for bit in 0..8 {
            let (took, said) = machine.verify(parts, byte, bit)?;
            if said != "bad_tag" {
                return Err(format!("byte {byte}, bit {bit} of the tag changed: {said}").into());
            }
            steps.insert(took);
            keys += 1;
        }
        let forged = machine.call::<(u32, u32), u32>("fuel_tag", (byte, 0))?;
        leaky.push(machine.fuel::<_, u32>("control_early_exit", (right, forged))?.0);
    }
    println!("{keys} keys with one bit of the tag changed: {steps:?} steps; the good key: {good}");
    println!("the leaky control, by the first byte that differs: {leaky:?}");
    let told_apart: BTreeSet<_> = leaky.iter().collect();
    if told_apart.len() != leaky.len() {
        return Err("the leaky control was not caught: steps cannot tell what they should".into());
    }
    if steps.len() != 1 {
        return Err(format!("where a tag is wrong shows in the steps: {steps:?}").into());
    }
    Ok(
        json!({ "forged_keys": keys, "steps": steps, "steps_of_good_key": good, "steps_of_leaky_control": leaky }),
    )
}

impl Machine {
    fn start(wasm: &[u8]) -> Result<Self, Fault> {
        let mut config = Config::default();
        config.consume_fuel(true);
        let engine = Engine::new(&config);
        let module = Module::new(&engine, wasm)?;
        let mut store = Store::new(&engine, ());
        store.set_fuel(FUEL)?;
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
        let memory = instance.get_memory(&store, "memory").ok_or("the module exports no memory")?;
        Ok(Self { store, instance, memory })
    }

    /// Verifies the good key with one bit of its tag changed: the steps it took, and the decision.
    fn verify(&mut self, parts: [u32; 4], byte: u32, bit: u32) -> Result<(u64, String), Fault> {
        let [key_set, list, query, out] = parts;
        let key = self.call::<(u32, u32), u64>("fuel_key", (byte, bit))?;
        let (start, len) = (high(key), low(key));
        let arguments = (key_set, list, start, len, query, out);
        let (took, ()) = self.fuel("probe_verify", arguments)?;
        let word = self.call::<u32, u64>("fuel_word", out)?;
        let mut text = vec![0; low(word) as usize];
        self.memory.read(&self.store, high(word) as usize, &mut text)?;
        Ok((took, String::from_utf8(text)?))
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, with: P) -> Result<R, Fault> {
        Ok(self.fuel(name, with)?.1)
    }

    fn fuel<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        with: P,
    ) -> Result<(u64, R), Fault> {
        let function = self.instance.get_typed_func::<P, R>(&self.store, name)?;
        self.store.set_fuel(FUEL)?;
        let result = function.call(&mut self.store, with)?;
        Ok((FUEL - self.store.get_fuel()?, result))
    }

    fn word(&self, address: u32) -> Result<u32, Fault> {
        let mut bytes = [0; 4];
        self.memory.read(&self.store, address as usize, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

const fn high(pair: u64) -> u32 {
    (pair >> 32) as u32
}

const fn low(pair: u64) -> u32 {
    pair as u32
}

/// More than any of these calls takes.
const FUEL: u64 = 1 << 40;
/// Bytes of a tag.
const TAG_LEN: u32 = 16;

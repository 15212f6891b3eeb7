//! What a verification does in wasm, instruction by instruction: the same for every wrong tag, wherever
//! it is wrong.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wasmi::{Engine, Instance, Linker, Memory, Module, Store, Val, WasmParams, WasmResults};

use crate::Fault;
use crate::counted::{STEPS, TRACE, counted};

/// The module at work, with its instructions counted.
struct Machine {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

/// What a call did: how many instructions, and a digest of which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Done {
    steps: u64,
    trace: u64,
}

/// Verifies keys whose tags differ from the right one in every one bit, and compares what was done.
pub(crate) fn equal(wasm: &[u8]) -> Result<Value, Fault> {
    let mut machine = Machine::start(&counted(wasm)?)?;
    let addresses = machine.call::<(), u32>("steps_verifier", ())?.1;
    let mut parts = [0_u32; 5];
    for (part, place) in parts.iter_mut().zip(0..) {
        *part = machine.word(addresses + 4 * place)?;
    }
    let [.., fixture] = parts;

    let (good, said) = machine.verify(parts, TAG_LEN, 0)?;
    if said != "allow" {
        return Err(format!("the good key was not allowed, but {said}").into());
    }
    let (again, _) = machine.verify(parts, TAG_LEN, 0)?;
    if again != good {
        return Err(format!("the good key took {good:?}, then {again:?}").into());
    }
    let right = machine.call::<_, u32>("steps_tag", (fixture, TAG_LEN, 0))?.1;
    let (mut done, mut leaky, mut keys) = (BTreeSet::new(), Vec::new(), 0);
    for byte in 0..TAG_LEN {
        for bit in 0..8 {
            let (by_key, said) = machine.verify(parts, byte, bit)?;
            if said != "bad_tag" {
                return Err(format!("byte {byte}, bit {bit} of the tag changed: {said}").into());
            }
            done.insert(by_key);
            keys += 1;
        }
        let forged = machine.call::<_, u32>("steps_tag", (fixture, byte, 0))?.1;
        leaky.push(machine.call::<_, u32>("control_early_exit", (right, forged))?.0);
    }
    let steps: BTreeSet<u64> = done.iter().map(|done| done.steps).collect();
    let leaky_steps: Vec<u64> = leaky.iter().map(|done| done.steps).collect();
    println!(
        "{keys} keys, each with another bit of the tag changed: paths taken: {}, instructions: {steps:?}; by the good key: {}",
        done.len(),
        good.steps
    );
    println!("the leaky control, by the first byte that differs: {leaky_steps:?} instructions");
    let told_apart: BTreeSet<_> = leaky_steps.iter().collect();
    if told_apart.len() != leaky.len() {
        return Err("the leaky control was not caught: steps cannot tell what they should".into());
    }
    if done.len() != 1 {
        return Err(
            format!("where a tag is wrong shows in what is done: {} paths", done.len()).into()
        );
    }
    Ok(json!({
        "forged_keys": keys,
        "paths": done.len(),
        "steps": steps,
        "steps_of_good_key": good.steps,
        "steps_of_leaky_control": leaky_steps,
    }))
}

impl Machine {
    fn start(wasm: &[u8]) -> Result<Self, Fault> {
        let engine = Engine::default();
        let module = Module::new(&engine, wasm)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
        let memory = instance.get_memory(&store, "memory").ok_or("the module exports no memory")?;
        Ok(Self { store, instance, memory })
    }

    /// Verifies the good key with one bit of its tag changed: what was done, and the decision.
    fn verify(&mut self, parts: [u32; 5], byte: u32, bit: u32) -> Result<(Done, String), Fault> {
        let [key_set, list, query, out, fixture] = parts;
        let key = self.call::<_, u64>("steps_key", (fixture, byte, bit))?.1;
        let arguments = (key_set, list, high(key), low(key), query, out);
        let (done, ()) = self.call("probe_verify", arguments)?;
        let word = self.call::<u32, u64>("steps_word", out)?.1;
        let mut text = vec![0; low(word) as usize];
        self.memory.read(&self.store, high(word) as usize, &mut text)?;
        Ok((done, String::from_utf8(text)?))
    }

    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        with: P,
    ) -> Result<(Done, R), Fault> {
        let function = self.instance.get_typed_func::<P, R>(&self.store, name)?;
        for counter in [STEPS, TRACE] {
            let global = self.instance.get_global(&self.store, counter).ok_or(counter)?;
            global.set(&mut self.store, Val::I64(0))?;
        }
        let result = function.call(&mut self.store, with)?;
        Ok((Done { steps: self.counter(STEPS)?, trace: self.counter(TRACE)? }, result))
    }

    fn counter(&self, name: &str) -> Result<u64, Fault> {
        let global = self.instance.get_global(&self.store, name).ok_or("no such counter")?;
        match global.get(&self.store) {
            Val::I64(value) => Ok(value.cast_unsigned()),
            _ => Err("a counter of another type".into()),
        }
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

/// Bytes of a tag.
const TAG_LEN: u32 = 16;

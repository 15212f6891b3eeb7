//! The component, compiled once and shared by all threads.

use wasmtime::component::{Component as Compiled, Linker};
use wasmtime::{Config, Engine, OptLevel, Store};

use crate::bindings::VerifyingPre;
use crate::error::HostError;
use crate::instance::Instance;
use crate::limits::{Limits, Room};

/// The verifier's component, ready to be instantiated. Copies share the machine code.
#[derive(Clone)]
pub struct Component {
    engine: Engine,
    ready: VerifyingPre<Room>,
    limits: Limits,
}

impl Component {
    /// Compiles a component.
    ///
    /// # Errors
    /// [`HostError::Component`] for bytes that are none, or one that is not `wardkey:verify`'s, or that wants something
    /// from its host.
    pub fn compile(bytes: &[u8], limits: Limits) -> Result<Self, HostError> {
        let mut config = Config::new();
        // WHY fuel: the same call takes the same fuel on every machine, however busy it is, and no thread has to keep time.
        config.consume_fuel(true);
        config.cranelift_opt_level(OptLevel::Speed);
        // What a trap says of the guest goes nowhere: names and frames would be looked up for nothing.
        config.wasm_backtrace_max_frames(None);
        let compiled = || {
            let engine = Engine::new(&config)?;
            let component = Compiled::new(&engine, bytes)?;
            // A linker without anything in it: what the component wants from a host, it does not get.
            let ready = VerifyingPre::new(Linker::new(&engine).instantiate_pre(&component)?)?;
            Ok(Self { engine, ready, limits })
        };
        compiled().map_err(HostError::Component)
    }

    /// A new instance that holds this key set, and no list yet. The caller wipes the bytes.
    ///
    /// # Errors
    /// [`HostError::KeySet`] for a key set that is refused, [`HostError::Trapped`] where there is no room for an instance.
    pub fn instance(&self, key_set: &[u8]) -> Result<Instance, HostError> {
        let mut store = Store::new(&self.engine, self.limits.room());
        store.limiter(Room::limiter);
        Instance::new(store, &self.ready, key_set, &self.limits)
    }
}

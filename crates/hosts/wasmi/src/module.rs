//! The module, compiled once; every verifier is an instance of it.

use wasmi::{Config, Engine, Linker, Store};

use crate::error::HostError;
use crate::limits::Limits;
use crate::verifier::Verifier;

/// The verifier's module, ready to be instantiated.
#[derive(Clone, Debug)]
pub struct Module {
    engine: Engine,
    module: wasmi::Module,
    limits: Limits,
}

impl Module {
    /// Compiles a module.
    ///
    /// # Errors
    /// [`HostError::Module`] for bytes that are none, or one that wants something from its host.
    pub fn compile(bytes: &[u8], limits: Limits) -> Result<Self, HostError> {
        let mut config = Config::default();
        config.consume_fuel(true);
        let engine = Engine::new(&config);
        let module = wasmi::Module::new(&engine, bytes);
        let module = module.map_err(|error| HostError::Module(error.to_string()))?;
        if let Some(import) = module.imports().next() {
            return Err(HostError::Module(format!(
                "it wants {}.{}",
                import.module(),
                import.name()
            )));
        }
        Ok(Self { engine, module, limits })
    }

    /// A verifier of this key set, and no list yet. The caller wipes the bytes.
    ///
    /// # Errors
    /// [`HostError::KeySet`] for a key set that is refused, [`HostError::Module`] for a module of another ABI,
    /// [`HostError::Trapped`] where there is no room for an instance.
    pub fn verifier(&self, key_set: &[u8]) -> Result<Verifier, HostError> {
        let mut store = Store::new(&self.engine, self.limits.room());
        store.limiter(|room| room);
        let made = store.set_fuel(self.limits.call).and_then(|()| {
            Linker::new(&self.engine).instantiate_and_start(&mut store, &self.module)
        });
        let instance = made.map_err(|_| HostError::Trapped("there is no room for an instance"))?;
        let mut verifier = Verifier::new(store, instance, self.limits)?;
        verifier.renew(key_set)?;
        Ok(verifier)
    }
}

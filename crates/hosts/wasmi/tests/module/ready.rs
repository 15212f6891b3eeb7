//! A verifier that is ready to allow the usual key.

use std::sync::OnceLock;

use wardkey_vectors::{artefact, bytes, issued_at, text_of, texts_of, usual};
use wardkey_wasmi::{
    Adoption, HostError, Limits, Module, Registry, Requirement, Verdict, Verifier,
};

/// The module without SIMD and with it, compiled once for all tests.
pub(crate) fn modules() -> &'static [Module; 2] {
    static MODULES: OnceLock<[Module; 2]> = OnceLock::new();
    MODULES.get_or_init(|| {
        ["wardkey.verifier.scalar.wasm", "wardkey.verifier.wasm"]
            .map(|file| Module::compile(&artefact(file, "js"), Limits::DEFAULT).unwrap())
    })
}

/// What the usual case is about.
pub(crate) struct Usual {
    pub(crate) key_set: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) state: Vec<u8>,
    pub(crate) key: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) now: f64,
}

impl Usual {
    pub(crate) fn new() -> Self {
        let case = usual();
        Self {
            key_set: bytes(&case["key_set"]),
            head: bytes(&case["list"]["head"]),
            state: bytes(&case["list"]["state"]),
            key: text_of(&case["key"]).to_owned(),
            scopes: texts_of(&case["required"]["scopes"]),
            now: case["now"].as_f64().unwrap(),
        }
    }

    pub(crate) fn adopt(&self, verifier: &mut Verifier) -> Result<Adoption, HostError> {
        verifier.adopt(&self.head, Some(&self.state), issued_at(&self.head) as f64)
    }

    /// A verifier with this key set and list, and its requirement.
    pub(crate) fn verifier(&self) -> (Verifier, Requirement) {
        let mut verifier = modules()[0].verifier(&self.key_set).unwrap();
        assert_eq!(self.adopt(&mut verifier).unwrap(), Adoption::Adopted);
        let required = verifier.require(&self.scopes, false, false).unwrap();
        (verifier, required)
    }

    pub(crate) fn verify(
        &self,
        (verifier, required): &mut (Verifier, Requirement),
        key: &str,
        now: f64,
    ) -> Result<Verdict, HostError> {
        verifier.verify(key, *required, now, None, false, Registry::NotAsked)
    }

    /// Nothing that was done before stands in the way of an allow.
    pub(crate) fn is_allowed(&self, ready: &mut (Verifier, Requirement)) -> bool {
        matches!(self.verify(ready, &self.key, self.now), Ok(Verdict::Allow))
    }
}

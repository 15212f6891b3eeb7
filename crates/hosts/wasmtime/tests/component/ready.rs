//! An instance that is ready to allow the usual key.

use std::sync::OnceLock;

use serde_json::Value;
use wardkey_vectors::{artefact, bytes, issued_at, text_of, texts_of, usual};
use wardkey_wasmtime::{
    Component, HostError, Instance, Limits, Refresh, RegistryWord, Required, Verdict,
};

/// The component, compiled once for all tests.
pub(crate) fn component() -> &'static Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let bytes = artefact("wardkey.verifying.component.wasm", "component");
        Component::compile(&bytes, Limits::DEFAULT).unwrap()
    })
}

/// What the usual case is about.
pub(crate) struct Usual {
    pub(crate) key_set: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) state: Vec<u8>,
    pub(crate) key: String,
    pub(crate) required: Required,
    pub(crate) now: u64,
}

impl Usual {
    pub(crate) fn new() -> Self {
        let case = usual();
        Self {
            key_set: bytes(&case["key_set"]),
            head: bytes(&case["list"]["head"]),
            state: bytes(&case["list"]["state"]),
            key: text_of(&case["key"]).to_owned(),
            required: required(&case["required"]),
            now: case["now"].as_u64().unwrap(),
        }
    }

    /// An instance with this key set and list.
    pub(crate) fn instance(&self) -> Instance {
        let mut instance = component().instance(&self.key_set).unwrap();
        self.apply(&mut instance).unwrap();
        instance
    }

    pub(crate) fn apply(&self, instance: &mut Instance) -> Result<(), HostError> {
        instance.apply_list(&self.head, Some(&self.state), issued_at(&self.head))
    }

    pub(crate) fn verify(
        &self,
        instance: &mut Instance,
        key: &str,
        now: u64,
    ) -> Result<Verdict, HostError> {
        instance.verify(key, &self.required, now, None, Refresh::NotTried, RegistryWord::NotAsked)
    }

    /// Nothing that was done before stands in the way of an allow.
    pub(crate) fn is_allowed(&self, instance: &mut Instance) -> bool {
        matches!(self.verify(instance, &self.key, self.now), Ok(Verdict::Allow(_)))
    }
}

pub(crate) fn required(stated: &Value) -> Required {
    Required {
        scopes: texts_of(&stated["scopes"]),
        any: stated["mode"] == "any_of",
        strict: stated["strict"] == true,
    }
}

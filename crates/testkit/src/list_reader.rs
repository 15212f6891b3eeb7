//! A verifier's way to the list: heads, changes, and states where changes do not do.

use wardkey::{
    Adoption, Bounds, Decision, Head, KeySet, List, Query, Refresh, Registry, Requirement, State,
    UnverifiedHead, verify,
};
use wardkey_registry::{Call, RegistryError, Reply, Store, WireBytes};

use crate::book::{Book, authority};

/// A verifier of audience `api` that has a list, or none yet.
#[derive(Debug)]
pub struct ListReader {
    key_set: KeySet,
    /// Scope `reports:read`.
    required: Requirement,
    list: Option<List<Vec<u8>>>,
}

/// How a reader came to the newest list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// By what the head says.
    ByHead,
    /// By the state that it names.
    ByState,
}

impl ListReader {
    /// A verifier without a list, its key set got with an administrator's credential.
    ///
    /// # Errors
    /// What the registry says.
    pub fn new<S: Store>(book: &Book<S>, admin: &str) -> Result<Self, RegistryError> {
        let call = Call::AdmitVerifier {
            authority: authority(admin, None),
            audience: Some("api".into()),
            has: Vec::new(),
        };
        let Reply::Verifier(material) = book.ask(call)? else {
            return Err(failed("another reply"));
        };
        let bytes = material.key_set.ok_or_else(|| failed("no key set"))?;
        let (key_set, catalog) = KeySet::parse(bytes.as_bytes()).map_err(failed)?;
        let required = Requirement::all_of(&catalog, ["reports:read"]).map_err(failed)?;
        Ok(Self { key_set, required, list: None })
    }

    /// The head that the registry gives now. It is not adopted.
    ///
    /// # Errors
    /// What the registry says.
    pub fn head<S: Store>(&self, book: &Book<S>) -> Result<Head, RegistryError> {
        let bytes = bytes(book, Call::Head)?;
        let head = UnverifiedHead::parse(&bytes).map_err(failed)?;
        Ok(*head.authenticate(&self.key_set).map_err(failed)?.head())
    }

    /// The state of a head.
    ///
    /// # Errors
    /// What the registry says.
    pub fn state<S: Store>(book: &Book<S>, head: &Head) -> Result<State<Vec<u8>>, RegistryError> {
        let digest = WireBytes::new(head.state_digest());
        let bytes = bytes(book, Call::State { sequence: head.sequence(), digest })?;
        State::parse(&bytes).map_err(failed)
    }

    /// Goes on to the newest list.
    ///
    /// # Errors
    /// What the registry says, or what the core finds wrong with it.
    pub fn follow<S: Store>(&mut self, book: &Book<S>) -> Result<Followed, RegistryError> {
        let bytes = bytes(book, Call::Head)?;
        let head = UnverifiedHead::parse(&bytes).map_err(failed)?;
        let head = head.authenticate(&self.key_set).map_err(failed)?;
        // The registry's time may be ahead of a clock that stepped back.
        let now = book.now().max(head.head().issued_at());
        let adopted = List::adopt(&mut self.list, &head, None, now, &Bounds::DEFAULT);
        if adopted.map_err(failed)? != Adoption::StateNeeded {
            return Ok(Followed::ByHead);
        }
        let state = Self::state(book, head.head())?;
        match List::adopt(&mut self.list, &head, Some(state), now, &Bounds::DEFAULT) {
            Ok(Adoption::Adopted) => Ok(Followed::ByState),
            other => Err(failed(format!("{other:?}"))),
        }
    }

    /// Decides whether a key may read reports, by what the verifier has.
    pub fn verify<S: Store>(&self, book: &Book<S>, key: &str) -> Decision {
        let query = Query {
            required: &self.required,
            now: book.now(),
            caller: None,
            refresh: Refresh::NotTried,
            registry: Registry::NotAsked,
        };
        verify(&self.key_set, self.list.as_ref(), key, query)
    }

    /// Whether the list in force says that an index is dead; nothing without a list.
    pub fn is_dead(&self, index: u32) -> Option<bool> {
        self.list.as_ref().map(|list| list.state().is_dead(index))
    }
}

fn bytes<S: Store>(book: &Book<S>, call: Call) -> Result<Vec<u8>, RegistryError> {
    match book.ask(call)? {
        Reply::Bytes(bytes) => Ok(bytes.as_bytes().to_vec()),
        _ => Err(failed("another reply")),
    }
}

fn failed(what: impl ToString) -> RegistryError {
    RegistryError::Internal { message: what.to_string() }
}

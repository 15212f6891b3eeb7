//! One instance: the verifier of one audience, for one thread at a time.

use std::net::IpAddr;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::component::ResourceAny;
use wasmtime::{Store, Trap};

use crate::bindings::exports::wardkey::verify::types::{Claims, IpAddress, KeySetInfo, ListInfo};
use crate::bindings::exports::wardkey::verify::verifier::{
    Ask, Decision, EchoError, Refresh, Registry, RegistryVerdict,
};
use crate::bindings::{Verifying, VerifyingPre};
use crate::decision::{Abandoned, Confirmation, Held, Question, RegistryWord, Required, Verdict};
use crate::error::HostError;
use crate::limits::{Limits, Room};

/// An instance with its key set and its list. Whoever reads its memory can mint keys of its audience.
///
/// A call that does not come back, because its fuel or its memory was at an end or it trapped, spends the instance: from
/// then on it answers [`HostError::Spent`], and its owner makes another one.
pub struct Instance {
    store: Store<Room>,
    calls: Verifying,
    verifier: ResourceAny,
    limits: Limits,
    /// Requirements are built once: their handles are good until the key set is another.
    required: Vec<(Required, ResourceAny)>,
    number: u64,
    /// How many questions and confirmations are somewhere out there.
    held: usize,
    abandoned: Abandoned,
    is_spent: bool,
}

impl Instance {
    pub(crate) fn new(
        mut store: Store<Room>,
        ready: &VerifyingPre<Room>,
        key_set: &[u8],
        limits: &Limits,
    ) -> Result<Self, HostError> {
        store.set_fuel(limits.fuel(key_set.len())).map_err(HostError::Component)?;
        let calls = ready.instantiate(&mut store).map_err(|error| trapped(&error))?;
        let made = calls.wardkey_verify_verifier().verifier().call_new(&mut store, key_set);
        let verifier = made.map_err(|error| trapped(&error))?.map_err(HostError::KeySet)?;
        Ok(Self {
            store,
            calls,
            verifier,
            limits: *limits,
            required: Vec::new(),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            held: 0,
            abandoned: Abandoned::default(),
            is_spent: false,
        })
    }

    /// Takes a newer key set of the same audience; the list stays. The caller wipes the bytes.
    ///
    /// # Errors
    /// [`HostError::KeySet`], with which nothing has changed.
    pub fn renew(&mut self, key_set: &[u8]) -> Result<(), HostError> {
        let verifier = self.verifier;
        let renewed = self.call(key_set.len(), |calls, store| {
            calls.wardkey_verify_verifier().verifier().call_renew(store, verifier, key_set)
        })?;
        renewed.map_err(HostError::KeySet)?;
        for (_, outdated) in std::mem::take(&mut self.required) {
            self.call(0, |_, store| outdated.resource_drop(store))?;
        }
        Ok(())
    }

    /// What its key set is, but for the secrets.
    ///
    /// # Errors
    /// Only where the instance fails.
    pub fn key_set(&mut self) -> Result<KeySetInfo, HostError> {
        let verifier = self.verifier;
        self.call(0, |calls, store| {
            calls.wardkey_verify_verifier().verifier().call_key_set(store, verifier)
        })
    }

    /// The list in force, if there is one.
    ///
    /// # Errors
    /// Only where the instance fails.
    pub fn list(&mut self) -> Result<Option<ListInfo>, HostError> {
        let verifier = self.verifier;
        self.call(0, |calls, store| {
            calls.wardkey_verify_verifier().verifier().call_list_in_force(store, verifier)
        })
    }

    /// Hands in a head, with its state if that is at hand. `now_ms`: Unix milliseconds.
    ///
    /// # Errors
    /// [`HostError::List`], with which the list in force stays.
    pub fn apply_list(
        &mut self,
        head: &[u8],
        state: Option<&[u8]>,
        now_ms: u64,
    ) -> Result<(), HostError> {
        let verifier = self.verifier;
        let handed = head.len() + state.map_or(0, <[u8]>::len);
        let fuel = self.limits.fuel(handed).saturating_add(self.limits.head);
        let applied = self.call_with(fuel, |calls, store| {
            calls
                .wardkey_verify_verifier()
                .verifier()
                .call_apply_list(store, verifier, head, state, now_ms)
        })?;
        applied.map_err(HostError::List)
    }

    /// Builds what calls will need, before one comes.
    ///
    /// # Errors
    /// [`HostError::Requirement`] for scopes that make none.
    pub fn require(&mut self, required: &Required) -> Result<(), HostError> {
        self.requirement(required).map(|_| ())
    }

    /// Decides about the text of a key. `now_ms`: Unix milliseconds; `caller`: where the call comes from, where that is known;
    /// `refresh`: whether one was tried for this call and failed.
    ///
    /// # Errors
    /// [`HostError::Requirement`] for scopes that make none; otherwise only where the instance fails. A bad key is none.
    pub fn verify(
        &mut self,
        key: &str,
        required: &Required,
        now_ms: u64,
        caller: Option<IpAddr>,
        refresh: Refresh,
        registry: RegistryWord,
    ) -> Result<Verdict, HostError> {
        let verifier = self.verifier;
        let required = self.requirement(required)?;
        let registry = match registry {
            RegistryWord::NotAsked => Registry::NotAsked,
            RegistryWord::Failed => Registry::Failed,
            RegistryWord::Answered(Confirmation(mut held)) => {
                let handle = held.spend(self.number).ok_or(HostError::ForeignQuestion)?;
                self.held -= 1;
                Registry::Answered(handle)
            }
        };
        let caller = caller.map(IpAddress::from);
        let decision = self.call(key.len(), |calls, store| {
            calls
                .wardkey_verify_verifier()
                .verifier()
                .call_verify(store, verifier, key, required, now_ms, caller, refresh, registry)
        })?;
        if self.held > 0 {
            self.drop_abandoned()?;
        }
        Ok(match decision {
            Decision::Allow(allow) => Verdict::Allow(allow),
            Decision::Deny(denial) => Verdict::Deny(denial),
            Decision::Ask(Ask::Refresh) => Verdict::AskRefresh,
            Decision::Ask(Ask::Registry(question)) => {
                Verdict::AskRegistry(Question(self.hold(question)))
            }
        })
    }

    /// What the registry is asked about.
    ///
    /// # Errors
    /// [`HostError::ForeignQuestion`] for another instance's.
    pub fn claims(&mut self, question: &Question) -> Result<Claims, HostError> {
        let question = question.0.of(self.number).ok_or(HostError::ForeignQuestion)?;
        self.call(0, |calls, store| {
            calls.wardkey_verify_verifier().registry_question().call_claims(store, question)
        })
    }

    /// Takes the registry's answer.
    ///
    /// # Errors
    /// [`HostError::ForeignQuestion`] for another instance's, [`HostError::AnotherKey`] for an answer about another key.
    pub fn answered(
        &mut self,
        Question(mut question): Question,
        verdict: &RegistryVerdict,
    ) -> Result<Confirmation, HostError> {
        let question = question.spend(self.number).ok_or(HostError::ForeignQuestion)?;
        self.held -= 1;
        let answered = self.call(0, |calls, store| {
            calls
                .wardkey_verify_verifier()
                .registry_question()
                .call_answered(store, question, verdict)
        })?;
        let confirmation = answered.map_err(|EchoError::AnotherKey| HostError::AnotherKey)?;
        Ok(Confirmation(self.hold(confirmation)))
    }

    /// Whether a call did not come back.
    pub const fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Changes what the calls after this one may take.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    fn requirement(&mut self, required: &Required) -> Result<ResourceAny, HostError> {
        if let Some((_, known)) = self.required.iter().find(|(known, _)| known == required) {
            return Ok(*known);
        }
        let (verifier, scopes) = (self.verifier, required.scopes.as_slice());
        let bytes = scopes.iter().map(String::len).sum();
        let built = self.call(bytes, |calls, store| {
            let calls = calls.wardkey_verify_verifier().verifier();
            if required.any {
                calls.call_any_of(store, verifier, scopes)
            } else {
                calls.call_all_of(store, verifier, scopes)
            }
        })?;
        let mut handle = built.map_err(HostError::Requirement)?;
        if required.strict {
            let strict = self.call(0, |calls, store| {
                calls.wardkey_verify_verifier().requirement().call_strict(store, handle)
            })?;
            self.call(0, |_, store| handle.resource_drop(store))?;
            handle = strict;
        }
        self.required.push((required.clone(), handle));
        Ok(handle)
    }

    fn hold(&mut self, handle: ResourceAny) -> Held {
        self.held += 1;
        Held::new(handle, self.number, &self.abandoned)
    }

    fn drop_abandoned(&mut self) -> Result<(), HostError> {
        let abandoned = {
            let mut all = self.abandoned.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *all)
        };
        for handle in abandoned {
            self.held -= 1;
            self.call(0, |_, store| handle.resource_drop(store))?;
        }
        Ok(())
    }

    /// Calls the component with fresh fuel. What does not come back has spent the instance.
    fn call<T>(
        &mut self,
        bytes: usize,
        call: impl FnOnce(&Verifying, &mut Store<Room>) -> wasmtime::Result<T>,
    ) -> Result<T, HostError> {
        self.call_with(self.limits.fuel(bytes), call)
    }

    fn call_with<T>(
        &mut self,
        fuel: u64,
        call: impl FnOnce(&Verifying, &mut Store<Room>) -> wasmtime::Result<T>,
    ) -> Result<T, HostError> {
        if self.is_spent {
            return Err(HostError::Spent);
        }
        self.store.set_fuel(fuel).map_err(HostError::Component)?;
        call(&self.calls, &mut self.store).map_err(|error| {
            self.is_spent = true;
            trapped(&error)
        })
    }
}

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::Ipv4(v4.octets().into()),
            IpAddr::V6(v6) => Self::Ipv6(v6.segments().into()),
        }
    }
}

/// Why, in words that hold nothing of what was handed in.
fn trapped(error: &wasmtime::Error) -> HostError {
    HostError::Trapped(match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => "a call took more fuel than it may",
        Some(Trap::StackOverflow) => "a call took more stack than there is",
        Some(Trap::UnreachableCodeReached) => "it gave up, as without memory",
        _ => "a call did not come back",
    })
}

/// Numbers of instances: what one holds means nothing to another.
static NEXT: AtomicU64 = AtomicU64::new(1);

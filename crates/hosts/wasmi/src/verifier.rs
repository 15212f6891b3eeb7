//! One instance: the verifier of one audience. ABI.md of `crates/js` is its manual.

use std::net::IpAddr;

use wasmi::{Instance, Memory, Store, StoreLimits, TrapCode, TypedFunc, WasmParams, WasmResults};

use crate::claims::Claims;
use crate::error::HostError;
use crate::limits::Limits;
use crate::verdict::{Adoption, Registry, RegistryVerdict, Verdict};

/// The scopes that a call needs, as the module numbers them. A newer key set outdates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement(u32);

/// A verifier. Whoever reads its memory can mint keys of its audience.
///
/// A call that does not come back spends it: from then on it answers [`HostError::Spent`], and its owner makes another one.
#[derive(Debug)]
pub struct Verifier {
    store: Store<StoreLimits>,
    memory: Memory,
    calls: Calls,
    input: usize,
    input_len: usize,
    limits: Limits,
    is_spent: bool,
}

type Words = (u32, u32, f64, u32, u32, u32, u32, u32, u32);

/// What the module exports, looked up once.
#[derive(Debug)]
struct Calls {
    set_keys: TypedFunc<u32, u32>,
    require: TypedFunc<(u32, u32), u32>,
    state: TypedFunc<u32, u32>,
    adopt: TypedFunc<(u32, f64), u32>,
    verify: TypedFunc<Words, u32>,
    claims: TypedFunc<(), u32>,
    answer: TypedFunc<(u32, u32, u32, f64), u32>,
    figure: TypedFunc<u32, f64>,
}

impl Verifier {
    pub(crate) fn new(
        mut store: Store<StoreLimits>,
        instance: Instance,
        limits: Limits,
    ) -> Result<Self, HostError> {
        let memory = instance.get_memory(&store, "memory").ok_or_else(|| lacking("memory"))?;
        let mut number = |name| {
            let call: TypedFunc<(), u32> = export(&store, instance, name)?;
            store.set_fuel(limits.call).map_err(|_| HostError::Spent)?;
            call.call(&mut store, ()).map_err(|error| trapped(&error))
        };
        let version = number("abi_version")?;
        if version != ABI_VERSION {
            return Err(HostError::Module(format!(
                "its ABI is version {version}, not {ABI_VERSION}"
            )));
        }
        let (input, input_len) = (number("input")? as usize, number("input_len")? as usize);
        let calls = Calls {
            set_keys: export(&store, instance, "set_keys")?,
            require: export(&store, instance, "require")?,
            state: export(&store, instance, "state")?,
            adopt: export(&store, instance, "adopt")?,
            verify: export(&store, instance, "verify")?,
            claims: export(&store, instance, "claims")?,
            answer: export(&store, instance, "answer")?,
            figure: export(&store, instance, "figure")?,
        };
        Ok(Self { store, memory, calls, input, input_len, limits, is_spent: false })
    }

    /// Takes a newer key set of the same audience; the list stays, requirements are built anew. The caller wipes the bytes.
    ///
    /// # Errors
    /// [`HostError::KeySet`], with which nothing has changed.
    pub fn renew(&mut self, key_set: &[u8]) -> Result<(), HostError> {
        let len = self.put(key_set).map_err(|error| match error {
            HostError::TooLong => HostError::KeySet("its bytes are none"),
            other => other,
        })?;
        match self.call(self.limits.call, self.calls.set_keys, len)? {
            0 => Ok(()),
            1 => Err(HostError::KeySet("its bytes are none")),
            2 => Err(HostError::KeySet("it is the administration's")),
            3 => Err(HostError::KeySet("it is another audience's, or older")),
            _ => Err(HostError::Misuse),
        }
    }

    /// Builds a requirement: all of these scopes, or any of them; `strict`: the registry is asked every time.
    ///
    /// # Errors
    /// [`HostError::Requirement`] for no scope, an unknown one, or more requirements than there is room for.
    pub fn require(
        &mut self,
        scopes: &[String],
        any: bool,
        strict: bool,
    ) -> Result<Requirement, HostError> {
        let len = self.put(scopes.join(" ").as_bytes()).map_err(|error| match error {
            HostError::TooLong => HostError::Requirement(UNKNOWN_SCOPE),
            other => other,
        })?;
        let mode = u32::from(any) | u32::from(strict) << 1;
        let number = self.call(self.limits.call, self.calls.require, (len, mode))?;
        match number & 0xff {
            252 => Err(HostError::Requirement("there are more than 128 requirements")),
            253 => Err(HostError::Requirement("a requirement names at least one scope")),
            254 => Err(HostError::Requirement(UNKNOWN_SCOPE)),
            255 => Err(HostError::Misuse),
            _ => Ok(Requirement(number)),
        }
    }

    /// Hands in a head, with its state if that is at hand. `now_ms`: Unix milliseconds.
    ///
    /// # Errors
    /// Only where the instance fails: a head that is refused is an answer.
    pub fn adopt(
        &mut self,
        head: &[u8],
        state: Option<&[u8]>,
        now_ms: f64,
    ) -> Result<Adoption, HostError> {
        if let Some(state) = state {
            // What an earlier call has left behind would keep this one out.
            self.call(self.limits.call, self.calls.state, 0)?;
            let Ok(len) = u32::try_from(state.len()) else { return Ok(Adoption::UnreadableState) };
            let at = self.call(self.limits.call, self.calls.state, len)? as usize;
            if at == 0 {
                return Ok(Adoption::UnreadableState);
            }
            self.write(at, state)?;
        }
        let len = match self.put(head) {
            Err(HostError::TooLong) => return Ok(Adoption::Malformed),
            put => put?,
        };
        let bytes = state.map_or(0, <[u8]>::len) as u64;
        let fuel = self.limits.head.saturating_add(self.limits.byte.saturating_mul(bytes));
        let number = self.call(fuel, self.calls.adopt, (len, now_ms))?;
        Adoption::of(number).ok_or(HostError::Misuse)
    }

    /// Decides about the text of a key. `now_ms`: Unix milliseconds; `has_refresh_failed`: a refresh was tried for this call.
    ///
    /// # Errors
    /// Only where the instance fails. A bad key is none.
    pub fn verify(
        &mut self,
        key: &str,
        Requirement(requirement): Requirement,
        now_ms: f64,
        caller: Option<IpAddr>,
        has_refresh_failed: bool,
        registry: Registry,
    ) -> Result<Verdict, HostError> {
        // What is longer than any key is not written, and refused for its length.
        let key = key.as_bytes();
        let len = self.put(key.get(..MAX_KEY + 1).unwrap_or(key))?;
        let (asked, question) = match registry {
            Registry::NotAsked => (0, 0),
            Registry::Failed => (1, 0),
            Registry::Answered(question) => (2, question),
        };
        let (kind, [a, b, c, d]) = words(caller);
        let done = u32::from(has_refresh_failed) | asked << 1 | kind << 3;
        let words = (len, requirement, now_ms, done, question, a, b, c, d);
        let number = self.call(self.limits.call, self.calls.verify, words)?;
        Verdict::of(number).ok_or(HostError::Misuse)
    }

    /// What is known of the key that was verified last; nothing unless its tag was right.
    ///
    /// # Errors
    /// Only where the instance fails.
    pub fn claims(&mut self) -> Result<Option<Claims>, HostError> {
        let at = self.call(self.limits.call, self.calls.claims, ())? as usize;
        let data = self.memory.data(&self.store);
        Ok((at != 0).then(|| Claims::of(data.get(at..)?)).flatten())
    }

    /// Takes the registry's answer to a question, and the base that it repeats.
    ///
    /// # Errors
    /// [`HostError::NoQuestion`], with which nothing has changed.
    pub fn answer(
        &mut self,
        question: u32,
        base: &[u8],
        verdict: RegistryVerdict,
    ) -> Result<(), HostError> {
        let len = self.put(base)?;
        let (number, sequence) = verdict.number();
        match self.call(self.limits.call, self.calls.answer, (question, len, number, sequence))? {
            0 => Ok(()),
            _ => Err(HostError::NoQuestion),
        }
    }

    /// A figure of ABI.md; nothing where there is none.
    ///
    /// # Errors
    /// Only where the instance fails.
    pub fn figure(&mut self, which: u32) -> Result<Option<f64>, HostError> {
        let figure = self.call(self.limits.call, self.calls.figure, which)?;
        Ok((figure >= 0.0).then_some(figure))
    }

    /// Whether a call did not come back.
    pub const fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// Changes what the calls after this one may take.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    fn put(&mut self, bytes: &[u8]) -> Result<u32, HostError> {
        if bytes.len() > self.input_len {
            return Err(HostError::TooLong);
        }
        self.write(self.input, bytes)?;
        // INVARIANT: the input is of some kilobytes.
        u32::try_from(bytes.len()).map_err(|_| HostError::TooLong)
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), HostError> {
        self.memory.write(&mut self.store, at, bytes).map_err(|_| HostError::Misuse)
    }

    /// Calls the module with fresh fuel. What does not come back has spent the instance.
    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        fuel: u64,
        call: TypedFunc<P, R>,
        words: P,
    ) -> Result<R, HostError> {
        if self.is_spent {
            return Err(HostError::Spent);
        }
        self.store.set_fuel(fuel).map_err(|_| HostError::Spent)?;
        call.call(&mut self.store, words).map_err(|error| {
            self.is_spent = true;
            trapped(&error)
        })
    }
}

fn export<P: WasmParams, R: WasmResults>(
    store: &Store<StoreLimits>,
    instance: Instance,
    name: &str,
) -> Result<TypedFunc<P, R>, HostError> {
    instance.get_typed_func(store, name).map_err(|_| lacking(name))
}

fn lacking(name: &str) -> HostError {
    HostError::Module(format!("it exports no {name} as ABI.md has it"))
}

/// Why, in words that hold nothing of what was handed in.
fn trapped(error: &wasmi::Error) -> HostError {
    HostError::Trapped(match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => "a call took more fuel than it may",
        Some(TrapCode::StackOverflow) => "a call took more stack than there is",
        Some(TrapCode::UnreachableCodeReached) => "it gave up, as without memory",
        _ => "a call did not come back",
    })
}

/// An address as `verify` takes it: 0 not known, 1 IPv4, 2 IPv6, and four words whose first byte is the highest.
fn words(address: Option<IpAddr>) -> (u32, [u32; 4]) {
    match address {
        None => (0, [0; 4]),
        Some(IpAddr::V4(v4)) => (1, [v4.to_bits(), 0, 0, 0]),
        Some(IpAddr::V6(v6)) => {
            let bits = v6.to_bits();
            (2, [96, 64, 32, 0].map(|shift| (bits >> shift) as u32))
        }
    }
}

const ABI_VERSION: u32 = 1;
const MAX_KEY: usize = 512;
const UNKNOWN_SCOPE: &str = "a scope is not in the audience's catalog";

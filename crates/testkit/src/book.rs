//! A tenant's book for tests: native SQLite, a manual clock, seeded randomness.

use std::cell::{Cell, RefCell};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use wardkey::UnixMillis;
use wardkey_provision::{KeyRequest, Policy, RootError, RootKeys};
use wardkey_registry::{
    Authority, BootstrapRequest, Call, Created, Publication, Registry, RegistryError, Reply, Store,
    WireBytes, WireSecret,
};

use crate::sqlite_store::SqliteStore;

/// A registry that tests call as the worker does.
#[derive(Debug)]
pub struct Book<S = SqliteStore> {
    /// Where it is kept.
    pub store: S,
    root: RootKeys,
    now: Cell<UnixMillis>,
    rng: RefCell<ChaCha20Rng>,
}

/// A root for tests: a fixed pattern, which is no secret.
///
/// # Errors
/// None in practice: the text is fixed.
pub fn fixed_root() -> Result<RootKeys, RootError> {
    RootKeys::parse(&format!("1:{}", "A".repeat(43)))
}

/// Randomness from a seed.
pub fn seeded_rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A policy with one scope of each risk level.
///
/// # Errors
/// None in practice: the JSON is fixed.
pub fn api_policy() -> Result<Policy, RegistryError> {
    let scope = |number, name: &str, risk: &str| wardkey_provision::ScopePolicy {
        number,
        name: name.into(),
        risk: risk.into(),
    };
    let audience = |number, name: &str| wardkey_provision::AudiencePolicy {
        number,
        name: name.into(),
        scopes: vec![
            scope(0, "reports:read", "standard"),
            scope(1, "reports:write", "high"),
            scope(2, "payouts:create", "strict"),
            scope(3, "status:read", "low"),
        ],
        ..wardkey_provision::AudiencePolicy::default()
    };
    let policy = Policy {
        environment: "test".into(),
        brand: "wk".into(),
        audiences: vec![audience(1, "api"), audience(2, "jobs")],
        ..Policy::default()
    };
    policy.check()?;
    Ok(policy)
}

/// The same policy with a rule by which the bootstrap's administrator may grant anything, key sets by name.
///
/// # Errors
/// None in practice.
pub fn key_set_policy() -> Result<Policy, RegistryError> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let rule = wardkey_provision::RulePolicy {
        name: "administrators".into(),
        actors: texts(&["ops:*"]),
        audiences: texts(&["wardkey", "api", "jobs"]),
        scopes: texts(&["*", "verifier:key-set"]),
        subjects: texts(&["*"]),
        max_lifetime_s: None,
        require_networks_within: None,
    };
    let policy = Policy { rules: Some(vec![rule]), ..api_policy()? };
    policy.check()?;
    Ok(policy)
}

impl Book<SqliteStore> {
    /// An empty book in memory.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn in_memory(seed: u64) -> Result<Self, RegistryError> {
        Self::over(SqliteStore::in_memory()?, seed)
    }
}

impl<S: Store> Book<S> {
    /// A book over a store, at a fixed time.
    ///
    /// # Errors
    /// None in practice.
    pub fn over(store: S, seed: u64) -> Result<Self, RegistryError> {
        let root =
            fixed_root().map_err(|error| RegistryError::Internal { message: error.to_string() })?;
        let now = Cell::new(UnixMillis(1_800_000_000_000));
        Ok(Self { store, root, now, rng: RefCell::new(seeded_rng(seed)) })
    }

    /// The clock.
    pub fn now(&self) -> UnixMillis {
        self.now.get()
    }

    /// Sets the clock, in Unix milliseconds.
    pub fn set_now(&self, now: u64) {
        self.now.set(UnixMillis(now));
    }

    /// Moves the clock forward, in milliseconds.
    pub fn pass(&self, ms: u64) {
        self.now.set(self.now.get().plus(ms));
    }

    pub(crate) fn with_rng<T>(&self, draw: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
        draw(&mut self.rng.borrow_mut())
    }

    pub(crate) fn due_records(&self) -> Result<Vec<Publication>, RegistryError> {
        const AT_ONCE: u32 = 50;
        self.with_rng(|rng| self.registry().due_publications(self.now(), AT_ONCE, rng))
    }

    /// The registry over the store.
    pub fn registry(&self) -> Registry<'_> {
        Registry::new(&self.store, &self.root)
    }

    /// Asks the registry.
    ///
    /// # Errors
    /// What the registry says.
    pub fn ask(&self, call: Call) -> Result<Reply, RegistryError> {
        self.ask_through(&self.store, call)
    }

    /// Asks the registry through another store over the same database, such as one that fails.
    ///
    /// # Errors
    /// What the registry says.
    pub fn ask_through(&self, store: &dyn Store, call: Call) -> Result<Reply, RegistryError> {
        Registry::new(store, &self.root).answer(call, self.now.get(), &mut *self.rng.borrow_mut())
    }

    /// Asks for what is answered with a key.
    ///
    /// # Errors
    /// What the registry says.
    pub fn ask_created(&self, call: Call) -> Result<Created, RegistryError> {
        match self.ask(call)? {
            Reply::Created(created) => Ok(created),
            _ => Err(RegistryError::Internal { message: "another reply".into() }),
        }
    }

    /// Makes the tenant and returns the administrator's key.
    ///
    /// # Errors
    /// What the registry says.
    pub fn bootstrap(&self) -> Result<String, RegistryError> {
        self.bootstrap_with(api_policy()?)
    }

    /// Makes the tenant with a policy and returns the administrator's key.
    ///
    /// # Errors
    /// What the registry says.
    pub fn bootstrap_with(&self, policy: Policy) -> Result<String, RegistryError> {
        let created = self.ask_created(bootstrap_call(1, [1; 32], Some(policy), None))?;
        created
            .key
            .map(|key| key.secret_str().to_owned())
            .ok_or_else(|| RegistryError::Internal { message: "no key".into() })
    }
}

/// A bootstrap of a tenant with a token of this hash.
pub fn bootstrap_call(
    tenant: u16,
    hash: [u8; 32],
    policy: Option<Policy>,
    idempotency_key: Option<&str>,
) -> Call {
    Call::Bootstrap {
        tenant,
        token_hash: WireBytes::new(hash),
        idempotency_key: idempotency_key.map(Into::into),
        request_id: "req_bootstrap".into(),
        request: BootstrapRequest { subject: "ops:ada".into(), policy, expires_in: 24 * 3600 },
    }
}

/// A bootstrap of tenant 1 without an Idempotency-Key, whose administrator lives for so many seconds.
pub fn lasting_bootstrap(hash: u8, policy: Option<Policy>, expires_in: u32) -> Call {
    let mut call = bootstrap_call(1, [hash; 32], policy, None);
    if let Call::Bootstrap { request, .. } = &mut call {
        request.expires_in = expires_in;
    }
    call
}

/// The authority of a credential.
pub fn authority(credential: &str, idempotency_key: Option<&str>) -> Authority {
    Authority {
        credential: WireSecret::new(credential),
        idempotency_key: idempotency_key.map(Into::into),
        request_id: "req_test".into(),
    }
}

/// A request for a key of audience `api`.
pub fn key_request(scopes: &[&str]) -> KeyRequest {
    KeyRequest {
        subject: "svc:billing".into(),
        audience: "api".into(),
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        expires_in: 3600,
        ..KeyRequest::default()
    }
}

/// A request for a key of the administration that has these rights for these audiences.
pub fn admin_request(subject: &str, scopes: &[&str], for_audiences: &[&str]) -> KeyRequest {
    KeyRequest {
        subject: subject.into(),
        audience: "wardkey".into(),
        for_audiences: for_audiences.iter().map(|name| (*name).into()).collect(),
        ..key_request(scopes)
    }
}

//! A tenant with its administrator, and what the registry and its list say of a key.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use wardkey::{Base, State};
use wardkey_provision::Policy;
use wardkey_registry::{
    Authority, Call, RegistryError, Reply, Row, Store as _, StrictVerdict, Value, WireBytes,
};

use crate::acts::Acts;
use crate::book::{Book, api_policy, authority, lasting_bootstrap};
use crate::head_text::{digest_of, sequence_of};
use crate::key_text::{base_of, encoded, index_of, text_of};

/// A book that was bootstrapped; it acts as its administrator.
pub struct Tenant {
    /// Where it is kept.
    pub book: Book,
    /// The administrator's key.
    pub admin: String,
}

/// Somebody else than the administrator, or the administrator with an Idempotency-Key.
#[derive(Clone, Copy)]
pub struct Caller<'t> {
    book: &'t Book,
    credential: &'t str,
    idempotency_key: Option<&'t str>,
}

impl Tenant {
    /// A tenant with [`api_policy`], whose administrator lives for a day.
    #[expect(clippy::new_without_default, reason = "it makes a database")]
    pub fn new() -> Self {
        Self::with(api_policy().unwrap())
    }

    /// A tenant with a policy, whose administrator lives for a day.
    pub fn with(policy: Policy) -> Self {
        Self::lasting(policy, 24 * 3600)
    }

    /// A tenant with a policy, whose administrator lives for so many seconds.
    pub fn lasting(policy: Policy, expires_in: u32) -> Self {
        let call = lasting_bootstrap(1, Some(policy), expires_in);
        Self::bootstrapped(Book::in_memory(1).unwrap(), call)
    }

    /// The tenant that a bootstrap makes in a book.
    pub fn bootstrapped(book: Book, bootstrap: Call) -> Self {
        let admin = text_of(&book.ask_created(bootstrap).unwrap());
        Self { book, admin }
    }

    /// Whoever holds this credential.
    pub const fn by<'t>(&'t self, credential: &'t str) -> Caller<'t> {
        Caller { book: &self.book, credential, idempotency_key: None }
    }

    /// The number that a query finds.
    pub fn number(&self, sql: &str) -> u64 {
        match self.book.store.query(sql, &[]).unwrap().first() {
            Some(Row(row)) => match row.as_slice() {
                [Value::Integer(number)] => u64::try_from(*number).unwrap(),
                other => panic!("{sql}: {other:?}"),
            },
            None => panic!("{sql}: no row"),
        }
    }

    /// The administrator, with an Idempotency-Key.
    pub fn once<'t>(&'t self, idempotency_key: &'t str) -> Caller<'t> {
        self.by(&self.admin).once(idempotency_key)
    }

    /// The second by the registry's clock.
    pub fn second(&self) -> u32 {
        self.book.now().second().unwrap().0
    }

    /// The registry's own word on a key: `alive`, or why it is dead.
    pub fn word(&self, key: &str) -> String {
        match self.check(&base_of(key)).unwrap() {
            StrictVerdict::Alive { .. } => "alive".into(),
            StrictVerdict::Dead { reason } => reason,
        }
    }

    /// The registry's own word on what a key says of itself.
    ///
    /// # Errors
    /// What the registry says.
    pub fn check(&self, base: &Base) -> Result<StrictVerdict, RegistryError> {
        let call = Call::Check { base: encoded(base), request_id: "req_check".into() };
        match self.book.ask(call)? {
            Reply::Checked(verdict) => Ok(verdict),
            other => panic!("{other:?}"),
        }
    }

    /// Whether the list says that a key is dead.
    pub fn listed(&self, key: &str) -> bool {
        self.state_of(&self.head()).is_dead(index_of(key))
    }

    /// The head as it is now.
    pub fn head(&self) -> Vec<u8> {
        bytes(self.book.ask(Call::Head).unwrap())
    }

    /// The state that a head names.
    pub fn state_of(&self, head: &[u8]) -> State<Vec<u8>> {
        let state = self.state(sequence_of(head), digest_of(head)).unwrap();
        assert_eq!(state.digest(), digest_of(head));
        state
    }

    /// The state of a sequence and a digest, whoever names it.
    ///
    /// # Errors
    /// What the registry says.
    pub fn state(&self, sequence: u64, digest: &[u8]) -> Result<State<Vec<u8>>, RegistryError> {
        let digest = WireBytes::new(digest);
        let reply = self.book.ask(Call::State { sequence, digest })?;
        Ok(State::parse(&bytes(reply)).unwrap())
    }

    /// The newest key set of an audience.
    pub fn key_set(&self, audience: &str) -> Vec<u8> {
        let material = self.admit_verifier(Some(audience)).unwrap();
        material.key_set.unwrap().as_bytes().to_vec()
    }
}

impl Acts for Tenant {
    fn book(&self) -> &Book {
        &self.book
    }

    fn authority(&self) -> Authority {
        authority(&self.admin, None)
    }
}

impl<'t> Caller<'t> {
    /// The same one, with an Idempotency-Key.
    pub const fn once(self, idempotency_key: &'t str) -> Self {
        Self { idempotency_key: Some(idempotency_key), ..self }
    }
}

impl Acts for Caller<'_> {
    fn book(&self) -> &Book {
        self.book
    }

    fn authority(&self) -> Authority {
        authority(self.credential, self.idempotency_key)
    }
}

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bytes(bytes) => bytes.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    }
}

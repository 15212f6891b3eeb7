//! The tenant that grows.

use std::path::Path;

use wardkey::MAX_BASE_LEN;
use wardkey_provision::KeyRequest;
use wardkey_registry::{
    Call, Created, RegistryError, Reply, RevokeRequest, RotateRequest, Store as _, StrictVerdict,
    WireBytes,
};
use wardkey_testkit::{Book, ListReader, SqliteStore, authority, key_request};

/// A tenant whose administrator and one verifier are at hand.
pub(crate) struct Tenant {
    pub(crate) book: Book<SqliteStore>,
    pub(crate) admin: String,
    /// In the order of their status indexes, without those that operations have made.
    pub(crate) keys: Vec<String>,
}

impl Tenant {
    /// A tenant with one key.
    pub(crate) fn new(file: &Path) -> Result<Self, RegistryError> {
        let store = SqliteStore::open(file)?;
        // Nothing here has to outlive a crash.
        for pragma in ["journal_mode = MEMORY", "synchronous = OFF", "cache_size = -524288"] {
            store.query(&format!("PRAGMA {pragma}"), &[])?;
        }
        let book = Book::over(store, 1)?;
        let admin = book.bootstrap()?;
        let mut tenant = Self { book, admin, keys: Vec::new() };
        let first = tenant.mint()?.view.key_id;
        tenant.keys.push(first);
        Ok(tenant)
    }

    /// Makes keys until there are so many, and leaves nothing due.
    pub(crate) fn grow_to(&mut self, keys: u32) -> Result<(), RegistryError> {
        // What earlier sizes have left is forgotten by then.
        self.book.pass(2_400_000);
        let missing = keys.saturating_sub(self.keys.len() as u32);
        let like = self.mint()?.view.key_id;
        let book = &self.book;
        book.store.atomically(&mut || {
            let filled = book.fill(&like, missing);
            let kept = filled.is_ok();
            self.keys.extend(filled.into_iter().flatten().map(|id| id.to_string()));
            kept
        })?;
        if self.keys.len() < keys as usize {
            return Err(failed("the tenant could not be filled"));
        }
        self.settle()?;
        // The list reaches to the last key, and the chunk that operations work in is written.
        for nth in [self.keys.len() - 1, self.keys.len() / 3 + 1] {
            self.revoke(self.keys.get(nth).ok_or_else(|| failed("there is no key"))?)?;
        }
        ListReader::new(&self.book, &self.admin)?.head(&self.book)?;
        self.settle()
    }

    /// What the alarm has done once KV has everything. A million sealed records are not the question here.
    pub(crate) fn settle(&self) -> Result<(), RegistryError> {
        self.book.store.execute("DELETE FROM outbox", &[])?;
        self.book.alarm()?;
        self.book.pass(1_000);
        Ok(())
    }

    pub(crate) fn mint(&self) -> Result<Created, RegistryError> {
        let request = KeyRequest { expires_in: LIFETIME_S, ..key_request(&["reports:read"]) };
        self.book.ask_created(Call::CreateKey { authority: authority(&self.admin, None), request })
    }

    pub(crate) fn revoke(&self, key_id: &str) -> Result<(), RegistryError> {
        let call = Call::RevokeKey {
            authority: authority(&self.admin, None),
            key_id: key_id.into(),
            request: RevokeRequest::default(),
        };
        self.book.ask(call).map(drop)
    }

    pub(crate) fn rotate(&self, key_id: &str) -> Result<Created, RegistryError> {
        self.book.ask_created(Call::RotateKey {
            authority: authority(&self.admin, None),
            key_id: key_id.into(),
            request: RotateRequest::default(),
        })
    }

    /// Asks the registry about a key, as a verifier does for a strict scope.
    pub(crate) fn check(&self, created: &Created) -> Result<(), RegistryError> {
        let text = created.key.as_ref().ok_or_else(|| failed("no key"))?.secret_str();
        let key = wardkey::inspect(text).map_err(|reason| failed(reason.as_str()))?;
        let mut base = [0; MAX_BASE_LEN];
        let len = key.base().encode(&mut base).map_err(failed)?;
        let call = Call::Check {
            base: WireBytes::new(base.get(..len).unwrap_or_default()),
            request_id: "req_check".into(),
        };
        match self.book.ask(call)? {
            Reply::Checked(StrictVerdict::Alive { .. }) => Ok(()),
            other => Err(failed(format!("{other:?}"))),
        }
    }

    /// The list's bytes that a call asks for.
    pub(crate) fn bytes(&self, call: Call) -> Result<Vec<u8>, RegistryError> {
        match self.book.ask(call)? {
            Reply::Bytes(bytes) => Ok(bytes.as_bytes().to_vec()),
            _ => Err(failed("another reply")),
        }
    }
}

/// Longer than anything here takes.
const LIFETIME_S: u32 = 30 * 24 * 3_600;

pub(crate) fn failed(what: impl ToString) -> RegistryError {
    RegistryError::Internal { message: what.to_string() }
}

//! A store that fails where a test says, to show that every mutation is all or nothing.

use std::cell::Cell;

use crate::store::{Row, Store, StoreError, Value};

/// What happens after the chosen write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The database answers with an error.
    Error,
    /// The code panics.
    Panic,
}

/// Passes everything on until the chosen write has been made, then fails.
#[derive(Debug)]
pub struct FaultyStore<'s, S> {
    inner: &'s S,
    fault: Fault,
    writes_left: Cell<u32>,
}

impl<'s, S: Store> FaultyStore<'s, S> {
    /// Fails after write number `after`, from 1. Beyond the last write nothing fails.
    pub fn new(inner: &'s S, fault: Fault, after: u32) -> Self {
        Self { inner, fault, writes_left: Cell::new(after) }
    }

    /// Whether the fault was met.
    pub fn has_failed(&self) -> bool {
        self.writes_left.get() == 0
    }
}

impl<S: Store> Store for FaultyStore<'_, S> {
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.inner.query(sql, params)
    }

    fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        self.inner.execute(sql, params)?;
        match self.writes_left.get() {
            0 => return Ok(()),
            left => self.writes_left.set(left - 1),
        }
        match (self.writes_left.get(), self.fault) {
            (0, Fault::Error) => Err(StoreError("planted after this write".into())),
            #[expect(clippy::panic, reason = "this is what the test plants")]
            (0, Fault::Panic) => panic!("planted after this write"),
            _ => Ok(()),
        }
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), StoreError> {
        self.inner.atomically(body)
    }
}

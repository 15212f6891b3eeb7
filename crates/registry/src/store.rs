//! The small trait that the registry keeps its book through.

use std::fmt;

use crate::error::RegistryError;

/// An SQLite database that the registry alone writes to.
pub trait Store {
    /// Runs one statement that reads.
    ///
    /// # Errors
    /// [`StoreError`] from the database.
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Runs one statement that writes.
    ///
    /// # Errors
    /// [`StoreError`] from the database.
    fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError>;

    /// Runs `body` once. All its writes stay if it answers true; none if it answers false, panics or
    /// the database fails.
    ///
    /// # Errors
    /// [`StoreError`] when nothing was written although `body` answered true, or when it panicked.
    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), StoreError>;
}

/// What the database said. It goes to the operator's log, never to a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the registry's database failed: {}", self.0)
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for RegistryError {
    fn from(error: StoreError) -> Self {
        Self::internal(error.to_string())
    }
}

/// A value of a column or parameter. Integers stay below 2⁵³, where every host keeps them exact.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// TEXT.
    Text(String),
    /// BLOB.
    Blob(Vec<u8>),
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u8> for Value {
    fn from(number: u8) -> Self {
        Self::Integer(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer, its columns in the order of the statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    pub(crate) fn unsigned<T: TryFrom<i64>>(&self, column: usize) -> Result<T, RegistryError> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => T::try_from(*number).map_err(|_| unexpected(column)),
            _ => Err(unexpected(column)),
        }
    }

    pub(crate) fn optional_unsigned<T: TryFrom<i64>>(
        &self,
        column: usize,
    ) -> Result<Option<T>, RegistryError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.unsigned(column).map(Some),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, RegistryError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(unexpected(column)),
        }
    }

    pub(crate) fn optional_text(&self, column: usize) -> Result<Option<&str>, RegistryError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.text(column).map(Some),
        }
    }

    pub(crate) fn blob(&self, column: usize) -> Result<&[u8], RegistryError> {
        match self.0.get(column) {
            Some(Value::Blob(bytes)) => Ok(bytes),
            _ => Err(unexpected(column)),
        }
    }
}

fn unexpected(column: usize) -> RegistryError {
    RegistryError::internal(format!(
        "column {column} of a row is not of the type it was written as"
    ))
}

/// Runs a mutation: its writes stay only if it is `Ok`.
pub(crate) fn transaction<T>(
    store: &dyn Store,
    mutation: impl FnOnce() -> Result<T, RegistryError>,
) -> Result<T, RegistryError> {
    let mut mutation = Some(mutation);
    let mut outcome = None;
    store.atomically(&mut || {
        outcome = mutation.take().map(|mutation| mutation());
        matches!(outcome, Some(Ok(_)))
    })?;
    outcome.unwrap_or_else(|| Err(RegistryError::internal("the store did not run the transaction")))
}

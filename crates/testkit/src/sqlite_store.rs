//! The registry's store over native SQLite: the same statements as in a Durable Object.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use wardkey_registry::{Row, Store, StoreError, Value};

/// A registry's database in memory or in a file.
#[derive(Debug)]
pub struct SqliteStore(Connection);

impl SqliteStore {
    /// An empty database in memory.
    ///
    /// # Errors
    /// [`StoreError`] from SQLite.
    pub fn in_memory() -> Result<Self, StoreError> {
        Connection::open_in_memory().map(Self).map_err(failed)
    }

    /// The database in a file, which is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError`] from SQLite.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Connection::open(path).map(Self).map_err(failed)
    }

    /// Every table with every row, as text: two stores with the same dump hold the same.
    ///
    /// # Errors
    /// [`StoreError`] from SQLite.
    pub fn dump(&self) -> Result<String, StoreError> {
        let mut dump = String::new();
        for Row(table) in
            self.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", &[])?
        {
            if let Some(Value::Text(name)) = table.first() {
                let rows = self.query(&format!("SELECT * FROM \"{name}\" ORDER BY 1, 2"), &[])?;
                dump.push_str(&format!("{name}: {rows:?}\n"));
            }
        }
        Ok(dump)
    }
}

impl Store for SqliteStore {
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let columns = statement.column_count();
        let params = params_from_iter(params.iter().map(Parameter));
        let mut rows = statement.query(params).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let values = (0..columns).map(|at| value(row.get_ref(at).map_err(failed)?));
            found.push(Row(values.collect::<Result<_, _>>()?));
        }
        Ok(found)
    }

    fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        statement.execute(params_from_iter(params.iter().map(Parameter))).map_err(failed)?;
        Ok(())
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), StoreError> {
        self.0.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        let outcome = catch_unwind(AssertUnwindSafe(body));
        let end = if matches!(outcome, Ok(true)) { "COMMIT" } else { "ROLLBACK" };
        self.0.execute_batch(end).map_err(failed)?;
        match outcome {
            Ok(_) => Ok(()),
            Err(panic) => resume_unwind(panic),
        }
    }
}

struct Parameter<'v>(&'v Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value(found: ValueRef<'_>) -> Result<Value, StoreError> {
    match found {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Integer(number)),
        ValueRef::Text(text) => String::from_utf8(text.to_vec())
            .map(Value::Text)
            .map_err(|_| StoreError("text is not UTF-8".into())),
        ValueRef::Blob(bytes) => Ok(Value::Blob(bytes.to_vec())),
        ValueRef::Real(_) => Err(StoreError("a column holds a fraction".into())),
    }
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}

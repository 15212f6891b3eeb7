//! The registry's store over native SQLite: the same statements as in a Durable Object.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, StatementStatus, ToSql, params_from_iter};
use wardkey_registry::{Row, Store, StoreError, Value};

use crate::meter::{Cost, Meter};

/// A registry's database in memory or in a file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    /// What its statements have cost.
    pub meter: Meter,
}

impl SqliteStore {
    /// An empty database in memory.
    ///
    /// # Errors
    /// [`StoreError`] from SQLite.
    pub fn in_memory() -> Result<Self, StoreError> {
        Connection::open_in_memory().map(Self::over).map_err(failed)
    }

    /// The database in a file, which is made if it is not there.
    ///
    /// # Errors
    /// [`StoreError`] from SQLite.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Connection::open(path).map(Self::over).map_err(failed)
    }

    fn over(connection: Connection) -> Self {
        // More than the registry has statements.
        connection.set_prepared_statement_cache_capacity(512);
        Self { connection, meter: Meter::default() }
    }

    /// How SQLite would go about a statement: a line for each table that it reads.
    ///
    /// # Errors
    /// [`StoreError`] from SQLite.
    pub fn plan(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let mut statement =
            self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).map_err(failed)?;
        // What a statement's parameters are does not matter to its plan.
        let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
        let lines = statement.query_map(params_from_iter(nothing), |row| row.get(3));
        lines.map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
    }

    /// Takes the counters of a statement that has run.
    fn count(&self, statement: &CachedStatement<'_>, sql: &str, changes: u64, cost: Cost) {
        let counter = |status| u64::try_from(statement.reset_status(status)).unwrap_or(0);
        let cost = Cost {
            statements: 1,
            rows_written: self.connection.total_changes().saturating_sub(changes),
            steps: counter(StatementStatus::VmStep),
            scan_steps: counter(StatementStatus::FullscanStep),
            ..cost
        };
        self.meter.add(sql, cost);
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
        let changes = self.connection.total_changes();
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let columns = statement.column_count();
        let params = params_from_iter(params.iter().map(Parameter));
        let mut rows = statement.query(params).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let values = (0..columns).map(|at| value(row.get_ref(at).map_err(failed)?));
            found.push(Row(values.collect::<Result<_, _>>()?));
        }
        drop(rows);
        let values = found.iter().flat_map(|Row(values)| values);
        let bytes_read = values.map(len).sum();
        let cost = Cost { rows_returned: found.len() as u64, bytes_read, ..Cost::default() };
        self.count(&statement, sql, changes, cost);
        Ok(found)
    }

    fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        let changes = self.connection.total_changes();
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        statement.execute(params_from_iter(params.iter().map(Parameter))).map_err(failed)?;
        let bytes_written = params.iter().map(len).sum();
        self.count(&statement, sql, changes, Cost { bytes_written, ..Cost::default() });
        Ok(())
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        let outcome = catch_unwind(AssertUnwindSafe(body));
        let end = if matches!(outcome, Ok(true)) { "COMMIT" } else { "ROLLBACK" };
        self.connection.execute_batch(end).map_err(failed)?;
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

/// Bytes of a value, as far as they depend on what it holds.
fn len(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::Integer(_) => 8,
        Value::Text(text) => text.len() as u64,
        Value::Blob(bytes) => bytes.len() as u64,
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

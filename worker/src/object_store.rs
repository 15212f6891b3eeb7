//! The registry's store in a Durable Object: its SQLite, and `transactionSync` around every mutation.

use wardkey_registry::{Row, Store, StoreError, Value};
use wasm_bindgen::closure::ScopedClosure;
use wasm_bindgen::prelude::*;
use worker::{SqlStorage, SqlStorageValue, State};

#[wasm_bindgen]
extern "C" {
    /// The part of `DurableObjectStorage` that workers-rs does not wrap yet.
    type TransactionalStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &TransactionalStorage,
        body: &ScopedClosure<'_, dyn FnMut() -> Result<(), JsValue>>,
    ) -> Result<(), JsValue>;
}

/// A Durable Object's SQLite.
pub(crate) struct ObjectStore {
    sql: SqlStorage,
    storage: TransactionalStorage,
}

impl ObjectStore {
    pub(crate) fn of(state: &State) -> Self {
        let storage = state.storage();
        let raw: &JsValue = storage.as_raw().as_ref();
        Self { sql: storage.sql(), storage: raw.clone().unchecked_into() }
    }

    fn run(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let params: Vec<SqlStorageValue> = params.iter().map(bound).collect();
        let cursor = self.sql.exec(sql, params).map_err(failed)?;
        cursor
            .raw()
            .map(|row| {
                let values = row.map_err(failed)?.into_iter().map(column);
                values.collect::<Result<_, _>>().map(Row)
            })
            .collect()
    }
}

impl Store for ObjectStore {
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.run(sql, params)
    }

    fn execute(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        self.run(sql, params).map(drop)
    }

    fn atomically(&self, body: &mut dyn FnMut() -> bool) -> Result<(), StoreError> {
        // What the callback throws, a panic included, makes the object roll back: so a body that answers
        // false throws too.
        let mut answered = None;
        let mut callback = || {
            let keep = body();
            answered = Some(keep);
            if keep { Ok(()) } else { Err(JsValue::from_str("rolled back")) }
        };
        let closure = ScopedClosure::borrow_mut_assert_unwind_safe(&mut callback);
        let outcome = self.storage.transaction_sync(&closure);
        drop(closure);
        match (answered, outcome) {
            (Some(true), Ok(())) | (Some(false), Err(_)) => Ok(()),
            (Some(true), Err(error)) => Err(failed(error.into())),
            (Some(false), Ok(())) => Err(StoreError("a refused transaction was kept".into())),
            (None, _) => Err(StoreError("the transaction panicked and was rolled back".into())),
        }
    }
}

fn bound(value: &Value) -> SqlStorageValue {
    match value {
        Value::Null => SqlStorageValue::Null,
        Value::Integer(number) => SqlStorageValue::Integer(*number),
        Value::Text(text) => SqlStorageValue::String(text.clone()),
        Value::Blob(bytes) => SqlStorageValue::Blob(bytes.clone()),
    }
}

fn column(value: SqlStorageValue) -> Result<Value, StoreError> {
    match value {
        SqlStorageValue::Null => Ok(Value::Null),
        SqlStorageValue::Integer(number) => Ok(Value::Integer(number)),
        SqlStorageValue::String(text) => Ok(Value::Text(text)),
        SqlStorageValue::Blob(bytes) => Ok(Value::Blob(bytes)),
        SqlStorageValue::Boolean(_) | SqlStorageValue::Float(_) => {
            Err(StoreError("a column holds a fraction or a truth value".into()))
        }
    }
}

fn failed(error: worker::Error) -> StoreError {
    StoreError(error.to_string())
}

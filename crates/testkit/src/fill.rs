//! Tenants of millions of keys: rows as minting writes them, written many at a time.

use rand_core::Rng as _;
use wardkey::KeyId;
use wardkey_registry::{RegistryError, Row, Store, Value};

use crate::book::Book;

/// Keys of one statement.
const BATCH: u32 = 1_000;

impl<S: Store> Book<S> {
    /// Makes so many more keys like one that was minted a moment ago, without an Idempotency-Key: rows and randomness are
    /// those that as many equal requests would have had. Answers their ids, in the order of their status indexes.
    ///
    /// # Errors
    /// What the store says; [`RegistryError::Internal`] where there is no such key.
    pub fn fill(&self, like: &str, keys: u32) -> Result<Vec<KeyId>, RegistryError> {
        let number = |sql: &str| -> Result<u32, RegistryError> {
            match self.store.query(sql, &[like.into()])?.first().map(|Row(row)| row.as_slice()) {
                Some([Value::Integer(number)]) => u32::try_from(*number).map_err(|_| no_such_key()),
                _ => Err(no_such_key()),
            }
        };
        let index = number("SELECT status_index FROM generation WHERE key_id = ?")?;
        let entry =
            number("SELECT sequence FROM audit WHERE target = ? AND action = 'key.create'")?;
        let next = number("SELECT next_index FROM tenant WHERE ? <> ''")?;
        // ?1: ids, ?2: which row is copied, ?3: the first status index.
        let copies = [
            (self.copying("key", "id", &[("id", "made.value")])?, Value::from(like)),
            (
                self.copying(
                    "generation",
                    "status_index",
                    &[("status_index", "?3 + made.key"), ("key_id", "made.value")],
                )?,
                Value::from(index),
            ),
            (self.copying("outbox", "key_id", &[("key_id", "made.value")])?, Value::from(like)),
            (
                self.copying(
                    "audit",
                    "sequence",
                    &[("sequence", "NULL"), ("target", "made.value")],
                )?,
                Value::from(entry),
            ),
        ];
        let mut made = Vec::new();
        while let Some(left) = keys.checked_sub(made.len() as u32).filter(|left| *left > 0) {
            let ids: Vec<KeyId> = (0..left.min(BATCH)).map(|_| self.random_id()).collect();
            let texts: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
            let json = format!("[{}]", texts.join(","));
            let first = next + made.len() as u32;
            for (sql, source) in &copies {
                self.store.execute(sql, &[json.as_str().into(), source.clone(), first.into()])?;
            }
            made.extend(ids);
        }
        self.store.execute("UPDATE tenant SET next_index = next_index + ?", &[keys.into()])?;
        Ok(made)
    }

    /// A statement that copies one row of a table once for each id, with some columns of its own.
    fn copying(
        &self,
        table: &str,
        key: &str,
        own: &[(&str, &str)],
    ) -> Result<String, RegistryError> {
        let sql = "SELECT name FROM pragma_table_info(?) ORDER BY cid";
        let columns: Vec<String> = self
            .store
            .query(sql, &[table.into()])?
            .into_iter()
            .flat_map(|Row(row)| row)
            .filter_map(|name| if let Value::Text(name) = name { Some(name) } else { None })
            .collect();
        let values = columns.iter().map(|column| {
            let own = own.iter().find(|(name, _)| name == column);
            own.map_or_else(|| format!("template.{column}"), |(_, value)| (*value).to_owned())
        });
        let values: Vec<String> = values.collect();
        // Every statement takes the same three parameters, also one that has no use for the last.
        Ok(format!(
            "INSERT INTO {table} ({}) SELECT {} FROM json_each(?1) AS made, {table} AS template
             WHERE template.{key} = ?2 AND ?3 >= 0 ORDER BY made.key",
            columns.join(", "),
            values.join(", "),
        ))
    }

    fn random_id(&self) -> KeyId {
        let mut id = [0; 8];
        self.with_rng(|rng| rng.fill_bytes(&mut id));
        KeyId(id)
    }
}

fn no_such_key() -> RegistryError {
    RegistryError::Internal { message: "there is no such key to copy".into() }
}

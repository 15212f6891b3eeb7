//! The index by which keys are found by their tags, and how it is filled in a book from before there was one.
//!
//! Triggers keep it for whatever is written. What stood there before is taken over in batches, since all at once could
//! take longer than a Durable Object may work on one call: until the last, keys are found by looking at each.

use crate::error::RegistryError;
use crate::store::{Store, transaction};

/// Whether it has every key.
pub(crate) fn is_filled(store: &dyn Store) -> Result<bool, RegistryError> {
    Ok(cursor(store)?.is_none())
}

/// Takes the next keys into it, in a transaction of its own.
pub(crate) fn fill_some(store: &dyn Store) -> Result<(), RegistryError> {
    let Some(cursor) = cursor(store)? else {
        return Ok(());
    };
    transaction(store, || {
        let sql = "SELECT max(id) FROM (SELECT id FROM key WHERE id > ? ORDER BY id LIMIT ?)";
        let rows = store.query(sql, &[cursor.as_str().into(), BATCH.into()])?;
        let last = rows.first().map(|row| row.optional_text(0)).transpose()?.flatten();
        let Some(last) = last else {
            return Ok(store.execute("DELETE FROM tag_fill", &[])?);
        };
        store.execute(
            "INSERT OR REPLACE INTO key_tag (tag, audience, key_id, subject)
             SELECT tag.value, key.audience, key.id, key.subject FROM key, json_each(key.tags) AS tag
             WHERE key.id > ? AND key.id <= ?",
            &[cursor.as_str().into(), last.into()],
        )?;
        Ok(store.execute("UPDATE tag_fill SET cursor = ?", &[last.into()])?)
    })
}

/// After which key the filling goes on; none where it is done.
fn cursor(store: &dyn Store) -> Result<Option<String>, RegistryError> {
    let rows = store.query("SELECT cursor FROM tag_fill", &[])?;
    Ok(rows.first().map(|row| row.text(0)).transpose()?.map(Into::into))
}

/// Keys that one transaction takes: some milliseconds of one object.
const BATCH: u32 = 2_000;

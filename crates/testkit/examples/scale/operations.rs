//! What each operation costs: in its call, and in the alarm that it leaves due.

use serde_json::{Value, json};
use wardkey::Decision;
use wardkey_registry::{Call, RegistryError, WireBytes};
use wardkey_testkit::{Cost, KvAct, ListReader};

use crate::tenant::{Tenant, failed};

/// The costs of a tenant of so many keys.
pub(crate) fn costs(tenant: &Tenant, keys: u32) -> Result<Vec<Value>, RegistryError> {
    let mut found = Vec::new();
    let nth = |nth: usize| tenant.keys.get(nth).ok_or_else(|| failed("there is no key"));
    let (middle, other) = (nth(tenant.keys.len() / 2)?, nth(tenant.keys.len() / 3)?);

    let mut created = None;
    found.push(cost(tenant, keys, "mint", 1, || {
        let made = tenant.mint()?;
        let len = made.key.as_ref().map_or(0, |key| key.secret_str().len());
        created = Some(made);
        Ok(len)
    })?);
    let created = created.ok_or_else(|| failed("no key"))?;

    let mut reader = ListReader::new(&tenant.book, &tenant.admin)?;
    reader.follow(&tenant.book)?;
    tenant.settle()?;
    let text = created.key.as_ref().ok_or_else(|| failed("no key"))?;
    found.push(cost(tenant, keys, "verify", 0, || {
        match reader.verify(&tenant.book, text.secret_str()) {
            Decision::Allow(_) => Ok(0),
            other => Err(failed(format!("{other:?}"))),
        }
    })?);
    found.push(cost(tenant, keys, "check (strict)", 1, || tenant.check(&created).map(|()| 0))?);
    found.push(cost(tenant, keys, "refresh", 1, || Ok(tenant.bytes(Call::Head)?.len()))?);
    found.push(cost(tenant, keys, "rotate", 1, || {
        let made = tenant.rotate(middle)?;
        Ok(made.key.as_ref().map_or(0, |key| key.secret_str().len()))
    })?);
    found.push(cost(tenant, keys, "revoke", 1, || tenant.revoke(other).map(|()| 0))?);
    found.push(cost(tenant, keys, "refresh after it", 1, || Ok(tenant.bytes(Call::Head)?.len()))?);
    let head = reader.head(&tenant.book)?;
    let digest = WireBytes::new(head.state_digest());
    let state = Call::State { sequence: head.sequence(), digest };
    found.push(cost(tenant, keys, "first list", 1, || Ok(tenant.bytes(state)?.len()))?);
    Ok(found)
}

/// What one operation costs that asks the object so often and answers so many bytes.
fn cost(
    tenant: &Tenant,
    keys: u32,
    name: &str,
    object_requests: u32,
    act: impl FnOnce() -> Result<usize, RegistryError>,
) -> Result<Value, RegistryError> {
    let book = &tenant.book;
    book.pass(1_000);
    book.store.meter.take();
    let answer_bytes = act()?;
    if object_requests > 0 {
        // As the object does after each call.
        book.next_due()?;
    }
    let call = book.store.meter.take();
    let acts = book.alarm()?;
    let after = if acts.is_empty() { Cost::default() } else { book.store.meter.take() };
    let writes = acts.iter().filter(|act| !matches!(act, KvAct::StateDeleted { .. })).count();
    Ok(json!({
        "name": name,
        "keys": keys,
        "object_requests": object_requests,
        "answer_bytes": answer_bytes,
        "call": told(call),
        "alarm": told(after),
        "kv_writes": writes,
        "kv_bytes": acts.iter().map(KvAct::len).sum::<usize>(),
    }))
}

fn told(cost: Cost) -> Value {
    json!({
        "statements": cost.statements,
        "rows_returned": cost.rows_returned,
        "rows_written": cost.rows_written,
        "bytes_read": cost.bytes_read,
        "bytes_written": cost.bytes_written,
        "steps": cost.steps,
        "scan_steps": cost.scan_steps,
    })
}

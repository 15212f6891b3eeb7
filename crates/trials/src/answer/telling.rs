//! What a denial becomes over HTTP.

use serde_json::{Value, json};
use wardkey::Reason;

use super::value::{self, Fault};

pub(super) fn http(case: &Value) -> Result<Value, Fault> {
    let reason = Reason::named(value::text(case, "reason")?);
    let answer = reason.ok_or_else(|| Fault::NoCase("reason".into()))?.answer();
    Ok(json!({ "ok": {
        "status": answer.status,
        "code": answer.code,
        "retry_after": answer.retry_after_s.is_some(),
    } }))
}

//! Adopting one head after the other.

use serde_json::{Value, json};
use wardkey::{List, State, UnverifiedHead};

use super::value::{self, Fault};
use crate::spelling::hex;

pub(super) fn adopt(case: &Value) -> Result<Value, Fault> {
    let key_set_bytes = value::bytes(case, "key_set")?;
    let (key_set, _) = value::key_set(&key_set_bytes)?;
    let mut list = value::optional(case, "in_force")
        .map(|list| value::list(list, &key_set_bytes))
        .transpose()?;
    let heads = value::member(case, "heads")?;
    let heads = heads.as_array().ok_or_else(|| Fault::NoCase("heads".into()))?;
    let mut outcomes = Vec::new();
    for step in heads {
        let bytes = value::bytes(step, "head")?;
        let head = UnverifiedHead::parse(&bytes).and_then(|head| head.authenticate(&key_set));
        let head = match head {
            Ok(head) => head,
            Err(error) => {
                outcomes.push(format!("head:{}", error.as_str()));
                continue;
            }
        };
        let state = match value::optional(step, "state") {
            // One that cannot be read counts as not handed in.
            Some(_) => State::parse(&value::bytes(step, "state")?).ok(),
            None => None,
        };
        let now = value::millis(step, "now")?;
        let adopted = List::adopt(&mut list, &head, state, now, key_set.bounds());
        let word = adopted.map_or_else(|error| error.as_str(), |adoption| adoption.as_str());
        outcomes.push(word.into());
    }
    Ok(json!({
        "outcomes": outcomes,
        "sequence": list.as_ref().map(|list| list.head().sequence()),
        "digest": list.as_ref().map(|list| hex(&list.state().digest())),
    }))
}

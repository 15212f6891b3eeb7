//! What a verifier is given, for rows in JavaScript: the same bytes and keys as natively.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::accepts::{LIST, keys, narrowed};
use crate::claims::ASKED;
use crate::issuer::{CALLER, Issuer, NOW};
use crate::refusals::by_the_key;

/// Key set, head and state in base64; `keys` by how often they were narrowed; `refusals` with the reason that each must have.
///
/// # Errors
/// Where a key does not come out as it is meant.
pub fn told() -> Result<Value> {
    let issuer = Issuer::new(2)?;
    let parts = issuer.list(LIST)?;
    let verifier = issuer.verifier(Some(&parts))?.shared();
    let refusals = by_the_key(&issuer, &verifier)?;
    let first = |name: &str| {
        let refusal = refusals.iter().find(|refusal| refusal.name == name);
        refusal.and_then(|refusal| refusal.keys.first()).context(name.to_owned())
    };
    let refused = json!({
        "forged": first("forged")?,
        "expired": first("expired")?,
        "unscoped": first("scope_missing")?,
    });
    let good = keys(&issuer, |_| Ok(()))?;
    let by_blocks: Vec<_> =
        (0..=4).map(|blocks| narrowed(good.clone(), blocks)).collect::<Result<_>>()?;
    let all: Map<String, Value> = refusals
        .iter()
        .map(|refusal| {
            let told = json!({
                "what": refusal.what, "reason": refusal.expected,
                "blocks": refusal.blocks, "keys": refusal.keys,
            });
            (refusal.name.to_owned(), told)
        })
        .collect();
    Ok(json!({
        "now": NOW.0,
        "scope": ASKED,
        "caller": CALLER.to_string(),
        "key_set": STANDARD.encode(issuer.key_set()?),
        "head": STANDARD.encode(parts.head.sign(&issuer.secret)?),
        "state": STANDARD.encode(&parts.state),
        "keys": by_blocks,
        "refused": refused,
        "refusals": all,
    }))
}

//! Minting and narrowing.

use serde_json::{Value, json};
use wardkey::{
    AudienceId, Base, Constraints, Environment, Epoch, KeyId, KeyText, NarrowError, Narrowing,
    Prefix, SigningKey, SigningKeyId, StatusIndex, Subject, TenantId, UnixSeconds,
};

use super::value::{self, Fault};

pub(super) fn mint(case: &Value) -> Result<Value, Fault> {
    let signing_key = value::bytes(case, "signing_key")?;
    let signing_key: [u8; 32] =
        signing_key.try_into().map_err(|_| Fault::refused("a signing key is 32 bytes"))?;
    let prefix = prefix(value::text(case, "prefix")?)?;
    let values = value::member(case, "values")?;
    let number = |name| value::member(values, name);
    let epoch = Epoch::new(value::fitting(number("epoch")?)?);
    let key_id: Result<[u8; 8], _> = value::bytes(values, "key_id")?.try_into();
    let base = Base {
        signing_key: SigningKeyId {
            tenant: TenantId(value::fitting(number("tenant")?)?),
            audience: AudienceId(value::fitting(number("audience")?)?),
            epoch: epoch.ok_or_else(|| Fault::refused("epoch 0"))?,
        },
        key_id: KeyId(key_id.map_err(|_| Fault::refused("a key id is 8 bytes"))?),
        status_index: StatusIndex(value::fitting(number("status_index")?)?),
        issued_at: UnixSeconds(value::fitting(number("issued_at")?)?),
        expires_at: UnixSeconds(value::fitting(number("expires_at")?)?),
        subject: Subject::new(value::text(values, "subject")?).map_err(Fault::refused)?,
        scopes: value::scopes(values, "scopes")?.ok_or(Fault::NoCase("scopes".into()))?,
        constraints: Constraints {
            not_before: value::second(values, "not_before")?,
            networks: value::networks(values, "networks")?,
        },
    };
    let text = KeyText::sign(&prefix, &base, &SigningKey::new(&signing_key));
    Ok(json!({ "ok": text.map_err(Fault::refused)?.secret_str() }))
}

pub(super) fn narrow(case: &Value) -> Result<Value, Fault> {
    let fields = value::member(case, "fields")?;
    let narrowing = Narrowing {
        scopes: value::scopes(fields, "scopes")?,
        expires_at: value::second(fields, "expires_at")?,
        not_before: value::second(fields, "not_before")?,
        networks: value::networks(fields, "networks")?,
    };
    match wardkey::narrow(value::text(case, "key")?, &narrowing) {
        Ok(text) => Ok(json!({ "ok": text.secret_str() })),
        Err(error @ NarrowError::NoKey(reason)) => {
            Err(Fault::Refused { word: reason.as_str(), why: error.to_string() })
        }
        Err(error) => Err(Fault::refused(error)),
    }
}

fn prefix(text: &str) -> Result<Prefix, Fault> {
    let environments = [Environment::Live, Environment::Test];
    let prefixes = environments.into_iter().filter_map(|environment| {
        let brand =
            text.strip_suffix('_')?.strip_suffix(environment.as_str())?.strip_suffix('_')?;
        Prefix::new(brand, environment).ok()
    });
    prefixes.into_iter().next().ok_or_else(|| Fault::refused("no prefix"))
}

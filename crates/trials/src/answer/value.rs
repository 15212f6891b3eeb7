//! What the values of a JSON case stand for.

use serde_json::Value;
use wardkey::{
    Adoption, AudienceId, Catalog, KeySet, List, Network, Networks, Requirement, ScopeSet, State,
    TenantId, UnixMillis, UnixSeconds, UnverifiedHead,
};

/// Why there is no answer but an error.
pub(super) enum Fault {
    /// The case cannot be understood; the core was not asked.
    NoCase(String),
    /// The core refuses: the word that is compared, and the core's own.
    Refused { word: &'static str, why: String },
}

impl Fault {
    pub(super) fn refused(why: impl ToString) -> Self {
        Self::Refused { word: "refused", why: why.to_string() }
    }
}

fn no_case(name: &str) -> Fault {
    Fault::NoCase(name.into())
}

/// A member that may be missing or null.
pub(super) fn optional<'c>(case: &'c Value, name: &str) -> Option<&'c Value> {
    case.get(name).filter(|value| !value.is_null())
}

pub(super) fn member<'c>(case: &'c Value, name: &str) -> Result<&'c Value, Fault> {
    optional(case, name).ok_or_else(|| no_case(name))
}

pub(super) fn text<'c>(case: &'c Value, name: &str) -> Result<&'c str, Fault> {
    member(case, name)?.as_str().ok_or_else(|| no_case(name))
}

/// Bytes from hex.
pub(super) fn bytes(case: &Value, name: &str) -> Result<Vec<u8>, Fault> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text(case, name)?.as_bytes().as_chunks::<2>() else {
        return Err(no_case(name));
    };
    let bytes = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?));
    bytes.collect::<Option<_>>().ok_or_else(|| no_case(name))
}

/// An integer, or its decimal digits.
pub(super) fn number(value: &Value) -> Result<u64, Fault> {
    let digits = |value: &Value| value.as_str().and_then(|digits| digits.parse().ok());
    value.as_u64().or_else(|| digits(value)).ok_or_else(|| Fault::NoCase(value.to_string()))
}

/// A number that must fit its bytes, or is refused.
pub(super) fn fitting<T: TryFrom<u64>>(value: &Value) -> Result<T, Fault> {
    T::try_from(number(value)?).map_err(|_| Fault::refused("a number that does not fit"))
}

pub(super) fn millis(case: &Value, name: &str) -> Result<UnixMillis, Fault> {
    number(member(case, name)?).map(UnixMillis)
}

/// A second that may be missing.
pub(super) fn second(values: &Value, name: &str) -> Result<Option<UnixSeconds>, Fault> {
    optional(values, name).map(|value| fitting(value).map(UnixSeconds)).transpose()
}

fn items<'c>(value: &'c Value, name: &str) -> Result<&'c Vec<Value>, Fault> {
    value.as_array().ok_or_else(|| no_case(name))
}

/// Scopes by number, that may be missing.
pub(super) fn scopes(values: &Value, name: &str) -> Result<Option<ScopeSet>, Fault> {
    let Some(value) = optional(values, name) else { return Ok(None) };
    let numbers: Result<Vec<u8>, _> = items(value, name)?.iter().map(fitting).collect();
    Ok(Some(ScopeSet::from_iter(numbers?)))
}

/// Networks by CIDR text, that may be missing.
pub(super) fn networks(values: &Value, name: &str) -> Result<Option<Networks>, Fault> {
    let Some(value) = optional(values, name) else { return Ok(None) };
    let network = |value: &Value| {
        let text = value.as_str().ok_or_else(|| no_case(name))?;
        text.parse::<Network>().map_err(Fault::refused)
    };
    let networks: Result<Vec<_>, _> = items(value, name)?.iter().map(network).collect();
    Networks::new(networks?).map(Some).map_err(Fault::refused)
}

/// A key set that the case takes for granted.
pub(super) fn key_set(bytes: &[u8]) -> Result<(KeySet, Catalog<'_>), Fault> {
    KeySet::parse(bytes).map_err(|error| Fault::NoCase(format!("key_set: {error}")))
}

/// A list that was adopted before, with its own key set or else with the one of these bytes.
pub(super) fn list(value: &Value, key_set_bytes: &[u8]) -> Result<List<Vec<u8>>, Fault> {
    let own = optional(value, "key_set").map(|_| bytes(value, "key_set")).transpose()?;
    let (key_set, _) = key_set(own.as_deref().unwrap_or(key_set_bytes))?;
    let no_list = |why: String| Fault::NoCase(format!("list: {why}"));
    let head = bytes(value, "head")?;
    let head = UnverifiedHead::parse(&head).and_then(|head| head.authenticate(&key_set));
    let head = head.map_err(|error| no_list(error.to_string()))?;
    let state =
        State::parse(&bytes(value, "state")?).map_err(|error| no_list(error.to_string()))?;
    let (mut list, now) = (None, head.head().issued_at());
    match List::adopt(&mut list, &head, Some(state), now, key_set.bounds()) {
        Ok(Adoption::Adopted) => list.ok_or_else(|| no_list("none".into())),
        Ok(other) => Err(no_list(other.as_str().into())),
        Err(error) => Err(no_list(error.to_string())),
    }
}

/// A requirement: of the catalog of its `of_key_set`, or else of the key set of these bytes; for its
/// `audience` and `version`, or else for those of that key set.
pub(super) fn requirement(value: &Value, key_set_bytes: &[u8]) -> Result<Requirement, Fault> {
    let own = optional(value, "of_key_set").map(|_| bytes(value, "of_key_set")).transpose()?;
    let (_, catalog) = key_set(own.as_deref().unwrap_or(key_set_bytes))?;
    let (tenant, audience) = match optional(value, "audience") {
        None => catalog.audience(),
        Some(pair) => match items(pair, "audience")?.as_slice() {
            [tenant, audience] => (TenantId(fitting(tenant)?), AudienceId(fitting(audience)?)),
            _ => return Err(no_case("audience")),
        },
    };
    let version = match optional(value, "version") {
        None => catalog.key_set_version(),
        Some(version) => fitting(version)?,
    };
    let catalog = Catalog::parse(tenant, audience, version, catalog.as_bytes())
        .map_err(|error| Fault::NoCase(format!("catalog: {error}")))?;
    let names: Option<Vec<&str>> =
        items(member(value, "scopes")?, "scopes")?.iter().map(Value::as_str).collect();
    let names = names.ok_or_else(|| no_case("scopes"))?;
    let built = match text(value, "mode")? {
        "all_of" => Requirement::all_of(&catalog, names),
        "any_of" => Requirement::any_of(&catalog, names),
        _ => return Err(no_case("mode")),
    };
    let built =
        built.map_err(|error| Fault::Refused { word: "requirement", why: error.to_string() })?;
    let strict = optional(value, "strict").and_then(Value::as_bool).unwrap_or(false);
    Ok(if strict { built.strict() } else { built })
}

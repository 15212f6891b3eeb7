//! What was counted of one key.

use serde::{Deserialize, Serialize};
use wardkey::UnixMillis;

use super::{DAY_S, MOST, first_kept_day, tables};
use crate::error::RegistryError;
use crate::store::{Row, Store, Value};

/// A key as the registry knows it, for whoever may read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedKey {
    /// `key_…`
    pub key_id: String,
    /// The number of its audience.
    pub audience: u8,
    /// The audience's name.
    pub audience_name: String,
    /// Names of its scopes.
    pub scopes: Vec<String>,
    /// Number and status index of each generation, ascending.
    pub generations: Vec<(u32, u32)>,
}

/// What verifiers say that they decided about a key. Claims of theirs, and no proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyUsage {
    /// `key_…`
    pub key_id: String,
    /// The audience's name: only its verifiers can know the key.
    pub audience: String,
    /// From when on there are counts, in Unix seconds; those of before are not kept.
    pub since: u32,
    /// When it was first allowed since, in Unix seconds.
    pub first_used: Option<u32>,
    /// When it was last allowed.
    pub last_used: Option<u32>,
    /// By what was decided.
    pub outcomes: Vec<OutcomeUsage>,
    /// By generation.
    pub generations: Vec<GenerationUsage>,
    /// By scope that was required. A decision about several counts for each.
    pub scopes: Vec<NamedUsage>,
    /// Scopes of the key with which it was never allowed.
    pub never_used_scopes: Vec<String>,
    /// By verifier, under the names that they call themselves: the hundred that saw it last.
    pub verifiers: Vec<NamedUsage>,
    /// What is missing in the counts of the audience.
    pub lost: LostUsage,
}

/// Decisions of one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutcomeUsage {
    /// `allow`, why it was denied, or `ask`.
    pub outcome: String,
    /// How many.
    pub count: u64,
    /// When the first one was, in Unix seconds.
    pub first: u32,
    /// When the last one was.
    pub last: u32,
}

/// Decisions about one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GenerationUsage {
    /// From 1, one more a rotation.
    pub number: u32,
    /// How often it was allowed.
    pub allowed: u64,
    /// How often it was denied.
    pub denied: u64,
    /// When the first one was, in Unix seconds.
    pub first: u32,
    /// When the last one was.
    pub last: u32,
}

/// Decisions by a verifier, or about a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedUsage {
    /// Its name.
    pub name: String,
    /// How often the key was allowed.
    pub allowed: u64,
    /// How often it was denied.
    pub denied: u64,
    /// When the first one was, in Unix seconds.
    pub first: u32,
    /// When the last one was.
    pub last: u32,
}

/// Decisions about any keys of the audience that are in no count, since when counts are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LostUsage {
    /// As verifiers declare them.
    pub by_verifiers: u64,
    /// Reported ones for which there was no room.
    pub by_registry: u64,
}

/// What was counted of a key.
pub(crate) fn of(
    store: &dyn Store,
    key: &UsedKey,
    now: UnixMillis,
) -> Result<KeyUsage, RegistryError> {
    let first_day = first_kept_day(now);
    let mut usage = KeyUsage {
        key_id: key.key_id.clone(),
        audience: key.audience_name.clone(),
        since: first_day.saturating_mul(DAY_S),
        first_used: None,
        last_used: None,
        outcomes: Vec::new(),
        generations: Vec::new(),
        scopes: Vec::new(),
        never_used_scopes: key.scopes.clone(),
        verifiers: Vec::new(),
        lost: LostUsage::default(),
    };
    if tables::tenant(store)?.is_none() {
        return Ok(usage);
    }
    let counts = Counts::of(store, key, first_day)?;
    for row in &counts.by("outcome", &format!("outcome, min(sum(count), {MOST})"), "")? {
        let (first, last) = (row.unsigned(2)?, row.unsigned(3)?);
        let (outcome, count) = (row.text(0)?.to_owned(), row.unsigned(1)?);
        if outcome == "allow" {
            (usage.first_used, usage.last_used) = (Some(first), Some(last));
        }
        usage.outcomes.push(OutcomeUsage { outcome, count, first, last });
    }
    let numbers = |index: u32| key.generations.iter().find(|(_, of)| *of == index);
    for row in &counts.by("status_index", &format!("status_index, {TALLY}"), "")? {
        if let Some((number, _)) = numbers(row.unsigned(0)?) {
            let (allowed, denied) = (row.unsigned(1)?, row.unsigned(2)?);
            let (first, last) = (row.unsigned(3)?, row.unsigned(4)?);
            usage.generations.push(GenerationUsage {
                number: *number,
                allowed,
                denied,
                first,
                last,
            });
        }
    }
    usage.generations.sort_by_key(|generation| generation.number);
    let by_scope = counts.by("scope.value", &format!("scope.value, {TALLY}"), EACH_SCOPE)?;
    usage.scopes = by_scope.iter().map(named).collect::<Result<_, _>>()?;
    let used = counts.scopes_used()?;
    usage.never_used_scopes.retain(|scope| !used.contains(scope));
    let by_verifier = counts.by("verifier", &format!("verifier, {TALLY}"), "")?;
    let by_verifier = by_verifier.iter().take(MOST_VERIFIERS);
    usage.verifiers = by_verifier.map(named).collect::<Result<_, _>>()?;
    usage.lost = lost(store, key.audience, first_day)?;
    Ok(usage)
}

/// The counts of a key, of the generations that it has.
struct Counts<'c> {
    store: &'c dyn Store,
    params: [Value; 4],
    /// The names of the key's scopes, as JSON.
    scopes: Value,
}

impl<'c> Counts<'c> {
    fn of(store: &'c dyn Store, key: &UsedKey, day: u32) -> Result<Self, RegistryError> {
        let indexes: Vec<u32> = key.generations.iter().map(|(_, index)| *index).collect();
        let key_id = key.key_id.as_str().into();
        let params = [key.audience.into(), key_id, json(&indexes)?, day.into()];
        Ok(Self { store, params, scopes: json(&key.scopes)? })
    }

    /// Sums by a column, with the first and the last time; the latest first.
    fn by(&self, column: &str, sums: &str, also: &str) -> Result<Vec<Row>, RegistryError> {
        let sql = format!(
            "SELECT {sums}, min(first_at), max(last_at) FROM usage_count{also}
             WHERE audience = ?1 AND key_id = ?2 AND status_index IN (SELECT value FROM json_each(?3)) AND day >= ?4
             GROUP BY {column} ORDER BY max(last_at) DESC, {column} LIMIT {MOST_ROWS}"
        );
        Ok(self.store.query(&sql, &self.params)?)
    }

    /// Which of the key's own scopes it was allowed with, however many others were reported.
    fn scopes_used(&self) -> Result<Vec<String>, RegistryError> {
        let sql = format!(
            "SELECT DISTINCT scope.value FROM usage_count{EACH_SCOPE}
             WHERE audience = ?1 AND key_id = ?2 AND status_index IN (SELECT value FROM json_each(?3)) AND day >= ?4
             AND outcome = 'allow' AND scope.value IN (SELECT value FROM json_each(?5))"
        );
        let rows = self
            .store
            .query(&sql, &[&self.params[..], std::slice::from_ref(&self.scopes)].concat())?;
        rows.iter().map(|row| row.text(0).map(Into::into)).collect()
    }
}

fn json(list: &impl Serialize) -> Result<Value, RegistryError> {
    let text = serde_json::to_string(list)
        .map_err(|error| RegistryError::internal(format!("a list of a key: {error}")))?;
    Ok(text.into())
}

fn named(row: &Row) -> Result<NamedUsage, RegistryError> {
    Ok(NamedUsage {
        name: row.text(0)?.into(),
        allowed: row.unsigned(1)?,
        denied: row.unsigned(2)?,
        first: row.unsigned(3)?,
        last: row.unsigned(4)?,
    })
}

fn lost(store: &dyn Store, audience: u8, day: u32) -> Result<LostUsage, RegistryError> {
    let sql = format!(
        "SELECT min(coalesce(sum(lost), 0), {MOST}), min(coalesce(sum(dropped), 0), {MOST}) FROM usage_loss
         WHERE audience = ? AND day >= ?"
    );
    let rows = store.query(&sql, &[audience.into(), day.into()])?;
    let row = rows.first().ok_or_else(|| RegistryError::internal("a sum without a row"))?;
    Ok(LostUsage { by_verifiers: row.unsigned(0)?, by_registry: row.unsigned(1)? })
}

/// How often it was allowed and denied; what was left undecided is neither.
const TALLY: &str = "min(sum(CASE outcome WHEN 'allow' THEN count ELSE 0 END), 9007199254740991), \
                     min(sum(CASE WHEN outcome IN ('allow', 'ask') THEN 0 ELSE count END), 9007199254740991)";

/// A row for each scope of a requirement.
const EACH_SCOPE: &str = " JOIN json_each(usage_count.scopes) AS scope";

/// Most rows by one column: as many as a catalog has scopes.
const MOST_ROWS: u32 = 256;

/// Most verifiers that are named.
const MOST_VERIFIERS: usize = 100;

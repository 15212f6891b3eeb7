//! What the registry is to be told: that a generation was seen, and that a dead one was shown; each generation once a
//! day at most.

use serde::{Deserialize, Serialize};
use wardkey::{Reason, UnixMillis};

use super::report::{Entry, Reporter};
use crate::error::RegistryError;
use crate::store::{Row, Store, Value};

/// A generation that a verifier has seen, whose tag it says that it found right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The number of the verifier's audience.
    pub audience: u8,
    /// `key_…`
    pub key_id: String,
    /// Which generation.
    pub status_index: u32,
    /// On which day, from 1970-01-01.
    pub day: u32,
    /// Why it was denied, if that was since it is dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_as: Option<String>,
    /// When that was last, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_at: Option<u32>,
    /// What the verifier calls itself.
    pub verifier: String,
    /// Whose credential it reported under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<String>,
    /// The request that the report came with.
    pub request_id: String,
}

/// What the registry says of a sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SightingVerdict {
    /// It lives.
    Alive,
    /// It is dead.
    Dead,
    /// It stands in no book, or in that of another audience.
    NeverIssued,
}

impl SightingVerdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::NeverIssued => "never_issued",
        }
    }
}

/// Keeps of an entry what the registry does not know yet.
pub(crate) fn note(
    store: &dyn Store,
    reporter: &Reporter,
    verifier: &str,
    entry: &Entry<'_>,
) -> Result<(), RegistryError> {
    let generation: [Value; 3] =
        [reporter.audience.into(), entry.key_id.to_string().into(), entry.index.0.into()];
    let rows = store.query(
        "SELECT day = ?4, denied_as, coalesce(verdict, '') FROM usage_sighting
         WHERE audience = ?1 AND key_id = ?2 AND status_index = ?3 ORDER BY day = ?4 DESC, day DESC LIMIT 1",
        &[&generation[..], &[entry.day().into()]].concat(),
    )?;
    let denied_as = entry.is_late.then_some(entry.outcome);
    let of_today = match rows.first() {
        Some(row) => {
            let is_of_this_day = row.unsigned::<u8>(0)? == 1;
            let verdict = row.text(2)?;
            let is_news = if is_of_this_day {
                is_news_of_the_day(row.optional_text(1)?, denied_as, verdict)
            } else {
                entry.is_late || verdict == SightingVerdict::NeverIssued.as_str()
            };
            if !is_news {
                return Ok(());
            }
            is_of_this_day
        }
        None => false,
    };
    let [audience, key_id, index] = generation;
    let params = [
        audience,
        key_id,
        index,
        entry.day().into(),
        denied_as.into(),
        denied_as.map(|_| entry.last).into(),
        verifier.into(),
        reporter.key_id.as_str().into(),
        reporter.request_id.as_str().into(),
    ];
    let sql = if of_today {
        "UPDATE usage_sighting SET denied_as = ?5, denied_at = ?6, verifier = ?7, reporter = ?8, request_id = ?9, told = 0
         WHERE audience = ?1 AND key_id = ?2 AND status_index = ?3 AND day = ?4"
    } else {
        "INSERT INTO usage_sighting (audience, key_id, status_index, day, denied_as, denied_at, verifier, reporter, request_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    };
    Ok(store.execute(sql, &params)?)
}

/// Whether a day's sighting is to be told again: the first time that it was shown dead. A narrowing expires while its key
/// lives, and a suspended key may live again: what is said of it later is news once more.
fn is_news_of_the_day(before: Option<&str>, denied_as: Option<&str>, verdict: &str) -> bool {
    let expired = Reason::Expired.as_str();
    match (before, denied_as) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(now)) => {
            let may_live = before == expired || verdict == SightingVerdict::Alive.as_str();
            may_live && now != expired
        }
    }
}

/// When the registry is next to be told; none while it knows all.
pub(crate) fn next_due(store: &dyn Store) -> Result<Option<UnixMillis>, RegistryError> {
    let sql = "SELECT tell_at FROM usage_state
               WHERE EXISTS (SELECT 1 FROM usage_sighting WHERE told = 0)";
    let rows = store.query(sql, &[])?;
    Ok(rows.first().map(|row| row.unsigned(0)).transpose()?.map(UnixMillis))
}

/// Some that are due, oldest first.
pub(crate) fn due(store: &dyn Store, now: UnixMillis) -> Result<Vec<Sighting>, RegistryError> {
    if next_due(store)?.is_none_or(|at| at > now) {
        return Ok(Vec::new());
    }
    let sql = "SELECT audience, key_id, status_index, day, denied_as, denied_at, verifier, reporter, request_id
               FROM usage_sighting WHERE told = 0 ORDER BY day LIMIT ?";
    store.query(sql, &[AT_ONCE.into()])?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Sighting, RegistryError> {
    Ok(Sighting {
        audience: row.unsigned(0)?,
        key_id: row.text(1)?.into(),
        status_index: row.unsigned(2)?,
        day: row.unsigned(3)?,
        denied_as: row.optional_text(4)?.map(Into::into),
        denied_at: row.optional_unsigned(5)?,
        verifier: row.text(6)?.into(),
        reporter: Some(row.text(7)?.into()),
        request_id: row.text(8)?.into(),
    })
}

/// Keeps what the registry said. What has become news meanwhile stays due.
pub(crate) fn told(
    store: &dyn Store,
    told: &[Sighting],
    verdicts: &[SightingVerdict],
    now: UnixMillis,
) -> Result<(), RegistryError> {
    if told.len() != verdicts.len() {
        return Err(RegistryError::internal("the registry answered something else than was told"));
    }
    for (sighting, verdict) in told.iter().zip(verdicts) {
        store.execute(
            "UPDATE usage_sighting SET verdict = ?5, told = (denied_as IS ?6)
             WHERE audience = ?1 AND key_id = ?2 AND status_index = ?3 AND day = ?4",
            &[
                sighting.audience.into(),
                sighting.key_id.as_str().into(),
                sighting.status_index.into(),
                sighting.day.into(),
                verdict.as_str().into(),
                sighting.denied_as.as_deref().into(),
            ],
        )?;
    }
    let sql = "UPDATE usage_state SET attempts = 0, tell_at = ?";
    Ok(store.execute(sql, &[now.plus(PAUSE_MS).0.into()])?)
}

/// Waits longer each time, up to five minutes.
pub(crate) fn failed(store: &dyn Store, now: UnixMillis) -> Result<(), RegistryError> {
    store.execute(
        "UPDATE usage_state SET attempts = attempts + 1, tell_at = ?1 + min(1000 << min(attempts, 9), 300000)",
        &[now.0.into()],
    )?;
    Ok(())
}

/// Most that the registry is told at once.
const AT_ONCE: u32 = 100;

/// Between two times that the registry is told, in milliseconds.
const PAUSE_MS: u64 = 1_000;

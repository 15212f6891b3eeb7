//! A verifier's report: what it may say.

use serde::{Deserialize, Serialize};
use wardkey::{KeyId, Reason, ScopeName, StatusIndex, Subject, UnixMillis};

use super::DAY_S;
use crate::error::RegistryError;

/// Who reports, as the registry has judged its credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    /// The number of the one audience whose key set the credential may take.
    pub audience: u8,
    /// The credential's key.
    pub key_id: String,
    /// The request that the report came with.
    pub request_id: String,
}

impl Reporter {
    /// The Worker itself, for what it decides: no credential's.
    pub fn worker(audience: u8, request_id: String) -> Self {
        Self { audience, key_id: WORKER.into(), request_id }
    }

    /// Whether it is the Worker.
    pub fn is_worker(&self) -> bool {
        self.key_id == WORKER
    }

    /// What the Worker calls itself where it decides for proxies: no verifier of a credential may be called so.
    pub const FORWARD_AUTH: &str = "forward-auth";
}

/// What a verifier decided since its last report, counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// Its own name, never given to another report of the same credential: repeated, it counts once.
    pub report_id: String,
    /// What the verifier calls itself.
    pub verifier: String,
    /// The audience's name, which may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// When it was decided.
    pub period: UsagePeriod,
    /// How many decisions the verifier could not keep count of.
    #[serde(default)]
    pub lost: u64,
    /// What was decided. Of keys alone whose tag was found right.
    pub entries: Vec<UsageEntry>,
}

/// When what is reported was decided, in Unix seconds, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UsagePeriod {
    /// From when on.
    pub from: u32,
    /// Until when.
    pub until: u32,
}

/// Decisions of one kind about one generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UsageEntry {
    /// `key_…`
    pub key_id: String,
    /// Which generation: its number in the revocation list.
    pub status_index: u32,
    /// The scopes that were required.
    pub scopes: Vec<String>,
    /// `allow`, the stable word of a denial's reason, or `ask` for what was left undecided.
    pub outcome: String,
    /// How many.
    pub count: u32,
    /// When the first one was, in Unix seconds.
    pub first: u32,
    /// When the last one was.
    pub last: u32,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageCounted {
    /// The report's name.
    pub report_id: String,
    /// Whether it had been counted before.
    pub repeated: bool,
    /// Decisions that are counted.
    pub counted: u64,
    /// Decisions that could not be kept, and are declared as lost.
    pub dropped: u64,
}

/// A report that was read whole.
pub(crate) struct Checked<'r> {
    pub(crate) said: &'r UsageReport,
    pub(crate) verifier: Subject,
    pub(crate) entries: Vec<Entry<'r>>,
}

/// An entry that was read.
pub(crate) struct Entry<'r> {
    pub(crate) key_id: KeyId,
    pub(crate) index: StatusIndex,
    /// The scopes, sorted, as JSON.
    pub(crate) scopes: String,
    pub(crate) outcome: &'r str,
    /// Whether it is a denial of a key that is dead.
    pub(crate) is_late: bool,
    pub(crate) count: u32,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl<'r> Checked<'r> {
    /// Reads a report.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] with the field's path, which repeats nothing of what it holds.
    pub(crate) fn read(
        said: &'r UsageReport,
        reporter: &Reporter,
        now: UnixMillis,
    ) -> Result<Self, RegistryError> {
        let id_ok = (16..=64).contains(&said.report_id.len())
            && said
                .report_id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        // A key's text is longer, or holds its prefix.
        if !id_ok || wardkey_provision::holds_credential(&said.report_id) {
            return Err(RegistryError::invalid("report_id", "must be 16 to 64 of A-Z a-z 0-9 - _"));
        }
        let verifier = Subject::new(&said.verifier)
            .map_err(|error| RegistryError::invalid("verifier", error.to_string()))?;
        if said.verifier == Reporter::FORWARD_AUTH && !reporter.is_worker() {
            return Err(RegistryError::invalid("verifier", "is what the Worker calls itself"));
        }
        said.period.check(now)?;
        if said.lost > MAX_LOST {
            return Err(RegistryError::invalid("lost", "must be at most 1000000000000"));
        }
        if said.entries.len() > MAX_ENTRIES {
            return Err(RegistryError::invalid("entries", "must be at most 256"));
        }
        let entries = said.entries.iter().enumerate();
        let entries = entries
            .map(|(at, entry)| Entry::read(entry, &format!("entries[{at}]"), said.period))
            .collect::<Result<_, _>>()?;
        Ok(Self { said, verifier, entries })
    }
}

impl UsagePeriod {
    fn check(self, now: UnixMillis) -> Result<(), RegistryError> {
        let wrong = |problem: &str| RegistryError::invalid("period", problem);
        let length = self.until.checked_sub(self.from);
        if length.is_none_or(|length| length > DAY_S) {
            return Err(wrong("must end after its beginning, and within a day of it"));
        }
        let now = now.0 / 1_000;
        if u64::from(self.until) > now + AHEAD_S {
            return Err(wrong("must have ended"));
        }
        // INVARIANT: a report that could still come again is remembered: see `remembered::KEPT_MS`.
        if u64::from(self.until) + u64::from(MAX_AGE_S) < now {
            return Err(wrong("must have ended within the last 7 days"));
        }
        Ok(())
    }
}

impl<'r> Entry<'r> {
    fn read(entry: &'r UsageEntry, here: &str, period: UsagePeriod) -> Result<Self, RegistryError> {
        let wrong =
            |field: &str, problem: &str| RegistryError::invalid(format!("{here}.{field}"), problem);
        let key_id = entry.key_id.parse().map_err(|_| wrong("key_id", "must be a key's id"))?;
        let mut scopes: Vec<&str> = entry.scopes.iter().map(String::as_str).collect();
        scopes.sort_unstable();
        scopes.dedup();
        let named = scopes.iter().all(|scope| ScopeName::new(scope).is_some());
        if scopes.is_empty() || entry.scopes.len() > MAX_SCOPES || !named {
            return Err(wrong("scopes", "must be 1 to 16 names of scopes"));
        }
        let Some(is_late) = is_late(&entry.outcome) else {
            let problem = "must be allow, ask or why a key was denied whose tag was right";
            return Err(wrong("outcome", problem));
        };
        if !(1..=MAX_COUNT).contains(&entry.count) {
            return Err(wrong("count", "must be 1 to 1000000000"));
        }
        if entry.first < period.from || entry.first > entry.last || entry.last > period.until {
            return Err(wrong("first", "must not be after last, and both within the period"));
        }
        let scopes = serde_json::to_string(&scopes)
            .map_err(|error| RegistryError::internal(format!("scopes: {error}")))?;
        let UsageEntry { status_index, outcome, count, first, last, .. } = entry;
        Ok(Self {
            key_id,
            index: StatusIndex(*status_index),
            scopes,
            outcome,
            is_late,
            count: *count,
            first: *first,
            last: *last,
        })
    }

    /// The day that it is counted for.
    pub(crate) const fn day(&self) -> u32 {
        self.last / DAY_S
    }
}

impl UsageEntry {
    /// Whether this is the word of an outcome that may be reported.
    pub fn takes(outcome: &str) -> bool {
        is_late(outcome).is_some()
    }
}

/// Whether an outcome is the denial of a dead key; none for what is said of no key.
fn is_late(outcome: &str) -> Option<bool> {
    if matches!(outcome, "allow" | "ask") {
        return Some(false);
    }
    match about(Reason::named(outcome)?) {
        About::Unproven => None,
        About::Proven => Some(false),
        About::Dead => Some(true),
    }
}

/// What a denial is said about.
enum About {
    /// Of a text whose tag was not found right: what it says that it is means nothing.
    Unproven,
    /// Of a key that is as it was issued.
    Proven,
    /// Of a key that is dead.
    Dead,
}

const fn about(reason: Reason) -> About {
    match reason {
        Reason::Malformed
        | Reason::BadChecksum
        | Reason::UnknownSigningKey
        | Reason::PrefixMismatch
        | Reason::BadTag
        | Reason::WrongAudience
        | Reason::RequirementOutdated
        | Reason::TenantGone => About::Unproven,
        Reason::OutsideWindow
        | Reason::NotYetValid
        | Reason::ScopeMissing
        | Reason::Narrowed
        | Reason::AddressNotAllowed
        | Reason::ListStale
        | Reason::ClockBehind
        | Reason::NoKeySet
        | Reason::RegistryUnavailable => About::Proven,
        Reason::NeverIssued
        | Reason::Expired
        | Reason::Inactive
        | Reason::Revoked
        | Reason::Suspended
        | Reason::Retired => About::Dead,
    }
}

/// In place of a credential's key.
const WORKER: &str = "worker";
/// Entries of one report: what a body has room for.
const MAX_ENTRIES: usize = 256;
/// Scopes of one requirement.
const MAX_SCOPES: usize = 16;
/// Decisions of one entry.
const MAX_COUNT: u32 = 1_000_000_000;
/// Decisions that one report may declare as lost.
const MAX_LOST: u64 = 1_000_000_000_000;
/// How long ago a report's period may have ended, in seconds.
pub(crate) const MAX_AGE_S: u32 = 7 * DAY_S;
/// How far a verifier's clock may be ahead, in seconds.
pub(crate) const AHEAD_S: u64 = 300;

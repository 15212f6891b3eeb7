//! What verifiers report: counted once, read back by key, bounded, and what the registry makes of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod reading;
mod reports;
mod scale;
mod sighted;

use wardkey::UnixMillis;
use wardkey_registry::{
    KeyUsage, RegistryError, Reporter, Usage, UsageCall, UsageCounted, UsageEntry, UsageLimits,
    UsagePeriod, UsageReply, UsageReport, UsedKey,
};
use wardkey_testkit::SqliteStore;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const SECOND: u32 = 1_800_000_000;
const DAY_MS: u64 = 86_400_000;
const KEY: &str = "key_00112233445566ff";

fn reporter(audience: u8) -> Reporter {
    let key_id = format!("key_00000000000000{audience:02}");
    Reporter { audience, key_id, request_id: "req_test".into() }
}

/// A report whose period ends with the second of `now`.
fn report_at(id: u32, now: UnixMillis, entries: Vec<UsageEntry>) -> UsageReport {
    let until = u32::try_from(now.0 / 1_000).unwrap();
    UsageReport {
        report_id: format!("report-{id:016}"),
        verifier: "gateway-1".into(),
        audience: None,
        period: UsagePeriod { from: until - 60, until },
        lost: 0,
        entries,
    }
}

fn report(id: u32, entries: Vec<UsageEntry>) -> UsageReport {
    report_at(id, NOW, entries)
}

fn entry(key_id: &str, status_index: u32, outcome: &str, count: u32) -> UsageEntry {
    UsageEntry {
        key_id: key_id.into(),
        status_index,
        scopes: vec!["reports:read".into()],
        outcome: outcome.into(),
        count,
        first: SECOND - 10,
        last: SECOND,
    }
}

/// The same at another time.
fn entry_at(now: UnixMillis, entry: UsageEntry) -> UsageEntry {
    let second = u32::try_from(now.0 / 1_000).unwrap();
    UsageEntry { first: second, last: second, ..entry }
}

/// Usage in memory, with small limits.
struct Kept {
    store: SqliteStore,
    limits: UsageLimits,
}

impl Kept {
    fn new() -> Self {
        Self { store: SqliteStore::in_memory().unwrap(), limits: UsageLimits::DEFAULT }
    }

    fn limited(rows: u64, reports: u64) -> Self {
        Self { limits: UsageLimits { rows, reports }, ..Self::new() }
    }

    fn usage(&self) -> Usage<'_> {
        Usage::limited(&self.store, self.limits)
    }

    fn send_at(
        &self,
        audience: u8,
        report: UsageReport,
        now: UnixMillis,
    ) -> Result<UsageCounted, RegistryError> {
        let call = UsageCall::Report { tenant: 1, reporter: reporter(audience), report };
        match self.usage().answer(&call, now)? {
            UsageReply::Counted(counted) => Ok(counted),
            other => panic!("{other:?}"),
        }
    }

    fn send(&self, audience: u8, report: UsageReport) -> Result<UsageCounted, RegistryError> {
        self.send_at(audience, report, NOW)
    }

    fn read_at(&self, audience: u8, key_id: &str, now: UnixMillis) -> KeyUsage {
        let key = UsedKey {
            key_id: key_id.into(),
            audience,
            audience_name: "api".into(),
            scopes: vec!["reports:read".into(), "reports:write".into()],
            generations: vec![(1, 8), (2, 9)],
        };
        match self.usage().answer(&UsageCall::Read { key }, now).unwrap() {
            UsageReply::Usage(usage) => *usage,
            other => panic!("{other:?}"),
        }
    }

    fn read(&self, key_id: &str) -> KeyUsage {
        self.read_at(1, key_id, NOW)
    }
}

/// Decisions of all outcomes.
fn decisions(usage: &KeyUsage) -> u64 {
    usage.outcomes.iter().map(|one| one.count).sum()
}

//! A tenant's usage: what verifiers say that they decided, counted by day, over a store of its own.
//!
//! It is a claim of whoever holds a key set, and no proof: nothing is allowed, denied, revoked or billed by it. It is kept apart from the
//! registry, so that reports keep nobody from the registry's word: that one is told, in batches, only that a generation was
//! seen, and that a dead one or one that was never issued was shown.

mod call;
mod counts;
mod reading;
mod remembered;
mod report;
mod sightings;
mod sweep;
mod tables;

use std::fmt;

use wardkey::{TenantId, UnixMillis};

pub use call::{UsageCall, UsageReply};
pub use reading::{GenerationUsage, KeyUsage, LostUsage, NamedUsage, OutcomeUsage, UsedKey};
pub use report::{Reporter, UsageCounted, UsageEntry, UsagePeriod, UsageReport};
pub use sightings::{Sighting, SightingVerdict};

use crate::error::RegistryError;
use crate::store::{Store, transaction};

/// A tenant's usage over a store.
#[derive(Clone, Copy)]
pub struct Usage<'u> {
    store: &'u dyn Store,
    limits: UsageLimits,
}

/// How much is kept of one audience, so that no verifier's reports take the room of another audience's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageLimits {
    /// Counts by day, key, generation, verifier, scopes and outcome. What would be one more is dropped, and declared as lost.
    pub rows: u64,
    /// Reports that are remembered, so that a repeated one counts once. For one more the oldest are forgotten, and no report
    /// is taken any more that could be one of those.
    pub reports: u64,
}

impl UsageLimits {
    /// Those of every tenant.
    pub const DEFAULT: Self = Self { rows: 1_000_000, reports: 1_000_000 };
}

impl<'u> Usage<'u> {
    /// Opens the usage. Nothing is read or written yet.
    pub const fn new(store: &'u dyn Store) -> Self {
        Self::limited(store, UsageLimits::DEFAULT)
    }

    /// The same with other limits.
    pub const fn limited(store: &'u dyn Store, limits: UsageLimits) -> Self {
        Self { store, limits }
    }

    /// Answers a call, in one transaction.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] for a report that is none; [`RegistryError::Busy`] where too many came within minutes;
    /// [`RegistryError::Internal`].
    pub fn answer(&self, call: &UsageCall, now: UnixMillis) -> Result<UsageReply, RegistryError> {
        let store = self.store;
        match call {
            UsageCall::Report { tenant, reporter, report } => transaction(store, || {
                let report = report::Checked::read(report, reporter, now)?;
                tables::make(store, TenantId(*tenant), now)?;
                remembered::once(store, self.limits, reporter, &report, now)
                    .map(UsageReply::Counted)
            }),
            UsageCall::Read { key } => {
                reading::of(store, key, now).map(|usage| UsageReply::Usage(Box::new(usage)))
            }
        }
    }

    /// When there is something to do; none while nothing is kept.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn next_due(&self, now: UnixMillis) -> Result<Option<UnixMillis>, RegistryError> {
        if tables::tenant(self.store)?.is_none() {
            return Ok(None);
        }
        let due = [sightings::next_due(self.store)?, sweep::next_due(self.store)?];
        Ok(due.into_iter().flatten().min().map(|at| at.max(now)))
    }

    /// What the registry of which tenant is to be told now, if anything is due.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn due_sightings(
        &self,
        now: UnixMillis,
    ) -> Result<Option<(TenantId, Vec<Sighting>)>, RegistryError> {
        let Some(tenant) = tables::tenant(self.store)? else {
            return Ok(None);
        };
        let sightings = sightings::due(self.store, now)?;
        Ok((!sightings.is_empty()).then_some((tenant, sightings)))
    }

    /// The tenant whose usage is about to be swept: whoever sweeps asks first whether it is still there.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn due_sweep(&self, now: UnixMillis) -> Result<Option<TenantId>, RegistryError> {
        let Some(tenant) = tables::tenant(self.store)? else {
            return Ok(None);
        };
        Ok(sweep::next_due(self.store)?.is_some_and(|at| at <= now).then_some(tenant))
    }

    /// The registry was told, and says of each what it is.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn sightings_told(
        &self,
        told: &[Sighting],
        verdicts: &[SightingVerdict],
        now: UnixMillis,
    ) -> Result<(), RegistryError> {
        transaction(self.store, || sightings::told(self.store, told, verdicts, now))
    }

    /// The registry could not be told: it is tried again later.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn telling_failed(&self, now: UnixMillis) -> Result<(), RegistryError> {
        sightings::failed(self.store, now)
    }

    /// Takes out some of what is too old, if that is due.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn sweep_some(&self, now: UnixMillis) -> Result<(), RegistryError> {
        if tables::tenant(self.store)?.is_none() {
            return Ok(());
        }
        transaction(self.store, || sweep::some(self.store, now))
    }

    /// Forgets all: the tenant is gone.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub fn forget(&self) -> Result<(), RegistryError> {
        transaction(self.store, || tables::drop_all(self.store))
    }
}

impl fmt::Debug for Usage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Usage")
    }
}

/// For how many days counts are kept, today included.
const KEPT_DAYS: u32 = 90;

/// The largest number that every host keeps exact.
const MOST: u64 = (1 << 53) - 1;

/// Seconds of a day, as UTC counts them.
const DAY_S: u32 = 86_400;

/// The day of a time, from 1970-01-01.
fn day_of(now: UnixMillis) -> u32 {
    u32::try_from(now.0 / 1_000 / u64::from(DAY_S)).unwrap_or(u32::MAX)
}

/// The first day of which counts are kept and shown.
fn first_kept_day(now: UnixMillis) -> u32 {
    day_of(now).saturating_sub(KEPT_DAYS - 1)
}

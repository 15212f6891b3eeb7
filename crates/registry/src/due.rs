//! When something that was put off is due, by a clock that may step back.
//!
//! What is posted is due by registry time, which never steps back: else it would wait until the clock had caught up. What is
//! tried again waits by the clock, since registry time stands still meanwhile: else a failing try would be repeated without
//! a pause.

use wardkey::UnixMillis;

use crate::error::RegistryError;
use crate::store::{Row, Store, Value};

/// The two times by which it is judged what is due.
#[derive(Clone, Copy)]
pub(crate) struct DueTime {
    clock: UnixMillis,
    registry: UnixMillis,
}

impl DueTime {
    /// Both times now, of a tenant that may be gone.
    pub(crate) fn now(store: &dyn Store, clock: UnixMillis) -> Result<Self, RegistryError> {
        let rows = store.query("SELECT last_time FROM tenant", &[])?;
        let last = rows.first().map(|row| row.unsigned(0)).transpose()?;
        Ok(Self { clock, registry: clock.max(UnixMillis(last.unwrap_or(0))) })
    }

    /// Registry time.
    pub(crate) const fn registry(self) -> UnixMillis {
        self.registry
    }

    /// When a deadline is due by the clock, which is in registry time.
    pub(crate) fn of_deadline(self, at: UnixMillis) -> UnixMillis {
        if at <= self.registry { at.min(self.clock) } else { at }
    }

    /// When the row is due by the clock, of which these are `due_at` and `attempts`.
    pub(crate) fn of(self, row: &Row) -> Result<UnixMillis, RegistryError> {
        let due_at = UnixMillis(row.unsigned(0)?);
        let is_first_try = row.unsigned::<u32>(1)? == 0;
        let is_far = due_at > self.far();
        let is_due = due_at <= self.latest() && (is_first_try || is_far);
        Ok(if is_due { due_at.min(self.clock) } else { due_at })
    }

    /// The condition of rows that are due, over their `due_at` and `attempts`. It takes the parameters 1 to 3.
    pub(crate) const CONDITION: &str =
        "due_at <= ?1 AND (due_at <= ?2 OR attempts = 0 OR due_at > ?3)";

    /// The condition's parameters.
    pub(crate) fn params(self) -> [Value; 3] {
        [self.latest().0.into(), self.clock.0.into(), self.far().0.into()]
    }

    /// Nothing that is due was put off to later than this.
    fn latest(self) -> UnixMillis {
        let has_stepped_back = self.registry > self.clock;
        if has_stepped_back { self.registry.plus(MOST_WAIT_MS) } else { self.clock }
    }

    /// No wait that the clock began reaches further: what is later was put off before it stepped back.
    fn far(self) -> UnixMillis {
        self.clock.plus(MOST_WAIT_MS)
    }
}

/// Longest wait between two tries, in milliseconds.
pub(crate) const MOST_WAIT_MS: u64 = 300_000;

//! The one clock of this host.

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix milliseconds; 0 before 1970, which allows nothing.
#[expect(
    clippy::disallowed_methods,
    reason = "the component has no clock: this is where its host reads one"
)]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

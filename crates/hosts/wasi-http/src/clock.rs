//! The host's clocks.

use std::pin::pin;

use futures_util::future::{Either, select};

use crate::bindings::wasi::clocks::{monotonic_clock, system_clock};

/// Unix milliseconds; 0 for a clock before that, with which nothing is allowed.
pub(crate) fn now_ms() -> u64 {
    let now = system_clock::now();
    u64::try_from(now.seconds).map_or(0, |seconds| {
        seconds.saturating_mul(1_000).saturating_add(u64::from(now.nanoseconds / 1_000_000))
    })
}

pub(crate) async fn wait_ms(ms: u64) {
    monotonic_clock::wait_for(ms.saturating_mul(1_000_000)).await;
}

/// What the work brings, unless it takes longer.
pub(crate) async fn within<T>(ms: u64, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(wait_ms(ms))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

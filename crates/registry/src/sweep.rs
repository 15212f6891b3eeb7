//! The look that cron takes at a tenant: deadlines that have come are applied, and it is said what is next due, so
//! that an alarm that was lost is noticed.

use serde::{Deserialize, Serialize};
use wardkey::UnixMillis;

use crate::deadlines;
use crate::error::RegistryError;
use crate::store::{Store, transaction};
use crate::tenant_report::{self, TenantReport, TenantState};

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// What the tenant says of itself.
    pub report: TenantReport,
    /// Whether the tenant's alarm was found lost and is set again: said by whoever holds the alarm.
    #[serde(default)]
    pub rearmed: bool,
}

/// Takes the look, in transactions of its own. It needs no secret, so that it works whatever the deployment's root is.
pub(crate) fn sweep(store: &dyn Store, clock: UnixMillis) -> Result<Swept, RegistryError> {
    let report = tenant_report::of(store, clock)?;
    if report.state == TenantState::Live {
        let now = UnixMillis(report.at_ms);
        deadlines::work_off(store, now)?;
        transaction(store, || deadlines::apply(store, now))?;
    }
    Ok(Swept { report, rearmed: false })
}

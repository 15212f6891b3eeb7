//! What the Worker asks of a tenant's usage, and what it is told. JSON between versions N and N−1.

use serde::{Deserialize, Serialize};

use super::reading::{KeyUsage, UsedKey};
use super::report::{Reporter, UsageCounted, UsageReport};

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum UsageCall {
    /// Count a report. The registry has admitted the reporter.
    Report {
        /// Whose usage this is.
        tenant: u16,
        /// Who reports.
        reporter: Reporter,
        /// What it says.
        report: UsageReport,
    },
    /// What was counted of a key. The registry has let the reader see the key.
    Read {
        /// The key as the registry knows it.
        key: UsedKey,
    },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", content = "value", rename_all = "snake_case")]
pub enum UsageReply {
    /// To [`UsageCall::Report`].
    Counted(UsageCounted),
    /// To [`UsageCall::Read`].
    Usage(Box<KeyUsage>),
}

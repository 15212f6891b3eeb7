//! The directory of a deployment's tenants: which numbers are given, which never again, and which root wraps each.
//!
//! It is no truth about any tenant: each tenant's own book is, and the directory is told. What rests on the directory is that
//! cron finds every tenant, that the deployment's owner sees how far the root's rotation is, and a second lock on the
//! numbers of destroyed tenants, should a tenant's book be lost.

use std::fmt;

use serde::{Deserialize, Serialize};
use wardkey::UnixMillis;

use crate::error::RegistryError;
use crate::store::{Store, transaction};
use crate::tenant_report::{TenantReport, TenantState};

/// What is asked of the directory. JSON between versions N and N−1.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum DirectoryCall {
    /// A bootstrap is about to make or recover the tenant of this number.
    Allot {
        /// The number.
        tenant: u16,
    },
    /// What tenants say of themselves.
    Report {
        /// In any order; of two about one tenant the later one counts.
        reports: Vec<TenantReport>,
    },
    /// Cron has asked the books of these numbers, and nobody has made their tenants. Those that a bootstrap last asked
    /// for an hour ago or longer are taken out.
    NotMade {
        /// The numbers.
        tenants: Vec<u16>,
    },
    /// The tenants that cron looks at next. They count as looked at, so that one that fails holds up no other.
    NextPage {
        /// At most so many.
        limit: u32,
    },
    /// How many tenants there are, by state and by root.
    Totals,
}

/// What the directory answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", content = "value", rename_all = "snake_case")]
pub enum DirectoryReply {
    /// To [`DirectoryCall::Allot`], [`DirectoryCall::Report`] and [`DirectoryCall::NotMade`].
    Noted,
    /// To [`DirectoryCall::NextPage`].
    Page(DirectoryPage),
    /// To [`DirectoryCall::Totals`].
    Totals(DirectoryTotals),
}

/// Some tenants, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryPage {
    /// Their numbers.
    pub tenants: Vec<u16>,
    /// Whether these are the last ones of a round through all.
    pub ends_round: bool,
}

/// What the deployment's owner may know of its tenants, and no tenant of another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryTotals {
    /// Numbers that a bootstrap has asked for and whose tenant has not told of itself yet.
    pub allotted: u32,
    /// Tenants that live.
    pub live: u32,
    /// Tenants that were destroyed.
    pub destroyed: u32,
    /// Versions of the root, ascending, each with how many living tenants it wraps as last told.
    pub wrapped_by: Vec<(u32, u32)>,
}

/// The directory over a store of its own.
#[derive(Clone, Copy)]
pub struct Directory<'d> {
    store: &'d dyn Store,
}

impl<'d> Directory<'d> {
    /// Opens the directory. Nothing is read or written yet.
    pub const fn new(store: &'d dyn Store) -> Self {
        Self { store }
    }

    /// Answers a call, in one transaction.
    ///
    /// # Errors
    /// [`RegistryError::TenantGone`] for a number that is never given again; [`RegistryError::Internal`].
    pub fn answer(
        &self,
        call: &DirectoryCall,
        now: UnixMillis,
    ) -> Result<DirectoryReply, RegistryError> {
        transaction(self.store, || {
            for statement in TABLES {
                self.store.execute(statement, &[])?;
            }
            match call {
                DirectoryCall::Allot { tenant } => {
                    self.allot(*tenant, now).map(|()| DirectoryReply::Noted)
                }
                DirectoryCall::Report { reports } => {
                    for report in reports {
                        self.note(*report, now)?;
                    }
                    Ok(DirectoryReply::Noted)
                }
                DirectoryCall::NotMade { tenants } => {
                    for tenant in tenants {
                        self.take_out(*tenant, now)?;
                    }
                    Ok(DirectoryReply::Noted)
                }
                DirectoryCall::NextPage { limit } => {
                    self.next_page(*limit).map(DirectoryReply::Page)
                }
                DirectoryCall::Totals => self.totals().map(DirectoryReply::Totals),
            }
        })
    }

    fn allot(&self, tenant: u16, now: UnixMillis) -> Result<(), RegistryError> {
        let sql = "SELECT 1 FROM listed_tenant WHERE number = ? AND state = 'destroyed'";
        if !self.store.query(sql, &[u32::from(tenant).into()])?.is_empty() {
            return Err(RegistryError::TenantGone);
        }
        self.list(tenant, now)?;
        // A bootstrap that is under way is younger than whatever cron has heard before it.
        self.store.execute(
            "UPDATE listed_tenant SET listed_at = max(listed_at, ?) WHERE number = ? AND state = 'allotted'",
            &[now.0.into(), u32::from(tenant).into()],
        )?;
        Ok(())
    }

    /// Takes a number out that was asked for in vain: what has told of itself, whatever cron has heard, stays.
    fn take_out(&self, tenant: u16, now: UnixMillis) -> Result<(), RegistryError> {
        self.store.execute(
            "DELETE FROM listed_tenant WHERE number = ? AND state = 'allotted' AND listed_at <= ?",
            &[u32::from(tenant).into(), now.0.saturating_sub(ALLOTTED_MS).into()],
        )?;
        Ok(())
    }

    fn list(&self, tenant: u16, now: UnixMillis) -> Result<(), RegistryError> {
        self.store.execute(
            "INSERT INTO listed_tenant (number, state, listed_at) VALUES (?, 'allotted', ?)
             ON CONFLICT (number) DO NOTHING",
            &[u32::from(tenant).into(), now.0.into()],
        )?;
        Ok(())
    }

    /// Takes a report unless a later one has come before it. A destroyed tenant stays destroyed whatever is told.
    fn note(&self, report: TenantReport, now: UnixMillis) -> Result<(), RegistryError> {
        self.list(report.tenant, now)?;
        let state = match report.state {
            TenantState::Live => "live",
            TenantState::Destroyed => "destroyed",
        };
        self.store.execute(
            "UPDATE listed_tenant SET state = ?1, wrapped_by = ?2, told_at = ?3, revision = ?4
             WHERE number = ?5 AND state <> 'destroyed' AND (?1 = 'destroyed' OR (told_at, revision) <= (?3, ?4))",
            &[
                state.into(),
                report.wrapped_by.into(),
                report.at_ms.into(),
                report.revision.into(),
                u32::from(report.tenant).into(),
            ],
        )?;
        Ok(())
    }

    fn next_page(&self, limit: u32) -> Result<DirectoryPage, RegistryError> {
        let rows = self.store.query(
            "SELECT number FROM listed_tenant
             WHERE state <> 'destroyed' AND number > coalesce((SELECT after FROM sweep_cursor), -1)
             ORDER BY number LIMIT ?",
            &[limit.saturating_add(1).into()],
        )?;
        let mut tenants =
            rows.iter().map(|row| row.unsigned(0)).collect::<Result<Vec<u16>, _>>()?;
        let ends_round = tenants.len() <= limit as usize;
        tenants.truncate(limit as usize);
        let after = tenants.last().filter(|_| !ends_round).map(|last| u32::from(*last));
        self.store.execute("DELETE FROM sweep_cursor", &[])?;
        if let Some(after) = after {
            self.store
                .execute("INSERT INTO sweep_cursor (id, after) VALUES (1, ?)", &[after.into()])?;
        }
        Ok(DirectoryPage { tenants, ends_round })
    }

    fn totals(&self) -> Result<DirectoryTotals, RegistryError> {
        let sql = "SELECT state, wrapped_by, count(*) FROM listed_tenant GROUP BY state, wrapped_by ORDER BY wrapped_by";
        let mut totals = DirectoryTotals::default();
        for row in &self.store.query(sql, &[])? {
            let count: u32 = row.unsigned(2)?;
            match row.text(0)? {
                "destroyed" => totals.destroyed += count,
                "allotted" => totals.allotted += count,
                _ => {
                    totals.live += count;
                    let version = row.optional_unsigned(1)?;
                    totals.wrapped_by.extend(version.map(|version| (version, count)));
                }
            }
        }
        Ok(totals)
    }
}

impl fmt::Debug for Directory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Directory")
    }
}

/// For how long a number stays that was asked for in vain, in milliseconds: longer than any bootstrap takes from there to
/// its tenant's first row, so that none is taken out whose tenant is made after cron has looked.
const ALLOTTED_MS: u64 = 3_600_000;

/// Schema 1: later ones only add. Times are Unix milliseconds.
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS listed_tenant (
        number INTEGER PRIMARY KEY,
        state TEXT NOT NULL,
        listed_at INTEGER NOT NULL,
        wrapped_by INTEGER,
        told_at INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL DEFAULT 0) STRICT",
    // After which number the next page begins; no row at the beginning of a round.
    "CREATE TABLE IF NOT EXISTS sweep_cursor (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        after INTEGER NOT NULL) STRICT",
];

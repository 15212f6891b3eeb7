//! What statements cost, as SQLite itself counts: whether a read is flat is seen in its steps, and not in its time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Add;

/// What some statements have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Statements that ran.
    pub statements: u64,
    /// Rows that queries gave back.
    pub rows_returned: u64,
    /// Rows that were inserted, changed or deleted, by triggers too. Entries of indexes are not counted.
    pub rows_written: u64,
    /// Bytes of the values that queries gave back.
    pub bytes_read: u64,
    /// Bytes of the values that were handed to writing statements.
    pub bytes_written: u64,
    /// Instructions of SQLite's virtual machine: every row that is looked at takes some.
    pub steps: u64,
    /// Rows that were walked over without an index.
    pub scan_steps: u64,
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            statements: self.statements + other.statements,
            rows_returned: self.rows_returned + other.rows_returned,
            rows_written: self.rows_written + other.rows_written,
            bytes_read: self.bytes_read + other.bytes_read,
            bytes_written: self.bytes_written + other.bytes_written,
            steps: self.steps + other.steps,
            scan_steps: self.scan_steps + other.scan_steps,
        }
    }
}

/// Adds up what a store's statements cost.
#[derive(Debug, Default)]
pub struct Meter {
    cost: Cell<Cost>,
    seen: RefCell<BTreeSet<String>>,
}

impl Meter {
    /// What was counted since it was last taken.
    pub fn take(&self) -> Cost {
        self.cost.take()
    }

    /// Every statement that has ever run.
    pub fn statements(&self) -> Vec<String> {
        self.seen.borrow().iter().cloned().collect()
    }

    pub(crate) fn add(&self, sql: &str, cost: Cost) {
        self.cost.set(self.cost.get() + cost);
        let mut seen = self.seen.borrow_mut();
        if !seen.contains(sql) {
            seen.insert(sql.to_owned());
        }
    }
}

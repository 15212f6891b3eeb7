//! What design.md wants to be reached ("Speed to reach"), by row.

use serde_json::{Value, json};

/// The most that a row may be.
pub(crate) enum Goal {
    /// Its ratio.
    Ratio(f64),
    /// Its median, in its own unit.
    Median(f64),
}

impl Goal {
    /// The goal of a row, if it has one.
    pub(crate) fn of(id: &str) -> Option<Self> {
        if id.contains("reject.forged") {
            return Some(FORGED);
        }
        let found = GOALS.iter().find(|(name, _)| *name == id);
        found.map(|(_, goal)| match goal {
            Self::Ratio(most) => Self::Ratio(*most),
            Self::Median(most) => Self::Median(*most),
        })
    }

    /// What the row is held against: what it is, and the most that it may be.
    fn held(&self, row: &Value) -> Option<(f64, f64)> {
        match self {
            Self::Ratio(most) => Some((row["ratio"].as_f64()?, *most)),
            Self::Median(most) => Some((row["median"].as_f64()?, *most)),
        }
    }

    /// As it stands in the JSON.
    pub(crate) fn told(&self, row: &Value) -> Value {
        let (of, most) = match self {
            Self::Ratio(most) => ("ratio", most),
            Self::Median(most) => ("median", most),
        };
        let met = self.held(row).map(|(value, most)| value <= most);
        json!({ "of": of, "at_most": most, "met": met })
    }

    /// In words.
    pub(crate) fn words(&self, row: &Value) -> String {
        let Some((value, most)) = self.held(row) else { return String::new() };
        if value <= most {
            return format!("≤ {most}: met");
        }
        format!("≤ {most}: missed by {:.0} %", 100.0 * (value / most - 1.0))
    }
}

/// A forged key is never dearer than an accept with as many blocks.
const FORGED: Goal = Goal::Ratio(1.0);

const GOALS: [(&str, Goal); 19] = [
    ("node22.verify", Goal::Ratio(0.30)),
    ("node20.verify", Goal::Ratio(0.30)),
    ("workerd.verify", Goal::Ratio(0.25)),
    ("node22.verify_scalar", Goal::Ratio(0.45)),
    ("node20.verify_scalar", Goal::Ratio(0.45)),
    ("native.verify", Goal::Ratio(0.75)),
    ("component.wasmtime", Goal::Ratio(1.5)),
    ("package.protect", Goal::Ratio(1.0)),
    ("node20.package.protect", Goal::Ratio(1.0)),
    ("workerd.package.protect", Goal::Ratio(1.0)),
    ("reject.garbage", Goal::Ratio(0.2)),
    ("node20.reject.garbage", Goal::Ratio(0.2)),
    ("workerd.reject.garbage", Goal::Ratio(0.2)),
    ("native.reject.garbage", Goal::Ratio(0.2)),
    ("size.verifier_gzip", Goal::Median(8_192.0)),
    ("start.compile_ms", Goal::Median(0.5)),
    ("node20.start.compile_ms", Goal::Median(0.5)),
    ("list.lookup_10m_ns", Goal::Median(30.0)),
    ("list.bits_per_index_10m", Goal::Median(1.0)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_at_the_figure_itself_and_missed_beyond() {
        let goal = Goal::of("native.verify").unwrap();
        assert_eq!(goal.words(&json!({ "ratio": 0.75 })), "≤ 0.75: met");
        assert_eq!(goal.words(&json!({ "ratio": 0.9 })), "≤ 0.75: missed by 20 %");
        assert_eq!(goal.told(&json!({ "ratio": 0.9 }))["met"], false);
        let lookup = Goal::of("list.lookup_10m_ns").unwrap();
        assert_eq!(lookup.told(&json!({ "ratio": 0.9, "median": 30.0 }))["met"], true);
        let forged = Goal::of("workerd.reject.forged_4_blocks").unwrap();
        assert_eq!(forged.words(&json!({ "ratio": 1.1 })), "≤ 1: missed by 10 %");
        assert!(Goal::of("peer.jose").is_none());
    }
}

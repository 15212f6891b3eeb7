//! The times at which heads come and keys are decided.

use super::keys::keys;
use super::model::Rules;

/// Every time that matters to a list of this time, its successor and the keys, and the ends of time.
///
/// For a wide state, which takes long, only some that meet every outcome.
pub(super) fn times(at: u64, wide: bool, rules: &Rules) -> Vec<u64> {
    let [fresh_for, high, standard, low, skew] = rules.bounds.map(u64::from);
    let later = at.saturating_add(60_000);
    if wide {
        return vec![later, at, later.saturating_add(fresh_for).saturating_add(1), u64::MAX];
    }
    let mut edges = vec![0, at, later, u64::MAX];
    for from in [at, later] {
        edges.extend([20_000, fresh_for, high, standard, low].map(|ms| from.saturating_add(ms)));
        edges.push(from.saturating_sub(skew));
    }
    for key in keys() {
        for second in [key.issued_at, key.not_before, key.expires_at] {
            let ms = u64::from(second) * 1_000;
            edges.extend([ms, ms.saturating_sub(skew)]);
        }
    }
    let around = |edge: u64| [edge.saturating_sub(1), edge, edge.saturating_add(1)];
    let mut times: Vec<u64> = edges.into_iter().flat_map(around).collect();
    times.extend((0..u64::BITS).map(|bit| 1 << bit));
    times.sort_unstable();
    times.dedup();
    times
}

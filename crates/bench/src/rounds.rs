//! Interleaved rounds: in each, every row once, in an order drawn anew, so that whatever slows the machine for a while
//! meets all of them alike. A ratio is of one round, to its base in the same round; of these the median is told.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Serialize;

/// What is timed.
pub struct Row {
    /// Its stable name.
    pub id: String,
    /// A line for people.
    pub what: String,
    /// The row that the ratio is to.
    pub base: Option<String>,
    /// The peer's name and version.
    pub peer_version: Option<String>,
    /// How long so many operations take.
    pub time: Timer,
}

/// Does so many operations and answers how long they took.
pub type Timer = Box<dyn FnMut(u64) -> Duration>;

/// What was found of one row, in nanoseconds an operation unless the unit says otherwise.
#[derive(Serialize)]
pub struct Found {
    /// Its stable name.
    pub id: String,
    /// A line for people.
    pub what: String,
    /// The median of each round's ratio to the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// The median of all rounds.
    pub median: f64,
    /// The least of all rounds.
    pub minimum: f64,
    /// What median and minimum are in.
    pub unit: &'static str,
    /// The row that the ratio is to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The peer's name and version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_version: Option<String>,
}

/// How long and how often.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Rounds of all rows.
    pub rounds: usize,
    /// How long a row takes in a round.
    pub target: Duration,
    /// How long it is run before the first.
    pub warm: Duration,
    /// Start of the random order.
    pub seed: u64,
}

/// A timer of work that needs nothing done between two operations; it is told the operation's number.
pub fn repeated<T>(mut work: impl FnMut(usize) -> T + 'static) -> Timer {
    Box::new(move |count| {
        let start = Instant::now();
        for number in 0..count {
            black_box(work(number as usize));
        }
        start.elapsed()
    })
}

/// Measures rows against each other.
pub fn measure(rows: Vec<Row>, pace: Pace) -> Vec<Found> {
    let mut chance = Chance(pace.seed);
    let mut running: Vec<_> = rows
        .into_iter()
        .map(|mut row| {
            let count = calibrated(&mut row.time, pace);
            (row, count, Vec::with_capacity(pace.rounds))
        })
        .collect();
    for _ in 0..pace.rounds {
        for place in chance.order(running.len()) {
            if let Some((row, count, times)) = running.get_mut(place) {
                times.push((row.time)(*count).as_nanos() as f64 / *count as f64);
            }
        }
    }
    let all: BTreeMap<String, Vec<f64>> =
        running.iter().map(|(row, _, times)| (row.id.clone(), times.clone())).collect();
    running
        .into_iter()
        .map(|(row, _, times)| {
            let bases = row.base.as_ref().and_then(|base| all.get(base));
            let ratios = bases.map(|bases| times.iter().zip(bases).map(|(a, b)| a / b).collect());
            Found {
                ratio: ratios.map(|ratios: Vec<f64>| median(&ratios)),
                median: median(&times),
                minimum: times.iter().copied().fold(f64::INFINITY, f64::min),
                unit: "ns",
                id: row.id,
                what: row.what,
                base: row.base,
                peer_version: row.peer_version,
            }
        })
        .collect()
}

/// How many operations take about the target, once they have been done for the time of the warm-up.
fn calibrated(time: &mut Timer, pace: Pace) -> u64 {
    let (mut count, mut spent, enough) = (1_u64, Duration::ZERO, pace.target / 2);
    loop {
        // The shortest of three: one that something else held up would make every round too short to tell anything.
        let mut least = Duration::MAX;
        for _ in 0..3 {
            let took = time(count);
            spent += took;
            least = least.min(took);
            if least < enough {
                break;
            }
        }
        if least < enough {
            count *= 2;
        } else if spent >= pace.warm {
            let each = least.as_secs_f64() / count as f64;
            return ((pace.target.as_secs_f64() / each).round() as u64).max(1);
        }
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    if sorted.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.wrapping_sub(1)), at(half)) }
}

/// SplitMix64: random enough for orders and places, and the same from the same seed.
pub struct Chance(pub u64);

impl Chance {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        (((self.draw() >> 32) * u64::from(bound)) >> 32) as u32
    }

    fn order(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for left in (1..len).rev() {
            order.swap(left, self.below(left as u32 + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(id: &str, base: Option<&str>, nanos: u64) -> Row {
        Row {
            id: id.to_owned(),
            what: String::new(),
            base: base.map(str::to_owned),
            peer_version: None,
            time: Box::new(move |count| Duration::from_nanos(nanos * count)),
        }
    }

    #[test]
    fn a_ratio_is_to_the_base_of_the_same_round() {
        let rows = vec![fixed("unit", None, 200), fixed("half", Some("unit"), 100)];
        let pace = Pace {
            rounds: 4,
            target: Duration::from_micros(50),
            warm: Duration::from_micros(100),
            seed: 1,
        };
        let found = measure(rows, pace);
        assert_eq!(found[0].ratio, None);
        assert_eq!((found[1].ratio, found[1].median, found[1].minimum), (Some(0.5), 100.0, 100.0));
    }

    #[test]
    fn a_median_lies_in_the_middle() {
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[9.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn an_order_holds_each_place_once() {
        let mut order = Chance(7).order(50);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}

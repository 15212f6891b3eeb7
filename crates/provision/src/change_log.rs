//! The log of changes in a head: what the latest mutations did to the state.

/// What one mutation did to the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The mutation's number.
    pub sequence: u64,
    /// By how many chunks of 32,768 indexes the floor rose.
    pub rise: u32,
    /// The bits that it turned over, counted from the floor after the rise, in any order, each once.
    pub flips: Vec<u32>,
}

/// Changes without a gap, oldest first. The last one is the head's own mutation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeLog {
    /// The sequence whose state the first change turns into its own.
    pub from: u64,
    /// The changes; none where the head tells none.
    pub changes: Vec<Change>,
}

impl ChangeLog {
    /// Writes as many of the latest changes as fit into `room` bytes: the oldest are dropped first.
    pub(crate) fn encode(&self, room: usize) -> Vec<u8> {
        let sequences = [self.from].into_iter().chain(self.changes.iter().map(|c| c.sequence));
        let pairs: Vec<_> = sequences.zip(&self.changes).collect();
        let (mut kept, mut from) = (Vec::new(), self.from);
        let mut left = room.saturating_sub(COUNT_LEN + FROM_LEN);
        for (before, change) in pairs.iter().rev().take(u16::MAX.into()) {
            let bytes = change.encode(*before);
            match left.checked_sub(bytes.len()) {
                Some(rest) => left = rest,
                None => break,
            }
            kept.push(bytes);
            from = *before;
        }
        let count = u16::try_from(kept.len()).unwrap_or(u16::MAX);
        let mut log = count.to_be_bytes().to_vec();
        if count > 0 {
            log.extend(from.to_be_bytes());
        }
        log.extend(kept.into_iter().rev().flatten());
        log
    }
}

impl Change {
    fn encode(&self, before: u64) -> Vec<u8> {
        let mut flips = self.flips.clone();
        flips.sort_unstable();
        let mut bytes = Vec::new();
        put_var(&mut bytes, self.sequence.saturating_sub(before));
        put_var(&mut bytes, self.rise.into());
        put_var(&mut bytes, flips.len() as u64);
        let mut last = 0;
        for place in flips {
            put_var(&mut bytes, (place - last).into());
            last = place;
        }
        bytes
    }
}

/// Appends a number in groups of 7 bits, most significant first.
fn put_var(bytes: &mut Vec<u8>, value: u64) {
    let groups = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        bytes.push((value >> (7 * group)) as u8 & 0x7f | more);
    }
}

const COUNT_LEN: usize = 2;
const FROM_LEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_its_shortest_spelling() {
        for (value, expected) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x81, 0]),
            (16_383, &[0xff, 0x7f]),
            (16_384, &[0x81, 0x80, 0]),
            (u64::MAX, &[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        ] {
            let mut bytes = Vec::new();
            put_var(&mut bytes, value);
            assert_eq!(bytes, expected, "{value}");
        }
    }

    #[test]
    fn the_oldest_changes_are_dropped_first() {
        let change = |sequence| Change { sequence, rise: 0, flips: vec![5] };
        let log = ChangeLog { from: 1, changes: vec![change(2), change(4)] };
        let whole = [&[0, 2][..], &1_u64.to_be_bytes(), &[1, 0, 1, 5], &[2, 0, 1, 5]].concat();
        assert_eq!(log.encode(18), whole);
        let last = [&[0, 1][..], &2_u64.to_be_bytes(), &[2, 0, 1, 5]].concat();
        assert_eq!(log.encode(17), last);
        assert_eq!(log.encode(14), last);
        for room in [0, 13] {
            assert_eq!(log.encode(room), [0, 0]);
        }
    }

    /// design.md: 100 flips in one step at most 400 bytes.
    #[test]
    fn a_hundred_flips_of_ten_million_are_at_most_400_bytes() {
        let flips: Vec<u32> = (0..100).map(|n| n * 99_991 + 17).collect();
        let bytes = Change { sequence: 1, rise: 0, flips }.encode(0);
        assert!(bytes.len() <= 400, "{}", bytes.len());
    }
}

//! A head, read and written by the specification's words.

use std::collections::{BTreeMap, BTreeSet};

use crate::input::Input;

/// What stands in a head's body.
#[derive(Clone, Debug)]
pub(crate) struct HeadForm {
    pub(crate) tenant: u16,
    pub(crate) sequence: u64,
    pub(crate) digest: [u8; 32],
    pub(crate) issued_at: u64,
    pub(crate) not_after: u64,
    pub(crate) cutoff: u32,
    pub(crate) audiences: Vec<AudienceForm>,
    pub(crate) dead: Vec<(u8, u8)>,
    pub(crate) log: LogForm,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct AudienceForm {
    pub(crate) number: u8,
    pub(crate) current: u32,
    pub(crate) least: u32,
    pub(crate) cutoff: u32,
}

/// The latest changes, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogForm {
    pub(crate) from: u64,
    pub(crate) changes: Vec<ChangeForm>,
}

#[derive(Clone, Debug)]
pub(crate) struct ChangeForm {
    pub(crate) step: u64,
    pub(crate) rise: u64,
    /// The first place, then the distance of each from the one before.
    pub(crate) places: Vec<u64>,
}

impl HeadForm {
    /// Reads a body, leniently, and tells its length: whether it is in its one spelling, shows when it
    /// is written again.
    pub(crate) fn read(bytes: &[u8]) -> (Self, usize) {
        let mut input = Input::new(bytes);
        input.u8();
        let (tenant, sequence, digest) = (input.u16(), input.u64(), input.array());
        let (issued_at, not_after, cutoff) = (input.u64(), input.u64(), input.u32());
        let count = input.u8();
        let audiences = (0..count).map(|_| AudienceForm {
            number: input.u8(),
            current: input.u32(),
            least: input.u32(),
            cutoff: input.u32(),
        });
        let audiences = audiences.collect();
        // Never more than there are bytes, whatever the count says.
        let count = usize::from(input.u16()).min(input.rest().len() / 2 + 1);
        let dead = (0..count).map(|_| (input.u8(), input.u8())).collect();
        let log = LogForm::read(&mut input);
        let form =
            Self { tenant, sequence, digest, issued_at, not_after, cutoff, audiences, dead, log };
        (form, bytes.len() - input.rest().len())
    }

    /// The one spelling of what was read.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = self.write_without_log();
        self.log.write(&mut bytes);
        bytes
    }

    pub(crate) fn write_without_log(&self) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(self.tenant.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.digest);
        bytes.extend(self.issued_at.to_be_bytes());
        bytes.extend(self.not_after.to_be_bytes());
        bytes.extend(self.cutoff.to_be_bytes());
        let audiences: BTreeMap<_, _> =
            self.audiences.iter().map(|entry| (entry.number, entry)).collect();
        bytes.push(u8::try_from(audiences.len()).expect("at most 255"));
        for entry in audiences.values() {
            bytes.push(entry.number);
            for number in [entry.current, entry.least, entry.cutoff] {
                bytes.extend(number.to_be_bytes());
            }
        }
        let dead: BTreeSet<_> = self.dead.iter().collect();
        bytes.extend(u16::try_from(dead.len()).expect("at most 65,535").to_be_bytes());
        for (audience, epoch) in dead {
            bytes.extend([audience, epoch]);
        }
        bytes
    }

    /// Whether a head of these words, in this spelling, is to be read.
    pub(crate) fn is_sound(&self) -> bool {
        self.not_after.checked_sub(self.issued_at).is_some_and(|ms| (1..=3_600_000).contains(&ms))
            && self.audiences.iter().all(|entry| entry.number != 0)
            && self.dead.iter().all(|(audience, epoch)| *audience != 0 && *epoch != 0)
            && self.log.is_sound(self.sequence)
    }

    /// All that concerns one audience, but for the log: two such heads are the same head.
    pub(crate) fn said_to(&self, audience: u8) -> impl PartialEq + use<> {
        let entry = self.audiences.iter().find(|entry| entry.number == audience).copied();
        let entry = entry.map(|entry| (entry.current, entry.least, entry.cutoff.max(self.cutoff)));
        let dead = self.dead.iter().copied().filter(|(number, _)| *number == audience);
        let dead: BTreeSet<_> = dead.collect();
        (self.tenant, self.sequence, self.digest, self.issued_at, self.not_after, entry, dead)
    }

    /// The numbers of the audiences that a body names, whose tags follow it.
    pub(crate) fn audiences_of(body: &[u8]) -> impl Iterator<Item = u8> {
        let count = body.get(AUDIENCES - 1).copied().unwrap_or_default();
        let entries = body.get(AUDIENCES..).unwrap_or_default().chunks_exact(AUDIENCE_LEN);
        entries.take(usize::from(count)).map(|entry| entry[0])
    }
}

impl LogForm {
    fn read(input: &mut Input<'_>) -> Self {
        let count = input.u16();
        let from = if count == 0 { 0 } else { input.u64() };
        let mut changes = vec![];
        for _ in 0..count {
            // Lengths come from the fuzzer: never more than there are bytes.
            if input.is_empty() {
                break;
            }
            let (step, rise, flips) = (var(input), var(input), var(input));
            let mut places = vec![];
            while (places.len() as u64) < flips && !input.is_empty() {
                places.push(var(input));
            }
            changes.push(ChangeForm { step, rise, places });
        }
        Self { from, changes }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(u16::try_from(self.changes.len()).expect("at most 65,535").to_be_bytes());
        if !self.changes.is_empty() {
            bytes.extend(self.from.to_be_bytes());
        }
        for change in &self.changes {
            put_var(bytes, change.step);
            put_var(bytes, change.rise);
            put_var(bytes, change.places.len() as u64);
            change.places.iter().for_each(|place| put_var(bytes, *place));
        }
    }

    /// Whether a change flips this place or a later one.
    pub(crate) fn reaches(&self, place: u64) -> bool {
        let far = |change: &ChangeForm| {
            change.places.iter().fold(0, |sum: u64, step| sum.saturating_add(*step)) >= place
        };
        self.changes.iter().any(far)
    }

    /// Whether it keeps what a reader must check before any of it is applied.
    fn is_sound(&self, sequence: u64) -> bool {
        let steps: u128 = self.changes.iter().map(|change| u128::from(change.step)).sum();
        let rises: u128 = self.changes.iter().map(|change| u128::from(change.rise)).sum();
        let each = self.changes.iter().all(|change| {
            let last: u128 = change.places.iter().map(|place| u128::from(*place)).sum();
            change.step > 0
                && last < 1 << 32
                && !change.places.iter().skip(1).any(|step| *step == 0)
        });
        let ends = self.changes.is_empty() || u128::from(self.from) + steps == u128::from(sequence);
        each && ends && rises * CHUNK_INDEXES < 1 << 32
    }
}

/// Groups of 7 bits; a longer spelling, or one that overflows, shows when it is written again.
fn var(input: &mut Input<'_>) -> u64 {
    let mut value = 0_u64;
    loop {
        let byte = input.u8();
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return value;
        }
    }
}

fn put_var(bytes: &mut Vec<u8>, value: u64) {
    let groups = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group == 0 { 0 } else { 0x80 };
        bytes.push((value >> (7 * group) & 0x7f) as u8 | more);
    }
}

/// Where the audiences begin: behind version, tenant, sequence, digest, times, cut-off and count.
const AUDIENCES: usize = 1 + 2 + 8 + 32 + 8 + 8 + 4 + 1;
const AUDIENCE_LEN: usize = 13;
/// Status indexes of a chunk.
const CHUNK_INDEXES: u128 = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_var_is_spelt_as_the_specification_says() {
        for (value, spelling) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x81, 0]),
            (u64::MAX, &[0x81, 255, 255, 255, 255, 255, 255, 255, 255, 0x7f]),
        ] {
            let mut bytes = vec![];
            put_var(&mut bytes, value);
            assert_eq!(bytes, spelling);
            assert_eq!(var(&mut Input::new(spelling)), value);
        }
    }
}

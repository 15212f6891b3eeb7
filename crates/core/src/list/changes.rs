//! The log of changes in a head: what the latest mutations did to the state.

use crate::bytes::{Reader, VarError};
use crate::list::HeadError;
use crate::list::state::CHUNK_BITS;

/// Changes in their one spelling, oldest first; the last one is the head's own.
///
/// # Guarantees
/// Every number was read once: sequences ascend, places lie below 2³². **Not** that they fit a state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes<'a> {
    /// The sequence whose state the first change turns into its own.
    from: u64,
    count: u16,
    reader: Reader<'a>,
}

/// What one mutation did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    /// The mutation's number.
    pub(super) sequence: u64,
    /// By how many chunks the floor rose.
    pub(super) rise: u64,
    pub(super) flips: Flips<'a>,
}

/// The bits that a mutation turned over: places from the floor on, ascending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flips<'a> {
    left: u64,
    last: Option<u64>,
    reader: Reader<'a>,
}

impl From<VarError> for HeadError {
    fn from(error: VarError) -> Self {
        match error {
            VarError::TooShort => Self::Length,
            VarError::Spelling => Self::Changes,
        }
    }
}

impl<'a> Changes<'a> {
    /// Takes the log off the front of what `reader` holds and checks every number in it.
    ///
    /// # Errors
    /// [`HeadError::Length`] where the bytes end, [`HeadError::Changes`].
    pub(super) fn split(reader: &mut Reader<'a>, head_sequence: u64) -> Result<Self, HeadError> {
        let count = reader.u16()?;
        if count == 0 {
            return Ok(Self { from: head_sequence, count, reader: *reader });
        }
        let from = reader.u64()?;
        let whole = Self { from, count, reader: *reader };
        let (mut sequence, mut rises_left) = (from, MAX_INDEX / CHUNK_BITS);
        for _ in 0..count {
            let change = Change::split(reader, sequence, rises_left)?;
            sequence = change.sequence;
            rises_left -= change.rise;
        }
        if sequence == head_sequence { Ok(whole) } else { Err(HeadError::Changes) }
    }

    /// The changes that are missing to a verifier whose list has this sequence; `None` if the log does
    /// not reach back to it.
    pub(super) fn after(&self, sequence: u64) -> Option<Self> {
        let mut rest = *self;
        while rest.from != sequence {
            rest.next()?;
        }
        Some(rest)
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Change<'a>;

    fn next(&mut self) -> Option<Change<'a>> {
        self.count = self.count.checked_sub(1)?;
        // It was read before, so that this is no end.
        let change = Change::split(&mut self.reader, self.from, u64::MAX).ok()?;
        self.from = change.sequence;
        Some(change)
    }
}

impl<'a> Change<'a> {
    fn split(reader: &mut Reader<'a>, before: u64, most_rise: u64) -> Result<Self, HeadError> {
        let step = reader.var()?;
        let sequence = before.checked_add(step).filter(|_| step > 0).ok_or(HeadError::Changes)?;
        let rise = reader.var()?;
        if rise > most_rise {
            return Err(HeadError::Changes);
        }
        let count = reader.var()?;
        let flips = Flips { left: count, last: None, reader: *reader };
        let mut read = flips;
        while read.left > 0 {
            read.split()?;
        }
        *reader = read.reader;
        Ok(Self { sequence, rise, flips })
    }
}

impl Flips<'_> {
    fn split(&mut self) -> Result<u64, HeadError> {
        let step = self.reader.var()?;
        let place = match self.last {
            None => Some(step),
            Some(last) => last.checked_add(step).filter(|_| step > 0),
        };
        let place = place.filter(|place| *place <= MAX_INDEX).ok_or(HeadError::Changes)?;
        self.left -= 1;
        self.last = Some(place);
        Ok(place)
    }
}

impl Iterator for Flips<'_> {
    type Item = u64;

    /// The next place, counted from the floor after the change's rise.
    fn next(&mut self) -> Option<u64> {
        if self.left == 0 { None } else { self.split().ok() }
    }
}

/// The last status index.
const MAX_INDEX: u64 = u32::MAX as u64;

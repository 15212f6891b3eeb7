//! Questions to the registry that are under way, and its answers.

use core::mem;

use wardkey::{
    Base, CONFIRMATION_VALID_MS, Confirmation, Echo, RegistryQuestion, RegistryVerdict, UnixMillis,
};

/// Most that are kept at once.
const MOST: usize = 512;
/// Numbers, after which they begin anew: 23 bits, so that none makes a verdict negative.
const NUMBERS: u32 = (1 << 23) - 1;

/// One of them.
enum Slot {
    Free,
    Asked(RegistryQuestion),
    Answered(Confirmation),
}

/// Each under a number that does not come again for as long as anybody waits for an answer.
pub(crate) struct Answers {
    slots: [Kept; MOST],
    last: u32,
}

struct Kept {
    number: u32,
    asked_at: UnixMillis,
    slot: Slot,
}

impl Answers {
    pub(crate) const fn new() -> Self {
        const NOTHING: Kept = Kept { number: 0, asked_at: UnixMillis(0), slot: Slot::Free };
        Self { slots: [NOTHING; MOST], last: 0 }
    }

    /// Keeps a question and gives its number. A slot that is free is taken first, then one whose answer would be too old
    /// by now, and only then the oldest.
    pub(crate) fn ask(&mut self, question: RegistryQuestion, now: UnixMillis) -> u32 {
        self.last = self.last % NUMBERS + 1;
        let kept = Kept { number: self.last, asked_at: now, slot: Slot::Asked(question) };
        let oldest_first = |kept: &&mut Kept| match kept.slot {
            Slot::Free => (0, kept.asked_at, kept.number),
            _ if now.since(kept.asked_at) > CONFIRMATION_VALID_MS => {
                (1, kept.asked_at, kept.number)
            }
            _ => (2, kept.asked_at, kept.number),
        };
        if let Some(slot) = self.slots.iter_mut().min_by_key(oldest_first) {
            *slot = kept;
        }
        self.last
    }

    /// Takes the registry's answer to a question; whether it is one. What is none changes nothing.
    pub(crate) fn answer(&mut self, number: u32, echo: &[u8], verdict: RegistryVerdict) -> bool {
        let Some(slot) = self.slot(number) else { return false };
        let is_echo = match (&*slot, Base::decode(echo)) {
            (Slot::Asked(question), Ok((base, len))) => {
                len == echo.len() && base == *question.base()
            }
            _ => false,
        };
        if !is_echo {
            return false;
        }
        if let Slot::Asked(question) = mem::replace(slot, Slot::Free) {
            let echo = Echo(*question.base());
            if let Ok(confirmation) = question.answered(&echo, verdict) {
                *slot = Slot::Answered(confirmation);
            }
        }
        matches!(slot, Slot::Answered(_))
    }

    /// Spends an answer.
    pub(crate) fn take(&mut self, number: u32) -> Option<Confirmation> {
        let slot = self.slot(number)?;
        if !matches!(slot, Slot::Answered(_)) {
            return None;
        }
        match mem::replace(slot, Slot::Free) {
            Slot::Answered(confirmation) => Some(confirmation),
            _ => None,
        }
    }

    fn slot(&mut self, number: u32) -> Option<&mut Slot> {
        let kept = self.slots.iter_mut().find(|kept| kept.number == number && number != 0);
        kept.map(|kept| &mut kept.slot)
    }
}

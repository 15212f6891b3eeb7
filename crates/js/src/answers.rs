//! Questions to the registry that are under way, and its answers.

use wardkey::{Base, Confirmation, Echo, RegistryQuestion, RegistryVerdict};

/// Most that are under way at once; the oldest gives way.
const MOST: usize = 32;

/// One of them.
enum Slot {
    Free,
    Asked(RegistryQuestion),
    Answered(Confirmation),
}

/// Each under a number that does not come again for as long as anybody waits for an answer.
pub(crate) struct Answers {
    slots: [(u32, Slot); MOST],
    next: u32,
}

impl Answers {
    pub(crate) const fn new() -> Self {
        Self { slots: [const { (0, Slot::Free) }; MOST], next: 0 }
    }

    /// Keeps a question and gives its number, of 24 bits.
    pub(crate) fn ask(&mut self, question: RegistryQuestion) -> u32 {
        self.next = (self.next + 1) & 0x00ff_ffff;
        let number = self.next;
        if let Some(slot) = self.slots.get_mut(number as usize % MOST) {
            *slot = (number, Slot::Asked(question));
        }
        number
    }

    /// Takes the registry's answer to a question; whether it is one.
    pub(crate) fn answer(&mut self, number: u32, echo: &[u8], verdict: RegistryVerdict) -> bool {
        let Ok((base, len)) = Base::decode(echo) else { return false };
        let Some(slot) = self.slot(number) else { return false };
        if len != echo.len() {
            return false;
        }
        match core::mem::replace(slot, Slot::Free) {
            Slot::Asked(question) => match question.answered(&Echo(base), verdict) {
                Ok(confirmation) => {
                    *slot = Slot::Answered(confirmation);
                    true
                }
                Err(_) => false,
            },
            _ => false,
        }
    }

    /// Spends an answer.
    pub(crate) fn take(&mut self, number: u32) -> Option<Confirmation> {
        let slot = self.slot(number)?;
        match core::mem::replace(slot, Slot::Free) {
            Slot::Answered(confirmation) => Some(confirmation),
            _ => None,
        }
    }

    fn slot(&mut self, number: u32) -> Option<&mut Slot> {
        let (is, slot) = self.slots.get_mut(number as usize % MOST)?;
        (*is == number).then_some(slot)
    }
}

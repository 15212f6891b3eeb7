//! The characters before the middle of a prefix that may be its brand.

use super::Brands;
use super::character::{EscapedBreaks, characters_before};
use crate::prefix::{Environment, Prefix};

/// Up to twelve characters of a brand's alphabet, as they would be without escapes and joints.
pub(super) struct BrandBefore {
    /// Filled from the end.
    bytes: [u8; MAX_BRAND_LEN],
    starts: [usize; MAX_BRAND_LEN],
    len: usize,
    /// How many of them stand together, without a joint.
    unbroken: usize,
}

impl BrandBefore {
    pub(super) fn read(text: &[u8], at: usize) -> Self {
        let (mut bytes, mut starts) = ([0; MAX_BRAND_LEN], [at; MAX_BRAND_LEN]);
        let (mut len, mut unbroken, mut next) = (0, 0, at);
        let slots = bytes.iter_mut().zip(&mut starts).rev();
        let characters = characters_before(text, at, EscapedBreaks::AreLetters);
        for ((byte, start), character) in slots.zip(characters) {
            if !character.byte.is_ascii_lowercase() && !character.byte.is_ascii_digit() {
                break;
            }
            if character.end == next && unbroken == len {
                unbroken += 1;
            }
            len += 1;
            next = character.start;
            (*byte, *start) = (character.byte, character.start);
        }
        Self { bytes, starts, len, unbroken }
    }

    /// All of them.
    pub(super) fn text(&self) -> &[u8] {
        self.last(self.len)
    }

    /// The last so many.
    pub(super) fn last(&self, len: usize) -> &[u8] {
        self.bytes.get(MAX_BRAND_LEN.saturating_sub(len)..).unwrap_or_default()
    }

    /// Where the last so many begin in the text.
    pub(super) fn start(&self, len: usize) -> Option<usize> {
        self.starts.get(MAX_BRAND_LEN.checked_sub(len)?).copied()
    }

    /// The longest known brand that it ends with.
    pub(super) fn known<'b>(&self, brands: &'b Brands<'_>) -> Option<&'b str> {
        brands.ending(self.text())
    }

    /// Lengths of all brands that it may be, shortest first.
    pub(super) fn lens(&self) -> impl Iterator<Item = usize> {
        let characters = self.text().iter().rev().zip(1..);
        characters
            .filter(|(first, len)| *len >= 2 && first.is_ascii_lowercase())
            .map(|(_, len)| len)
    }

    /// The longest brand that it may be; of what a joint parts only if nothing else is one.
    pub(super) fn longest(&self) -> Option<usize> {
        self.lens().filter(|len| *len <= self.unbroken).last().or_else(|| self.lens().last())
    }

    /// The prefix that a brand of so many characters makes.
    pub(super) fn prefix(&self, len: usize, environment: Environment) -> Option<Prefix> {
        Prefix::new(str::from_utf8(self.last(len)).ok()?, environment).ok()
    }
}

const MAX_BRAND_LEN: usize = 12;

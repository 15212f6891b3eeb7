//! A set of numbers 0 to 255: number n is bit n mod 8 of byte n div 8.

/// Bytes of the whole set.
pub(crate) const SET_LEN: usize = 32;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ByteSet(pub(crate) [u8; SET_LEN]);

impl ByteSet {
    /// These bytes.
    pub(crate) const fn of(bytes: &[u8]) -> Self {
        let mut set = [0; SET_LEN];
        let mut rest = bytes;
        while let [byte, others @ ..] = rest {
            #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
            {
                set[(*byte / 8) as usize] |= 1 << (*byte % 8);
            }
            rest = others;
        }
        Self(set)
    }

    pub(crate) fn insert(&mut self, number: u8) {
        if let Some(byte) = self.0.get_mut(usize::from(number / 8)) {
            *byte |= 1 << (number % 8);
        }
    }

    /// The set whose first bytes these are; what it has no room for is left out.
    pub(crate) fn from_front(bytes: &[u8]) -> Self {
        let mut set = [0; SET_LEN];
        // WHY not copied: for as few bytes as there mostly are, a call costs more.
        for (word, bytes) in set.as_chunks_mut::<8>().0.iter_mut().zip(bytes.chunks(8)) {
            let value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
            *word = value.to_le_bytes();
        }
        Self(set)
    }

    /// All of it, eight bytes at a time: sets are compared without a way out of the loop.
    pub(crate) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        let (words, _) = self.0.as_chunks::<8>();
        words.iter().map(|word| u64::from_le_bytes(*word))
    }

    pub(crate) fn contains(&self, number: u8) -> bool {
        self.0.get(usize::from(number / 8)).is_some_and(|byte| byte & (1 << (number % 8)) != 0)
    }
}

//! A set of numbers 0 to 255: number n is bit n mod 8 of byte n div 8.

/// Bytes of the whole set.
pub(crate) const SET_LEN: usize = 32;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct ByteSet(pub(crate) [u8; SET_LEN]);

impl ByteSet {
    pub(crate) fn insert(&mut self, number: u8) {
        if let Some(byte) = self.0.get_mut(usize::from(number / 8)) {
            *byte |= 1 << (number % 8);
        }
    }

    pub(crate) fn contains(&self, number: u8) -> bool {
        self.0.get(usize::from(number / 8)).is_some_and(|byte| byte & (1 << (number % 8)) != 0)
    }
}

//! Sets of scope numbers.

use core::fmt;
use core::iter;

use crate::byte_set::{ByteSet, SET_LEN};

/// A set of scope numbers, 0 to 255; scope n is bit n mod 8 of byte n div 8.
///
/// # Example
/// ```
/// use wardkey::ScopeSet;
/// let set = ScopeSet::from_iter([0, 9]);
/// assert!(set.contains(9) && !set.contains(1));
/// assert_eq!(set.as_bytes(), [0b0000_0001, 0b0000_0010]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ScopeSet(ByteSet);

/// Bytes that are no scope set in its one spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScopeSetError {
    /// No bytes, or more than 32.
    Length,
    /// The last byte is zero: the set has a shorter spelling, or is empty.
    TrailingZero,
}

impl fmt::Display for ScopeSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "a scope set is 1 to 32 bytes",
            Self::TrailingZero => "a scope set must not end with a zero byte",
        })
    }
}

impl core::error::Error for ScopeSetError {}

impl ScopeSet {
    /// Reads the bit set of a key.
    ///
    /// # Errors
    /// [`ScopeSetError`] for every spelling but the shortest, the empty set included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ScopeSetError> {
        ScopesView::from_bytes(bytes).map(ScopesView::to_set)
    }

    /// The same, where it stands; `None` for the empty set, which has no spelling in a key.
    pub(crate) fn view(&self) -> Option<ScopesView<'_>> {
        ScopesView::from_bytes(self.as_bytes()).ok()
    }

    /// The shortest spelling: no bytes for the empty set, else the last byte is not zero.
    pub fn as_bytes(&self) -> &[u8] {
        let len = self.0.0.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.0.0.get(..len).unwrap_or_default()
    }

    /// Adds a scope number.
    pub fn insert(&mut self, number: u8) {
        self.0.insert(number);
    }

    /// Whether the scope number is in the set.
    pub fn contains(&self, number: u8) -> bool {
        self.0.contains(number)
    }

    /// The members that are in both sets.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = self.0;
        for (mine, theirs) in both.0.iter_mut().zip(&other.0.0) {
            *mine &= theirs;
        }
        Self(both)
    }

    /// Whether every member of `other` is a member of this set.
    pub fn contains_all(&self, other: &Self) -> bool {
        self.0
            .words()
            .zip(other.0.words())
            .fold(0, |missing, (mine, theirs)| missing | theirs & !mine)
            == 0
    }

    /// Whether some member of `other` is a member of this set.
    pub fn contains_any(&self, other: &Self) -> bool {
        self.0.words().zip(other.0.words()).fold(0, |both, (mine, theirs)| both | theirs & mine)
            != 0
    }

    /// Whether the set has no member.
    pub fn is_empty(&self) -> bool {
        self.0.0.iter().all(|byte| *byte == 0)
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        // WHY by words: a host that lists a key's scopes looks at 256 numbers for each call otherwise.
        self.0.words().zip((0..=u8::MAX).step_by(64)).flat_map(|(word, first)| {
            let mut left = word;
            iter::from_fn(move || {
                let lowest = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(first + lowest as u8)
            })
        })
    }
}

/// A set in its one spelling, where it stands in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScopesView<'b>(&'b [u8]);

impl<'b> ScopesView<'b> {
    pub(crate) fn from_bytes(bytes: &'b [u8]) -> Result<Self, ScopeSetError> {
        match bytes.last() {
            None => Err(ScopeSetError::Length),
            Some(0) => Err(ScopeSetError::TrailingZero),
            Some(_) if bytes.len() > SET_LEN => Err(ScopeSetError::Length),
            Some(_) => Ok(Self(bytes)),
        }
    }

    pub(crate) const fn as_bytes(self) -> &'b [u8] {
        self.0
    }

    /// The set in memory of its own.
    pub(crate) fn to_set(self) -> ScopeSet {
        ScopeSet(ByteSet::from_front(self.0))
    }
}

impl FromIterator<u8> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = u8>>(numbers: I) -> Self {
        let mut set = Self::default();
        for number in numbers {
            set.insert(number);
        }
        set
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_set_has_one_spelling() {
        assert_eq!(ScopeSet::from_bytes(&[]), Err(ScopeSetError::Length));
        assert_eq!(ScopeSet::from_bytes(&[0]), Err(ScopeSetError::TrailingZero));
        assert_eq!(ScopeSet::from_bytes(&[1, 0]), Err(ScopeSetError::TrailingZero));
        assert_eq!(ScopeSet::from_bytes(&[1; 33]), Err(ScopeSetError::Length));
        for number in 0..=255 {
            let set = ScopeSet::from_iter([number]);
            assert_eq!(ScopeSet::from_bytes(set.as_bytes()), Ok(set));
            assert!(set.iter().eq([number]));
            assert!((0..=255).all(|other| set.contains(other) == (other == number)));
        }
    }

    #[test]
    fn the_members_come_in_order() {
        for numbers in [&[][..], &[0, 1, 63, 64, 127, 128, 255], &[255], &[70, 71]] {
            let backwards = ScopeSet::from_iter(numbers.iter().rev().copied());
            assert!(backwards.iter().eq(numbers.iter().copied()), "{backwards:?}");
        }
        assert!(ScopeSet::from_iter(0..=255).iter().eq(0..=255));
    }

    #[test]
    fn all_of_and_any_of_agree_with_their_words() {
        let held = ScopeSet::from_iter([1, 2, 200]);
        assert!(held.contains_all(&ScopeSet::from_iter([1, 200])));
        assert!(!held.contains_all(&ScopeSet::from_iter([1, 3])));
        assert!(held.contains_any(&ScopeSet::from_iter([3, 200])));
        assert!(!held.contains_any(&ScopeSet::from_iter([3, 4])));
        assert!(!held.contains_any(&ScopeSet::default()));
        // At the same place of two words neither makes up for the other.
        let both = ScopeSet::from_iter([5, 69]);
        assert!(!held.contains_all(&both));
        assert!(both.contains_any(&both));
    }
}

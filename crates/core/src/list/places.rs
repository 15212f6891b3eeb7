//! The places that changes turn over, in order.

use core::mem;

use crate::list::head::MAX_HEAD_LEN;
use crate::list::state::chunk_of;

/// The places that all changes turn over, counted from the new floor, ascending; one may stand twice.
///
/// WHY: going through the changes anew for each chunk takes chunks × flips, which a few thousand flips among
/// ten million indexes make dearer than the whole state.
pub(super) struct Places {
    places: [u32; MAX_HEAD_LEN],
    count: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { places: [0; MAX_HEAD_LEN], count: 0 }
    }
}

impl Places {
    /// Adds a place; `None` where there is no room, which no head brings about: each flip takes a byte of it.
    pub(super) fn push(&mut self, place: u32) -> Option<()> {
        *self.places.get_mut(self.count)? = place;
        self.count += 1;
        Some(())
    }

    fn all(&self) -> &[u32] {
        self.places.get(..self.count).unwrap_or_default()
    }

    /// Sorts them by a heap: the standard library's sorts have panics that the compiler cannot rule out.
    pub(super) fn sort(&mut self) {
        let all = self.places.get_mut(..self.count).unwrap_or_default();
        for root in (0..all.len() / 2).rev() {
            sift(all, root);
        }
        for end in (1..all.len()).rev() {
            if let Ok([first, last]) = all.get_disjoint_mut([0, end]) {
                mem::swap(first, last);
            }
            sift(all.get_mut(..end).unwrap_or_default(), 0);
        }
    }

    pub(super) fn of_chunk(&self, number: usize) -> impl Iterator<Item = u64> + '_ {
        let all = self.all();
        let from = all.partition_point(|place| chunk_of(u64::from(*place)) < number);
        let rest = all.get(from..).unwrap_or_default();
        rest.iter().map(|place| u64::from(*place)).take_while(move |bit| chunk_of(*bit) == number)
    }
}

/// Moves the number at `root` down until none below it is greater.
fn sift(heap: &mut [u32], mut root: usize) {
    loop {
        let (left, right) = (2 * root + 1, 2 * root + 2);
        let child = if heap.get(right) > heap.get(left) { right } else { left };
        match heap.get_disjoint_mut([root, child]) {
            Ok([above, below]) if *above < *below => mem::swap(above, below),
            _ => return,
        }
        root = child;
    }
}

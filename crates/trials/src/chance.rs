//! Chance, drawn from a seed and a case's number: the same on every machine.

/// A source of chance for one case, the same wherever the stretch begins (splitmix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

/// The same as a function.
pub fn chance(seed: u64, case: u64) -> impl FnMut() -> u64 {
    let mut chance = Chance::new(seed, case);
    move || chance.draw()
}

impl Chance {
    /// The chance of one case.
    pub const fn new(seed: u64, case: u64) -> Self {
        Self(seed ^ case.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    /// 64 bits.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.draw() as u128 * bound as u128) >> 64) as u64
    }

    /// A number from `least` to `most`; `least` where there is none.
    pub const fn between(&mut self, least: u32, most: u32) -> u32 {
        least.saturating_add(self.below(most.saturating_sub(least) as u64 + 1) as u32)
    }

    /// A place in what has this length; 0 where there is none.
    pub const fn place(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// Whether it is this time, of so many.
    pub const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A byte.
    pub const fn byte(&mut self) -> u8 {
        (self.draw() >> 56) as u8
    }

    /// One of a list; `None` of none.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        list.get(self.place(list.len()))
    }

    /// Bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        [(); N].map(|()| self.byte())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_same_again_and_keeps_its_bounds() {
        let drawn = |seed, case| [(); 4].map(|()| Chance::new(seed, case).draw());
        assert_eq!(drawn(1, 2), drawn(1, 2));
        assert_ne!(drawn(1, 2), drawn(1, 3));
        assert_ne!(drawn(1, 2), drawn(2, 2));
        let mut chance = Chance::new(1, 1);
        let mut seen = [0; 3];
        for _ in 0..300 {
            seen[chance.place(3)] += 1;
            assert!((5..=7).contains(&chance.between(5, 7)));
        }
        assert!(seen.iter().all(|times| *times > 60), "{seen:?}");
        assert_eq!((chance.below(0), chance.between(9, 9), chance.between(9, 3)), (0, 9, 9));
        assert_eq!(chance.pick::<u8>(&[]), None);
        assert_eq!(chance.between(0, u32::MAX).min(1), 1);
    }
}

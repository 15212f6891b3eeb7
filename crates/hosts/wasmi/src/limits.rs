//! What an instance may take, so that none takes all.

use wasmi::{StoreLimits, StoreLimitsBuilder};

/// What an instance may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: usize,
    /// Fuel of one call, about an instruction each.
    pub call: u64,
    /// Fuel more for a head: 4 KiB of changes may make a state longer by 1 MiB, which is hashed.
    pub head: u64,
    /// Fuel more for each byte of a state.
    pub byte: u64,
}

impl Limits {
    /// What no call of a good host needs by far: a verification takes some 30,000, the largest key set some millions.
    pub const DEFAULT: Self =
        Self { memory: 64 << 20, call: 20_000_000, head: 200_000_000, byte: 200 };

    /// Room for one instance.
    pub(crate) fn room(self) -> StoreLimits {
        let limits = StoreLimitsBuilder::new().memory_size(self.memory);
        limits.table_elements(1_000).instances(1).tables(1).memories(1).build()
    }
}

//! How much one instance may take: memory over its life, and work in one call.

use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

/// What an instance may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: usize,
    /// Fuel of one call, about an instruction each.
    pub call: u64,
    /// Fuel more for a head: 4 KiB of changes may make a state longer by 1 MiB, which is hashed.
    pub head: u64,
    /// Fuel more for each byte that a call hands in.
    pub byte: u64,
}

impl Limits {
    /// What no call of a good host needs by far: a verification takes some 30,000, the largest key set some millions.
    pub const DEFAULT: Self =
        Self { memory: 64 << 20, call: 20_000_000, head: 200_000_000, byte: 200 };

    pub(crate) fn room(&self) -> Room {
        let limits = StoreLimitsBuilder::new()
            .memory_size(self.memory)
            .table_elements(1_000)
            .instances(16)
            .tables(16)
            .memories(1);
        Room(limits.build())
    }

    /// The fuel of a call that hands in so many bytes.
    pub(crate) const fn fuel(&self, bytes: usize) -> u64 {
        self.call.saturating_add(self.byte.saturating_mul(bytes as u64))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The state of a store: nothing but what it may take.
pub(crate) struct Room(StoreLimits);

impl Room {
    pub(crate) fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.0
    }
}

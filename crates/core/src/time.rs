//! Points in time. The core owns no clock: every time is an argument.

/// Whole seconds since the Unix epoch, as they stand in keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u32);

/// Milliseconds since the Unix epoch, as clocks and heads give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub u64);

impl UnixSeconds {
    /// The same instant in milliseconds; exact for every value.
    pub const fn as_millis(self) -> UnixMillis {
        UnixMillis(self.0 as u64 * 1000)
    }
}

impl UnixMillis {
    /// The second that this instant lies in, or `None` from the year 2106 on, where keys end.
    pub fn second(self) -> Option<UnixSeconds> {
        u32::try_from(self.0 / 1000).ok().map(UnixSeconds)
    }

    /// This instant moved forward by `ms` milliseconds, stopping at the end of time.
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; 0 where `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

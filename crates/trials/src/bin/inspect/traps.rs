//! Instructions that trap by what they are given.

use wasmparser::Operator;

/// Instructions that trap by what they are given. Not counted: accesses outside memory and calls of the wrong type,
/// which code without `unsafe` does not make.
#[derive(Clone, Copy, Default)]
pub(crate) struct Traps {
    pub(crate) unreachable: usize,
    /// By a divisor that is not a constant, so that it may be 0.
    pub(crate) divisions: usize,
    /// Of floating-point numbers that an integer may be too small for.
    pub(crate) truncations: usize,
}

impl Traps {
    pub(crate) const fn of(operator: &Operator<'_>, safe_divisor: bool) -> Self {
        let mut traps = Self { unreachable: 0, divisions: 0, truncations: 0 };
        match operator {
            Operator::Unreachable => traps.unreachable = 1,
            Operator::I32DivS
            | Operator::I32DivU
            | Operator::I32RemS
            | Operator::I32RemU
            | Operator::I64DivS
            | Operator::I64DivU
            | Operator::I64RemS
            | Operator::I64RemU
                if !safe_divisor =>
            {
                traps.divisions = 1;
            }
            Operator::I32TruncF32S
            | Operator::I32TruncF32U
            | Operator::I32TruncF64S
            | Operator::I32TruncF64U
            | Operator::I64TruncF32S
            | Operator::I64TruncF32U
            | Operator::I64TruncF64S
            | Operator::I64TruncF64U => traps.truncations = 1,
            _ => {}
        }
        traps
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            unreachable: self.unreachable + other.unreachable,
            divisions: self.divisions + other.divisions,
            truncations: self.truncations + other.truncations,
        }
    }

    pub(crate) const fn any(self) -> bool {
        self.unreachable + self.divisions + self.truncations > 0
    }
}

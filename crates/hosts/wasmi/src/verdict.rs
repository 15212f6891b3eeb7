//! Numbers of ABI.md, by name.

/// What a verification comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The key is authentic, alive and allowed.
    Allow,
    /// It is not, or that cannot be known now: the reason, as FORMAT.md writes it.
    Deny(&'static str),
    /// One refresh of the list is owed.
    AskRefresh,
    /// The registry's word is owed: the question's number.
    AskRegistry(u32),
}

/// Whether the registry was asked for this verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registry {
    /// Not yet.
    NotAsked,
    /// It did not answer.
    Failed,
    /// It answered this question.
    Answered(u32),
}

/// What the registry says of a generation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RegistryVerdict {
    /// Alive, with the list's sequence at that moment, which is exact up to 2⁵³.
    Alive(f64),
    /// Revoked.
    Revoked,
    /// Suspended.
    Suspended,
    /// Retired by a rotation.
    Retired,
    /// Past its expiry by the registry's clock.
    Expired,
    /// No such generation.
    NeverIssued,
    /// No such tenant.
    TenantGone,
}

/// What became of a head. From [`Adoption::StateNeeded`] on nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// It is in force.
    Adopted,
    /// It was in force already.
    InForce,
    /// Its state is needed.
    StateNeeded,
    /// It is ahead of this machine's clock.
    ClockBehind,
    /// It is older than the one in force.
    Older,
    /// The state is another than it names.
    OtherState,
    /// It is another audience's.
    OtherAudience,
    /// It is none.
    Malformed,
    /// It is another tenant's, or does not name the audience.
    Foreign,
    /// It is forged.
    Forged,
    /// The state cannot be read, or there is no memory for it.
    UnreadableState,
}

impl Verdict {
    /// Of a number; nothing for misuse and for what no module of this version answers.
    pub(crate) fn of(number: u32) -> Option<Self> {
        match number & 0xff {
            0 => Some(Self::Allow),
            64 => Some(Self::AskRefresh),
            65 => Some(Self::AskRegistry(number >> 8)),
            kind => REASONS.get(kind as usize - 1).copied().map(Self::Deny),
        }
    }
}

impl Adoption {
    pub(crate) const fn of(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Adopted,
            1 => Self::InForce,
            2 => Self::StateNeeded,
            16 => Self::ClockBehind,
            17 => Self::Older,
            18 => Self::OtherState,
            19 => Self::OtherAudience,
            32 => Self::Malformed,
            33 => Self::Foreign,
            34 => Self::Forged,
            48 => Self::UnreadableState,
            _ => return None,
        })
    }
}

impl RegistryVerdict {
    /// Its number, and the sequence.
    pub(crate) const fn number(self) -> (u32, f64) {
        match self {
            Self::Alive(sequence) => (0, sequence),
            Self::Revoked => (1, 0.0),
            Self::Suspended => (2, 0.0),
            Self::Retired => (3, 0.0),
            Self::Expired => (4, 0.0),
            Self::NeverIssued => (5, 0.0),
            Self::TenantGone => (6, 0.0),
        }
    }
}

/// Why a key is denied, by the number less one.
const REASONS: [&str; 23] = [
    "malformed",
    "bad_checksum",
    "unknown_signing_key",
    "prefix_mismatch",
    "bad_tag",
    "outside_window",
    "wrong_audience",
    "requirement_outdated",
    "never_issued",
    "tenant_gone",
    "expired",
    "not_yet_valid",
    "inactive",
    "revoked",
    "suspended",
    "retired",
    "scope_missing",
    "narrowed",
    "address_not_allowed",
    "list_stale",
    "clock_behind",
    "no_key_set",
    "registry_unavailable",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_module_of_this_version_answers_allows_nothing() {
        for number in 0..=255_u32 {
            let verdict = Verdict::of(number);
            assert_eq!(verdict.is_some(), number <= 23 || (64..=65).contains(&number), "{number}");
            assert_eq!(verdict == Some(Verdict::Allow), number == 0, "{number}");
        }
        assert_eq!(Verdict::of(65 | 7 << 8), Some(Verdict::AskRegistry(7)));
    }
}

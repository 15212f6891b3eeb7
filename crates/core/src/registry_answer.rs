//! The question to the registry, and its answer tied to the very key and requirement that it was
//! asked for.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::base::Base;
use crate::reason::Reason;
use crate::requirement::Requirement;
use crate::signing::{TAG_LEN, Tag};
use crate::time::UnixMillis;

/// How long an answer of the registry may be used, in milliseconds from the question.
pub const CONFIRMATION_VALID_MS: u64 = 5_000;

/// What a strict scope makes the host ask the registry. Only the judgement of a verification makes one, after every
/// local check has passed.
#[derive(Debug)]
pub struct RegistryQuestion {
    base: Base,
    tag: Tag,
    requirement: Requirement,
    asked_at: UnixMillis,
}

/// What the registry says of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryVerdict {
    /// Alive, and its row holds the very fields that were asked about; with the list's sequence.
    Alive {
        /// The sequence of the list at that moment.
        sequence: u64,
    },
    /// Revoked.
    Revoked,
    /// Suspended.
    Suspended,
    /// Retired by a rotation.
    Retired,
    /// Past its expiry by the registry's clock.
    Expired,
    /// No such generation, or other fields than its row's.
    NeverIssued,
    /// No such tenant.
    TenantGone,
}

/// The fields that an answer repeats of its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo(pub Base);

/// An answer about another generation than the one asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoError;

impl fmt::Display for EchoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the registry's answer is about another key")
    }
}

impl core::error::Error for EchoError {}

/// The registry's answer for one key, one requirement, a few seconds and one verification.
#[derive(Debug)]
pub struct Confirmation {
    question: RegistryQuestion,
    verdict: RegistryVerdict,
    is_spent: AtomicBool,
}

impl RegistryQuestion {
    /// What to ask about: every field of the base is compared with the generation's row.
    pub const fn base(&self) -> &Base {
        &self.base
    }

    /// Takes the registry's answer.
    ///
    /// # Errors
    /// [`EchoError`] when the answer is about something else; the host then has no answer.
    pub fn answered(
        self,
        echo: &Echo,
        verdict: RegistryVerdict,
    ) -> Result<Confirmation, EchoError> {
        if echo.0 == self.base {
            Ok(Confirmation { question: self, verdict, is_spent: AtomicBool::new(false) })
        } else {
            Err(EchoError)
        }
    }

    pub(crate) const fn new(
        base: Base,
        tag: Tag,
        requirement: Requirement,
        asked_at: UnixMillis,
    ) -> Self {
        Self { base, tag, requirement, asked_at }
    }
}

impl Confirmation {
    /// Whether the answer is for this key and requirement, not too old, and has served no verification before; now it has.
    pub(crate) fn serves(
        &self,
        base: &Base,
        tag: &[u8; TAG_LEN],
        requirement: &Requirement,
        now: UnixMillis,
    ) -> bool {
        let asked = &self.question;
        let same =
            asked.base == *base && asked.tag.matches(tag) && asked.requirement == *requirement;
        let in_time = now >= asked.asked_at && now.since(asked.asked_at) <= CONFIRMATION_VALID_MS;
        same && in_time && !self.is_spent.swap(true, Ordering::Relaxed)
    }

    /// The list's sequence if alive, else why not.
    pub(crate) const fn outcome(&self) -> Result<u64, Reason> {
        match self.verdict {
            RegistryVerdict::Alive { sequence } => Ok(sequence),
            RegistryVerdict::Revoked => Err(Reason::Revoked),
            RegistryVerdict::Suspended => Err(Reason::Suspended),
            RegistryVerdict::Retired => Err(Reason::Retired),
            RegistryVerdict::Expired => Err(Reason::Expired),
            RegistryVerdict::NeverIssued => Err(Reason::NeverIssued),
            RegistryVerdict::TenantGone => Err(Reason::TenantGone),
        }
    }
}

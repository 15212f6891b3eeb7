//! What a verification comes to, and what is held of the component on the way to it.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::ResourceAny;

use crate::bindings::exports::wardkey::verify::types::{Allow, Denial, Reason};

/// Allow, deny, or something that the host owes first.
#[derive(Debug)]
pub enum Verdict {
    /// The key is authentic, alive and allowed.
    Allow(Allow),
    /// It is not, or that cannot be known now.
    Deny(Denial),
    /// One refresh of the list is owed.
    AskRefresh,
    /// The registry's word on this key is owed.
    AskRegistry(Question),
}

/// What the host says of the registry when it has a key verified.
#[derive(Debug)]
pub enum RegistryWord {
    /// It was not asked.
    NotAsked,
    /// It was asked and did not answer.
    Failed,
    /// It answered this.
    Answered(Confirmation),
}

/// The scopes that a call needs, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Such as `reports:read`; at least one.
    pub scopes: Vec<String>,
    /// Whether any of them will do.
    pub any: bool,
    /// Whether the registry is asked every time, whatever the scopes' risk levels say.
    pub strict: bool,
}

/// A question that the registry must answer; it belongs to the instance that asked it.
#[derive(Debug)]
pub struct Question(pub(crate) Held);

/// The registry's answer, for one verification by the instance that asked.
#[derive(Debug)]
pub struct Confirmation(pub(crate) Held);

/// A resource of the component's.
///
/// Whoever drops it leaves it to its instance, which drops it in the component at its next call: a caller who
/// goes away while the registry is asked leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Held {
    handle: Option<ResourceAny>,
    instance: u64,
    abandoned: Abandoned,
}

/// Resources that nobody holds any more.
pub(crate) type Abandoned = Arc<Mutex<Vec<ResourceAny>>>;

impl Held {
    pub(crate) fn new(handle: ResourceAny, instance: u64, abandoned: &Abandoned) -> Self {
        Self { handle: Some(handle), instance, abandoned: Arc::clone(abandoned) }
    }

    /// The resource, if it is this instance's.
    pub(crate) const fn of(&self, instance: u64) -> Option<ResourceAny> {
        if self.instance == instance { self.handle } else { None }
    }

    /// The same, to be handed in for good.
    pub(crate) const fn spend(&mut self, instance: u64) -> Option<ResourceAny> {
        if self.instance == instance { self.handle.take() } else { None }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        }
    }
}

impl Reason {
    /// Its stable word, as FORMAT.md and every log have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadChecksum => "bad_checksum",
            Self::UnknownSigningKey => "unknown_signing_key",
            Self::PrefixMismatch => "prefix_mismatch",
            Self::BadTag => "bad_tag",
            Self::OutsideWindow => "outside_window",
            Self::WrongAudience => "wrong_audience",
            Self::RequirementOutdated => "requirement_outdated",
            Self::NeverIssued => "never_issued",
            Self::TenantGone => "tenant_gone",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::Retired => "retired",
            Self::ScopeMissing => "scope_missing",
            Self::Narrowed => "narrowed",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::ListStale => "list_stale",
            Self::ClockBehind => "clock_behind",
            Self::NoKeySet => "no_key_set",
            Self::RegistryUnavailable => "registry_unavailable",
        }
    }
}

//! What a host requires of a key.

use core::fmt;

use crate::catalog::{Catalog, RiskLevel};
use crate::identifier::{AudienceId, TenantId};
use crate::scope::ScopeSet;

/// The scopes that a call needs, and how fresh the verifier's knowledge must be for them.
///
/// # Guarantees
/// Never empty; every scope is in the catalog it was built from; the level is the strictest of all
/// scopes named. It is good for that catalog's edition of the key set and no other, because another
/// one may ask more of the same scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    audience: (TenantId, AudienceId),
    key_set_version: u32,
    scopes: ScopeSet,
    mode: Mode,
    level: RiskLevel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    AllOf,
    AnyOf,
}

/// Names that make no requirement: an error of the caller, never a denial of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequirementError {
    /// No scope named.
    Empty,
    /// A scope that the audience's catalog does not hold.
    UnknownScope,
}

impl fmt::Display for RequirementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a requirement names at least one scope",
            Self::UnknownScope => "a required scope is not in the audience's catalog",
        })
    }
}

impl core::error::Error for RequirementError {}

impl Requirement {
    /// Requires every one of the named scopes.
    ///
    /// # Errors
    /// [`RequirementError`] for no name or an unknown one.
    pub fn all_of(
        catalog: &Catalog<'_>,
        names: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, RequirementError> {
        Self::build(catalog, names, Mode::AllOf)
    }

    /// Requires at least one of the named scopes.
    ///
    /// # Errors
    /// [`RequirementError`] for no name or an unknown one.
    pub fn any_of(
        catalog: &Catalog<'_>,
        names: impl IntoIterator<Item: AsRef<[u8]>>,
    ) -> Result<Self, RequirementError> {
        Self::build(catalog, names, Mode::AnyOf)
    }

    fn build(
        catalog: &Catalog<'_>,
        names: impl IntoIterator<Item: AsRef<[u8]>>,
        mode: Mode,
    ) -> Result<Self, RequirementError> {
        let mut scopes = ScopeSet::default();
        let mut level = RiskLevel::Low;
        for name in names {
            let entry = catalog.scope(name).ok_or(RequirementError::UnknownScope)?;
            scopes.insert(entry.number);
            level = level.max(entry.risk);
        }
        if scopes.is_empty() {
            return Err(RequirementError::Empty);
        }
        Ok(Self {
            audience: catalog.audience(),
            key_set_version: catalog.key_set_version(),
            scopes,
            mode,
            level,
        })
    }

    /// The same requirement with the registry asked every time: a host may only tighten.
    #[must_use]
    pub const fn strict(self) -> Self {
        Self { level: RiskLevel::Strict, ..self }
    }

    /// The strictest risk level of all scopes named.
    pub const fn level(&self) -> RiskLevel {
        self.level
    }

    /// Whether it was built from the catalog of this audience: numbers of another mean other scopes.
    pub(crate) fn is_for(&self, tenant: TenantId, audience: AudienceId) -> bool {
        self.audience == (tenant, audience)
    }

    /// Whether it was built from the catalog of this edition of the key set.
    pub(crate) const fn is_of(&self, key_set_version: u32) -> bool {
        self.key_set_version == key_set_version
    }

    pub(crate) fn is_met_by(&self, held: &ScopeSet) -> bool {
        match self.mode {
            Mode::AllOf => held.contains_all(&self.scopes),
            Mode::AnyOf => held.contains_any(&self.scopes),
        }
    }
}

//! The parts of a request that are well-formed by themselves.

use wardkey::{
    AudienceId, Constraints, MIN_LIFETIME_SECONDS, Network, Networks, ScopeSet, Subject,
    UnixSeconds,
};

use super::{Grant, GrantRefused};
use crate::actor::{Actor, Binding};
use crate::administration::AdminScope;
use crate::key_notes::KeyNotes;
use crate::key_request::{KeyConstraints, KeyRequest};
use crate::policy::Policy;

/// The parts of a request that are well-formed by themselves, and the right that it is made by.
pub(super) struct Draft {
    right: AdminScope,
    subject: Subject,
    pub(super) expires_at: UnixSeconds,
    pub(super) constraints: Constraints,
    notes: KeyNotes,
}

impl Draft {
    pub(super) fn read(
        request: &KeyRequest,
        right: AdminScope,
        now: UnixSeconds,
    ) -> Result<Self, GrantRefused> {
        let subject =
            Subject::new(&request.subject).map_err(|error| field("subject", error.to_string()))?;
        if request.scopes.is_empty() && request.roles.is_empty() {
            return Err(field("scopes", "must name at least one scope, if roles name none"));
        }
        if request.expires_in < MIN_LIFETIME_SECONDS {
            return Err(field("expires_in", "must be at least 60 seconds"));
        }
        let expires_at = now.0.checked_add(request.expires_in).map(UnixSeconds);
        let expires_at =
            expires_at.ok_or_else(|| field("expires_in", "ends after the year 2106"))?;
        let constraints = constraints(&request.constraints, expires_at)?;
        let owner = request.owner.as_deref().unwrap_or(subject.as_str());
        let notes = KeyNotes::check(request.name.as_deref(), owner, &request.tags, &request.meta)?;
        Ok(Self { right, subject, expires_at, constraints, notes })
    }

    pub(super) fn allowed(
        &self,
        actor: &Actor,
        audience: AudienceId,
        name: &str,
    ) -> Result<(), GrantRefused> {
        let scope = self.right;
        if actor.holds(Binding { scope, audience }) {
            return Ok(());
        }
        let detail = format!("the credential holds no {} for audience {name}", scope.as_str());
        Err(GrantRefused::rule("actor_scope", detail))
    }

    pub(super) fn grant(
        self,
        audience: AudienceId,
        scopes: ScopeSet,
        bindings: Vec<Binding>,
    ) -> Grant {
        let Self { subject, expires_at, constraints, notes, .. } = self;
        Grant { subject, audience, scopes, bindings, expires_at, constraints, notes }
    }
}

/// Reads the constraints of a request.
fn constraints(
    request: &KeyConstraints,
    expires_at: UnixSeconds,
) -> Result<Constraints, GrantRefused> {
    let not_before = request.not_before.map(UnixSeconds);
    if not_before.is_some_and(|second| second >= expires_at) {
        return Err(field("constraints.not_before", "must be before the key expires"));
    }
    let networks = request.networks.iter().map(|text| text.parse::<Network>());
    let networks = networks.collect::<Result<Vec<_>, _>>();
    let at = "constraints.networks";
    let networks = networks.map_err(|error| field(at, error.to_string()))?;
    let networks = match networks.as_slice() {
        [] => None,
        some => Some(
            Networks::new(some.iter().copied()).map_err(|error| field(at, error.to_string()))?,
        ),
    };
    Ok(Constraints { not_before, networks })
}

pub(super) fn audience_names(policy: &Policy) -> String {
    listed(policy.audiences.iter().map(|audience| audience.name.as_str()))
}

/// Names for a message: all of a few, the first of many.
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.take(MAX_LISTED + 1).collect();
    if let Some(last) = names.get_mut(MAX_LISTED) {
        *last = "…";
    }
    names.join(", ")
}

pub(super) fn field(field: &'static str, problem: impl Into<String>) -> GrantRefused {
    GrantRefused::field(field, problem)
}

const MAX_LISTED: usize = 20;

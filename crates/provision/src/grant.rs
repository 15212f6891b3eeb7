//! Who may have which key made: a request passes the policy and becomes a grant.

use std::collections::BTreeMap;

use thiserror::Error;
use wardkey::{
    AudienceId, Constraints, MIN_LIFETIME_SECONDS, Network, Networks, ScopeSet, Subject,
    UnixSeconds,
};

use crate::actor::{Actor, Binding};
use crate::administration::{ADMIN_AUDIENCE_NAME, AdminScope};
use crate::key_notes::KeyNotes;
use crate::key_request::{KeyConstraints, KeyRequest};
use crate::policy::Policy;

/// A key that may be minted.
///
/// # Guarantees
/// It passed the policy and its actor's rights. Only [`Grant::decide`] and [`Grant::bootstrap`] make one,
/// and only a grant can be minted.
#[derive(Clone, Debug)]
pub struct Grant {
    subject: Subject,
    audience: AudienceId,
    scopes: ScopeSet,
    bindings: Vec<Binding>,
    expires_at: UnixSeconds,
    constraints: Constraints,
    notes: KeyNotes,
}

/// Why a key may not be made. Each names the rule that refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrantRefused {
    /// A field that no policy would accept.
    #[error("{field}: {problem}")]
    Field {
        /// The request's field.
        field: &'static str,
        /// What it must be.
        problem: String,
    },
    /// A rule of the policy or of the actor's rights.
    #[error("{detail}")]
    Rule {
        /// The rule's name.
        rule: &'static str,
        /// What it says.
        detail: String,
    },
}

impl Grant {
    /// Decides a request that is made by a right: `keys:create`, or `keys:rotate` for the next generation of a key.
    ///
    /// # Errors
    /// [`GrantRefused::Field`] for what is not well-formed or not in the catalog, else
    /// [`GrantRefused::Rule`]: `actor_scope` (the actor may not make keys of that audience),
    /// `subset_of_actor` and `not_beyond_actor` (administration keys), `max_lifetime_s`.
    pub fn decide(
        policy: &Policy,
        actor: &Actor,
        right: AdminScope,
        request: &KeyRequest,
        now: UnixSeconds,
    ) -> Result<Self, GrantRefused> {
        let draft = Draft::read(request, right, now)?;
        if request.audience == ADMIN_AUDIENCE_NAME {
            draft.administration(policy, actor, request)
        } else {
            draft.audience(policy, actor, request, now)
        }
    }

    /// The first key of a tenant, or the one that recovers it: every right for every audience of the
    /// policy. The bootstrap token is what allows it.
    ///
    /// # Errors
    /// None in practice: its texts are a subject and a fixed name.
    pub fn bootstrap(
        policy: &Policy,
        subject: Subject,
        expires_at: UnixSeconds,
    ) -> Result<Self, GrantRefused> {
        let audiences =
            [AudienceId::ADMINISTRATION].into_iter().chain(policy.audiences.iter().map(|a| a.id()));
        let bindings: Vec<_> = audiences
            .flat_map(|audience| AdminScope::ALL.map(|scope| Binding { scope, audience }))
            .filter(Binding::means_something)
            .collect();
        Ok(Self {
            subject,
            audience: AudienceId::ADMINISTRATION,
            scopes: AdminScope::ALL.into_iter().map(AdminScope::number).collect(),
            bindings,
            expires_at,
            constraints: Constraints::default(),
            notes: KeyNotes::check(Some("bootstrap"), subject.as_str(), &[], &BTreeMap::new())?,
        })
    }

    /// Who the key acts as.
    pub const fn subject(&self) -> Subject {
        self.subject
    }

    /// The audience that it is for.
    pub const fn audience(&self) -> AudienceId {
        self.audience
    }

    /// What it may do.
    pub const fn scopes(&self) -> ScopeSet {
        self.scopes
    }

    /// For an administration key, its rights audience by audience.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The first second in which it is dead.
    pub const fn expires_at(&self) -> UnixSeconds {
        self.expires_at
    }

    /// When and from where it may be used.
    pub const fn constraints(&self) -> Constraints {
        self.constraints
    }

    /// What people note down of it.
    pub const fn notes(&self) -> &KeyNotes {
        &self.notes
    }
}

/// The parts of a request that are well-formed by themselves.
struct Draft {
    right: AdminScope,
    subject: Subject,
    expires_at: UnixSeconds,
    constraints: Constraints,
    notes: KeyNotes,
}

impl Draft {
    fn read(
        request: &KeyRequest,
        right: AdminScope,
        now: UnixSeconds,
    ) -> Result<Self, GrantRefused> {
        let subject =
            Subject::new(&request.subject).map_err(|error| field("subject", error.to_string()))?;
        if request.scopes.is_empty() {
            return Err(field("scopes", "must name at least one scope"));
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

    fn allowed(&self, actor: &Actor, audience: AudienceId, name: &str) -> Result<(), GrantRefused> {
        let scope = self.right;
        if actor.holds(Binding { scope, audience }) {
            return Ok(());
        }
        let detail = format!("the credential holds no {} for audience {name}", scope.as_str());
        Err(GrantRefused::Rule { rule: "actor_scope", detail })
    }

    fn audience(
        self,
        policy: &Policy,
        actor: &Actor,
        request: &KeyRequest,
        now: UnixSeconds,
    ) -> Result<Grant, GrantRefused> {
        if !request.for_audiences.is_empty() {
            return Err(field("for_audiences", "is for keys of audience wardkey only"));
        }
        let audience = policy.audience(&request.audience).ok_or_else(|| {
            field("audience", format!("must be wardkey or one of {}", audience_names(policy)))
        })?;
        self.allowed(actor, audience.id(), &audience.name)?;
        let mut scopes = ScopeSet::default();
        for name in &request.scopes {
            let names = || audience.scopes.iter().map(|scope| scope.name.as_str());
            let unknown = || {
                field(
                    "scopes",
                    format!("must be of audience {}: {}", audience.name, listed(names())),
                )
            };
            scopes.insert(audience.scope(name).ok_or_else(unknown)?.number);
        }
        if self.expires_at.0 - now.0 > audience.max_lifetime_s {
            let detail = format!(
                "keys of audience {} live at most {} seconds",
                audience.name, audience.max_lifetime_s
            );
            return Err(GrantRefused::Rule { rule: "max_lifetime_s", detail });
        }
        Ok(self.grant(audience.id(), scopes, Vec::new()))
    }

    fn administration(
        self,
        policy: &Policy,
        actor: &Actor,
        request: &KeyRequest,
    ) -> Result<Grant, GrantRefused> {
        self.allowed(actor, AudienceId::ADMINISTRATION, ADMIN_AUDIENCE_NAME)?;
        // The registry does not know where a call to it comes from.
        if self.constraints.networks.is_some() {
            return Err(field("constraints.networks", "are not for administration keys"));
        }
        if request.for_audiences.is_empty() {
            return Err(field(
                "for_audiences",
                "must name the audiences that an administration key is for",
            ));
        }
        let mut scopes = ScopeSet::default();
        let mut bindings = Vec::new();
        for name in &request.scopes {
            let names = || AdminScope::ALL.into_iter().map(AdminScope::as_str);
            let unknown =
                || field("scopes", format!("must be of audience wardkey: {}", listed(names())));
            let scope = AdminScope::named(name).ok_or_else(unknown)?;
            scopes.insert(scope.number());
            for audience in &request.for_audiences {
                let audience = audience_number(policy, audience)?;
                let binding = Binding { scope, audience };
                if !binding.means_something() {
                    continue;
                }
                if !actor.holds(binding) {
                    let detail = format!(
                        "the credential itself does not hold {name} for every audience asked for"
                    );
                    return Err(GrantRefused::Rule { rule: "subset_of_actor", detail });
                }
                bindings.push(binding);
            }
            if !bindings.iter().any(|binding| binding.scope == scope) {
                let problem = format!("name no audience that {name} can be for");
                return Err(field("for_audiences", problem));
            }
        }
        if self.expires_at > actor.expires_at {
            let detail =
                "an administration key does not outlive the credential that makes it".into();
            return Err(GrantRefused::Rule { rule: "not_beyond_actor", detail });
        }
        bindings.sort();
        bindings.dedup();
        Ok(self.grant(AudienceId::ADMINISTRATION, scopes, bindings))
    }

    fn grant(self, audience: AudienceId, scopes: ScopeSet, bindings: Vec<Binding>) -> Grant {
        let Self { subject, expires_at, constraints, notes, .. } = self;
        Grant { subject, audience, scopes, bindings, expires_at, constraints, notes }
    }
}

fn audience_number(policy: &Policy, name: &str) -> Result<AudienceId, GrantRefused> {
    if name == ADMIN_AUDIENCE_NAME {
        return Ok(AudienceId::ADMINISTRATION);
    }
    let audience = policy.audience(name);
    audience.map(|a| a.id()).ok_or_else(|| {
        field("for_audiences", format!("must be wardkey or of {}", audience_names(policy)))
    })
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

fn audience_names(policy: &Policy) -> String {
    listed(policy.audiences.iter().map(|audience| audience.name.as_str()))
}

/// Names for a message: all of a few, the first of many.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.take(MAX_LISTED + 1).collect();
    if let Some(last) = names.get_mut(MAX_LISTED) {
        *last = "…";
    }
    names.join(", ")
}

fn field(field: &'static str, problem: impl Into<String>) -> GrantRefused {
    GrantRefused::Field { field, problem: problem.into() }
}

const MAX_LISTED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use wardkey::KeyId;

    const NOW: UnixSeconds = UnixSeconds(1_000_000);

    fn policy() -> Policy {
        serde_json::from_str(
            r#"{"audiences":[
                {"number":1,"name":"api","max_lifetime_s":3600,"scopes":[{"number":0,"name":"reports:read"},{"number":9,"name":"reports:write"}]},
                {"number":2,"name":"jobs","scopes":[{"number":0,"name":"jobs:run"}]}]}"#,
        )
        .expect("a policy")
    }

    fn actor(bindings: &[(AdminScope, u8)]) -> Actor {
        Actor {
            subject: Subject::new("ops:ada").expect("a subject"),
            key_id: KeyId([1; 8]),
            expires_at: UnixSeconds(NOW.0 + 1000),
            bindings: bindings
                .iter()
                .map(|(scope, n)| Binding { scope: *scope, audience: AudienceId(*n) })
                .collect(),
        }
    }

    fn request(audience: &str, scopes: &[&str], for_audiences: &[&str]) -> KeyRequest {
        KeyRequest {
            subject: "svc:billing".into(),
            audience: audience.into(),
            scopes: scopes.iter().map(|s| (*s).into()).collect(),
            expires_in: 600,
            for_audiences: for_audiences.iter().map(|s| (*s).into()).collect(),
            ..KeyRequest::default()
        }
    }

    fn rule(result: Result<Grant, GrantRefused>) -> &'static str {
        match result {
            Err(GrantRefused::Rule { rule, .. }) => rule,
            Err(GrantRefused::Field { field, .. }) => field,
            Ok(_) => "granted",
        }
    }

    #[test]
    fn a_refusal_names_its_rule() {
        use AdminScope::{KeysCreate, KeysRead, VerifierVerify};
        let decide = |actor: &Actor, request: &KeyRequest| {
            rule(Grant::decide(&policy(), actor, KeysCreate, request, NOW))
        };
        let api = actor(&[(KeysCreate, 1)]);
        assert_eq!(
            decide(&api, &request("api", &["reports:read", "reports:write"], &[])),
            "granted"
        );
        assert_eq!(decide(&api, &request("jobs", &["jobs:run"], &[])), "actor_scope");
        assert_eq!(decide(&api, &request("wardkey", &["keys:create"], &["api"])), "actor_scope");
        assert_eq!(decide(&api, &request("api", &["jobs:run"], &[])), "scopes");
        assert_eq!(decide(&api, &request("api", &[], &[])), "scopes");
        assert_eq!(decide(&api, &request("other", &["jobs:run"], &[])), "audience");
        assert_eq!(decide(&api, &request("api", &["reports:read"], &["api"])), "for_audiences");
        let long = KeyRequest { expires_in: 3601, ..request("api", &["reports:read"], &[]) };
        assert_eq!(decide(&api, &long), "max_lifetime_s");
        let short = KeyRequest { expires_in: 59, ..long.clone() };
        assert_eq!(decide(&api, &short), "expires_in");
        let endless = KeyRequest { expires_in: u32::MAX, ..long };
        assert_eq!(decide(&api, &endless), "expires_in");

        let admin = actor(&[(KeysCreate, 0), (VerifierVerify, 1)]);
        assert_eq!(decide(&admin, &request("wardkey", &["verifier:verify"], &["api"])), "granted");
        assert_eq!(
            decide(&admin, &request("wardkey", &["verifier:verify"], &["jobs"])),
            "subset_of_actor"
        );
        assert_eq!(
            decide(&admin, &request("wardkey", &["audit:read"], &["api"])),
            "subset_of_actor"
        );
        assert_eq!(decide(&admin, &request("wardkey", &["verifier:verify"], &[])), "for_audiences");
        let beyond =
            KeyRequest { expires_in: 1001, ..request("wardkey", &["verifier:verify"], &["api"]) };
        assert_eq!(decide(&admin, &beyond), "not_beyond_actor");
        // The registry alone judges keys of the administration: a verifier of them makes no sense.
        let root =
            actor(&[(KeysCreate, 0), (VerifierVerify, 0), (KeysRead, 0), (VerifierVerify, 1)]);
        let verifier = |audiences: &[&str]| request("wardkey", &["verifier:verify"], audiences);
        assert_eq!(decide(&root, &verifier(&["wardkey"])), "for_audiences");
        let both = Grant::decide(&policy(), &root, KeysCreate, &verifier(&["wardkey", "api"]), NOW)
            .expect("granted");
        assert_eq!(both.bindings(), [Binding { scope: VerifierVerify, audience: AudienceId(1) }]);
    }

    #[test]
    fn a_credential_in_a_text_field_is_not_kept() {
        let api = actor(&[(AdminScope::KeysCreate, 1)]);
        let pasted = KeyRequest {
            owner: Some(format!("wkboot_1_2_{}", "x".repeat(43))),
            ..request("api", &["reports:read"], &[])
        };
        assert_eq!(
            rule(Grant::decide(&policy(), &api, AdminScope::KeysCreate, &pasted, NOW)),
            "owner"
        );
        let control =
            KeyRequest { name: Some("a\u{7}b".into()), ..request("api", &["reports:read"], &[]) };
        assert_eq!(
            rule(Grant::decide(&policy(), &api, AdminScope::KeysCreate, &control, NOW)),
            "name"
        );
    }
}

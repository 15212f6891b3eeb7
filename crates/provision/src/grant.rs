//! Who may have which key made: a request passes the policy and becomes a grant.

mod administration;
mod audience;
mod draft;

use std::collections::BTreeMap;

use thiserror::Error;
use wardkey::{AudienceId, Constraints, ScopeSet, Subject, UnixSeconds};

use crate::actor::{Actor, Binding};
use crate::administration::{ADMIN_AUDIENCE_NAME, AdminScope};
use crate::candidate::Candidate;
use crate::key_notes::KeyNotes;
use crate::key_request::KeyRequest;
use crate::policy::Policy;
use draft::Draft;

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
        /// The rule's name: one that is built in, or `level.` and what the policy demands.
        rule: String,
        /// What it says.
        detail: String,
    },
}

impl GrantRefused {
    pub(crate) fn rule(rule: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Rule { rule: rule.into(), detail: detail.into() }
    }

    pub(crate) fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }
}

impl Grant {
    /// Decides a request that is made by a right: `keys:create`, or `keys:rotate` for the next generation of a key.
    ///
    /// # Errors
    /// [`GrantRefused::Field`] for what is not well-formed or not in the catalog, else [`GrantRefused::Rule`]:
    /// `actor_scope` (the actor may not make keys of that audience); for administration keys `subset_of_actor`,
    /// `not_beyond_actor`, `key_set_one_audience`, `key_set_needs_rule`; by the policy `max_lifetime_s`,
    /// `level.<level>.max_lifetime_s`, `level.<level>.<what is missing>` and `no_rule`.
    pub fn decide(
        policy: &Policy,
        actor: &Actor,
        right: AdminScope,
        request: &KeyRequest,
        now: UnixSeconds,
    ) -> Result<Self, GrantRefused> {
        let draft = Draft::read(request, right, now)?;
        if request.audience == ADMIN_AUDIENCE_NAME {
            draft.administration(policy, actor, request)?.judged(policy, actor, now)
        } else {
            draft.audience(policy, actor, request)?.judged(policy, actor, now)
        }
    }

    /// Decides the next generation of a key that a bootstrap token allowed, which the policy does not judge either
    /// time: its rights are no more than its actor's, and it does not outlive it.
    ///
    /// # Errors
    /// As [`Grant::decide`], without the rules of the policy and those of `verifier:key-set`.
    pub fn renew_bootstrap(
        policy: &Policy,
        actor: &Actor,
        request: &KeyRequest,
        now: UnixSeconds,
    ) -> Result<Self, GrantRefused> {
        Draft::read(request, AdminScope::KeysRotate, now)?.administration(policy, actor, request)
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

    /// The grant, if the policy allows it.
    fn judged(
        self,
        policy: &Policy,
        actor: &Actor,
        now: UnixSeconds,
    ) -> Result<Self, GrantRefused> {
        self.names_one_audience_for_key_sets()?;
        let candidate = Candidate {
            actor: Some(actor.subject.as_str()),
            subject: self.subject.as_str(),
            audience: self.audience,
            scopes: self.scopes,
            lifetime_s: self.expires_at.0.saturating_sub(now.0),
            networks: self.constraints.networks.as_ref(),
            notes: &self.notes,
        };
        candidate.judge(policy)?;
        Ok(self)
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

    fn rule(result: Result<Grant, GrantRefused>) -> String {
        match result {
            Err(GrantRefused::Rule { rule, .. }) => rule,
            Err(GrantRefused::Field { field, .. }) => field.into(),
            Ok(_) => "granted".into(),
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
        assert_eq!(decide(&api, &KeyRequest { expires_in: 3600, ..long.clone() }), "granted");
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

    fn decided(policy: &str, admin: &Actor, request: &KeyRequest) -> String {
        let policy: Policy = serde_json::from_str(policy).expect("a policy");
        policy.check().expect("good");
        rule(Grant::decide(&policy, admin, AdminScope::KeysCreate, request, NOW))
    }

    #[test]
    fn roles_expand_to_scopes_when_a_key_is_made() {
        let policy: Policy = serde_json::from_str(
            r#"{"audiences":[{"number":1,"name":"api",
                "scopes":[{"number":0,"name":"reports:read"},{"number":9,"name":"reports:write"},{"number":10,"name":"jobs:run"}],
                "roles":[{"name":"reporter","scopes":["reports:read","reports:write"]}]}]}"#,
        )
        .expect("a policy");
        let api = actor(&[
            (AdminScope::KeysCreate, 1),
            (AdminScope::KeysCreate, 0),
            (AdminScope::KeysRead, 1),
        ]);
        let decide = |audience: &str, scopes: &[&str], roles: &[&str]| {
            let roles = roles.iter().map(|role| (*role).into()).collect();
            let for_audiences: &[&str] = if audience == "wardkey" { &["api"] } else { &[] };
            let request = KeyRequest { roles, ..request(audience, scopes, for_audiences) };
            Grant::decide(&policy, &api, AdminScope::KeysCreate, &request, NOW)
        };
        let scopes = |grant: Grant| grant.scopes().iter().collect::<Vec<_>>();
        assert_eq!(scopes(decide("api", &[], &["reporter"]).expect("granted")), [0, 9]);
        assert_eq!(
            scopes(decide("api", &["jobs:run"], &["reporter"]).expect("granted")),
            [0, 9, 10]
        );
        assert_eq!(rule(decide("api", &[], &["report"])), "roles");
        assert_eq!(rule(decide("api", &[], &[])), "scopes");
        assert_eq!(rule(decide("api", &["reports:*"], &[])), "scopes");
        assert_eq!(rule(decide("wardkey", &["keys:read"], &["reporter"])), "roles");
    }

    #[test]
    fn a_key_keeps_to_the_demands_of_all_levels_of_its_scopes() {
        let policy = r#"{"audiences":[{"number":1,"name":"api","scopes":[
                {"number":0,"name":"a:low","risk":"low"},{"number":1,"name":"a:standard"},{"number":2,"name":"a:high","risk":"high"}]}],
            "levels":{"low":{"require":["name"]},"high":{"max_lifetime_s":600,"require":["owner","tags","meta.ticket","constraints.networks"]},
                "strict":{"max_lifetime_s":900,"require":["owner","constraints.networks"]}}}"#;
        let admin = actor(&[
            (AdminScope::KeysCreate, 1),
            (AdminScope::KeysCreate, 0),
            (AdminScope::KeysRead, 1),
        ]);
        let whole = KeyRequest {
            name: Some("n".into()),
            owner: Some("ada".into()),
            tags: vec!["t".into()],
            meta: BTreeMap::from([("ticket".into(), "1".into())]),
            constraints: crate::KeyConstraints {
                networks: vec!["10.0.0.0/8".into()],
                ..Default::default()
            },
            ..request("api", &["a:low", "a:high"], &[])
        };
        let decide = |request: &KeyRequest| decided(policy, &admin, request);
        assert_eq!(decide(&whole), "granted");
        assert_eq!(decide(&request("api", &["a:standard"], &[])), "granted");
        let without = |change: fn(&mut KeyRequest)| {
            let mut request = whole.clone();
            change(&mut request);
            decide(&request)
        };
        assert_eq!(without(|key| key.name = None), "level.low.name");
        assert_eq!(without(|key| key.owner = None), "level.high.owner");
        assert_eq!(without(|key| key.owner = Some(key.subject.clone())), "level.high.owner");
        assert_eq!(without(|key| key.tags.clear()), "level.high.tags");
        assert_eq!(without(|key| key.meta.clear()), "level.high.meta.ticket");
        let other = |key: &mut KeyRequest| {
            key.meta = BTreeMap::from([("Ticket".into(), "1".into())]);
        };
        assert_eq!(without(other), "level.high.meta.ticket", "another note");
        assert_eq!(
            without(|key| key.constraints.networks.clear()),
            "level.high.constraints.networks"
        );
        assert_eq!(without(|key| key.expires_in = 601), "level.high.max_lifetime_s");
        // Administration keys are strict, and have no networks.
        let verifier = request("wardkey", &["keys:read"], &["api"]);
        assert_eq!(decide(&verifier), "level.strict.owner");
        let owned = KeyRequest { owner: Some("ada".into()), ..verifier };
        assert_eq!(decide(&owned), "granted");
        assert_eq!(decide(&KeyRequest { expires_in: 901, ..owned }), "level.strict.max_lifetime_s");
    }

    #[test]
    fn a_key_set_is_for_one_audience_and_needs_a_rule_that_names_it() {
        use AdminScope::{KeysCreate, VerifierKeySet, VerifierVerify};
        let audiences = r#"{"audiences":[{"number":1,"name":"api","scopes":[{"number":0,"name":"a:b"}]},
            {"number":2,"name":"jobs","scopes":[{"number":0,"name":"a:b"}]}]"#;
        let with = |scopes: &str, audiences_of_rule: &str| {
            format!(
                r#"{audiences},"rules":[{{"name":"all","actors":["*"],"audiences":["wardkey","api"],"scopes":["*"],"subjects":["*"]}},
                {{"name":"sets","actors":["ops:*"],"audiences":[{audiences_of_rule}],"scopes":[{scopes}],"subjects":["svc:*"]}}]}}"#
            )
        };
        let admin = actor(&[
            (KeysCreate, 0),
            (KeysCreate, 1),
            (VerifierKeySet, 1),
            (VerifierKeySet, 2),
            (VerifierVerify, 1),
        ]);
        let one = request("wardkey", &["verifier:key-set"], &["api"]);
        let decide = |policy: &str, request: &KeyRequest| decided(policy, &admin, request);
        assert_eq!(decide(&format!("{audiences}}}"), &one), "key_set_needs_rule");
        for pattern in [r#""*""#, r#""verifier:*""#, r#""verifier:verify""#] {
            assert_eq!(
                decide(&with(pattern, r#""wardkey""#), &one),
                "key_set_needs_rule",
                "{pattern}"
            );
        }
        let named = with(r#""verifier:key-set""#, r#""wardkey""#);
        assert_eq!(decide(&named, &one), "granted");
        let both = request("wardkey", &["verifier:key-set", "verifier:verify"], &["api"]);
        assert_eq!(decide(&named, &both), "no_rule", "one rule must allow the whole");
        let two = with(r#""verifier:key-set","verifier:verify""#, r#""wardkey""#);
        assert_eq!(decide(&two, &both), "granted");
        let wide = request("wardkey", &["verifier:key-set"], &["api", "jobs"]);
        assert_eq!(decide(&named, &wide), "key_set_one_audience");
        let other = KeyRequest { subject: "ops:eve".into(), ..one };
        assert_eq!(decide(&named, &other), "no_rule");
    }

    #[test]
    fn a_key_of_a_bootstrap_is_renewed_as_it_was_allowed_and_no_further() {
        let policy: Policy = serde_json::from_str(
            r#"{"audiences":[{"number":1,"name":"api","scopes":[{"number":0,"name":"a:b"}]}],"rules":[],
               "levels":{"strict":{"require":["name"]}}}"#,
        )
        .expect("a policy");
        let all: Vec<_> =
            AdminScope::ALL.iter().flat_map(|scope| [(*scope, 0), (*scope, 1)]).collect();
        let names = AdminScope::ALL.map(AdminScope::as_str);
        let whole = request("wardkey", &names, &["wardkey", "api"]);
        let renewed = |actor: &Actor, request: &KeyRequest| {
            rule(Grant::renew_bootstrap(&policy, actor, request, NOW))
        };
        assert_eq!(renewed(&actor(&all), &whole), "granted");
        assert_eq!(renewed(&actor(&all[2..]), &whole), "subset_of_actor");
        let beyond = KeyRequest { expires_in: 1001, ..whole };
        assert_eq!(renewed(&actor(&all), &beyond), "not_beyond_actor");
    }
}

//! Who may have which key made: a request passes the policy and becomes a grant.

mod administration;
#[cfg(test)]
mod asked;
mod audience;
mod bootstrap;
mod draft;
mod refused;

use wardkey::{AudienceId, Constraints, ScopeSet, Subject, UnixSeconds};

use crate::actor::{Actor, Binding};
use crate::administration::{ADMIN_AUDIENCE_NAME, AdminScope};
use crate::candidate::Candidate;
use crate::key_notes::KeyNotes;
use crate::key_request::KeyRequest;
use crate::policy::Policy;
use draft::Draft;

pub use refused::GrantRefused;

/// A key that may be minted.
///
/// # Guarantees
/// It passed the policy and its actor's rights, or a bootstrap token allowed it. Only [`Grant::decide`],
/// [`Grant::bootstrap`] and [`Grant::renew_bootstrap`] make one, and only a grant can be minted.
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
    use std::collections::BTreeMap;

    use super::asked::{NOW, actor, decided, policy, request, rule};
    use super::*;
    use crate::KeyConstraints;

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
            constraints: KeyConstraints {
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
}

//! Keys that a bootstrap token allowed: the first of a tenant, and their next generations.

use std::collections::BTreeMap;

use wardkey::{AudienceId, Constraints, Subject, UnixSeconds};

use super::draft::Draft;
use super::{Grant, GrantRefused};
use crate::actor::{Actor, Binding};
use crate::administration::AdminScope;
use crate::key_notes::KeyNotes;
use crate::key_request::KeyRequest;
use crate::policy::Policy;

impl Grant {
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
}

#[cfg(test)]
mod tests {
    use super::super::asked::{NOW, actor, request, rule};
    use super::*;

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

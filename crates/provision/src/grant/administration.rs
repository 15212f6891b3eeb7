//! Administration keys: each right bound to audiences, and none that its maker does not hold.

use wardkey::{AudienceId, ScopeSet};

use super::draft::{Draft, audience_names, field, listed};
use super::{Grant, GrantRefused};
use crate::actor::{Actor, Binding};
use crate::administration::{ADMIN_AUDIENCE_NAME, AdminScope};
use crate::key_request::KeyRequest;
use crate::policy::Policy;

impl Draft {
    /// What is asked of the administration, as far as the actor's own rights go. The policy has not judged it.
    pub(super) fn administration(
        self,
        policy: &Policy,
        actor: &Actor,
        request: &KeyRequest,
    ) -> Result<Grant, GrantRefused> {
        self.allowed(actor, AudienceId::ADMINISTRATION, ADMIN_AUDIENCE_NAME)?;
        if !request.roles.is_empty() {
            return Err(field("roles", "are not for administration keys: name their scopes"));
        }
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
                    return Err(GrantRefused::rule("subset_of_actor", detail));
                }
                bindings.push(binding);
            }
            if !bindings.iter().any(|binding| binding.scope == scope) {
                let problem = format!("name no audience that {name} can be for");
                return Err(field("for_audiences", problem));
            }
        }
        if self.expires_at > actor.expires_at {
            let detail = "an administration key does not outlive the credential that makes it";
            return Err(GrantRefused::rule("not_beyond_actor", detail));
        }
        bindings.sort();
        bindings.dedup();
        Ok(self.grant(AudienceId::ADMINISTRATION, scopes, bindings))
    }
}

impl Grant {
    /// Whoever holds a key set can mint that audience's keys: each such credential is for one audience.
    pub(super) fn names_one_audience_for_key_sets(&self) -> Result<(), GrantRefused> {
        let held = self.bindings.iter().filter(|held| held.scope == AdminScope::VerifierKeySet);
        if held.count() > 1 {
            let detail = "a key with verifier:key-set is for exactly one audience beside wardkey";
            return Err(GrantRefused::rule("key_set_one_audience", detail));
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::super::asked::{actor, decided, request};
    use super::*;

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
}

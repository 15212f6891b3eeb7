//! Keys of the audiences of the policy: their scopes and roles become numbers.

use wardkey::ScopeSet;

use super::draft::{Draft, audience_names, field, listed};
use super::{Grant, GrantRefused};
use crate::actor::Actor;
use crate::key_request::KeyRequest;
use crate::policy::Policy;

impl Draft {
    /// What is asked of an audience of the policy, if the actor may make its keys. The policy has not judged it.
    pub(super) fn audience(
        self,
        policy: &Policy,
        actor: &Actor,
        request: &KeyRequest,
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
        for name in &request.roles {
            let role = audience.role(name).ok_or_else(|| {
                let names = audience.roles.iter().map(|role| role.name.as_str());
                let problem = match listed(names) {
                    none if none.is_empty() => format!("audience {} has none", audience.name),
                    names => format!("must be of audience {}: {names}", audience.name),
                };
                field("roles", problem)
            })?;
            let expanded = role.scopes.iter().filter_map(|scope| audience.scope(scope));
            expanded.for_each(|scope| scopes.insert(scope.number));
        }
        Ok(self.grant(audience.id(), scopes, Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::{NOW, actor, request, rule};
    use super::*;
    use crate::administration::AdminScope;

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
}

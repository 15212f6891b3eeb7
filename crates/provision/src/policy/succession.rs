//! Which policy may follow which: numbers are in keys, so that none ever means something else.

use std::collections::BTreeMap;

use super::check::{PolicyError, wrong};
use super::{AudiencePolicy, Policy};

/// Every number that a tenant's policies have ever given, and to which name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GivenNumbers {
    /// By the audience's number.
    pub audiences: BTreeMap<u8, String>,
    /// By the audience's number and the scope's.
    pub scopes: BTreeMap<(u8, u8), String>,
}

impl GivenNumbers {
    /// Those that a policy gives.
    pub fn of(policy: &Policy) -> Self {
        let mut given = Self::default();
        for audience in &policy.audiences {
            given.audiences.insert(audience.number, audience.name.clone());
            for scope in &audience.scopes {
                given.scopes.insert((audience.number, scope.number), scope.name.clone());
            }
        }
        given
    }
}

impl Policy {
    /// Whether this policy may follow another: brand and environment stand in every key, and a number that was ever
    /// given keeps its name for ever. What was dropped may come back as what it was.
    ///
    /// It says nothing about keys: an audience may be dropped only when none of its keys lives, which the registry
    /// knows.
    ///
    /// # Errors
    /// [`PolicyError`] for the first thing that may not be so.
    pub fn succeeds(&self, old: &Self, given: &GivenNumbers) -> Result<(), PolicyError> {
        if self.environment != old.environment {
            return Err(wrong("environment", "stands in every key and stays what it is"));
        }
        if self.brand != old.brand {
            return Err(wrong("brand", "stands in every key and stays what it is"));
        }
        for (at, audience) in self.audiences.iter().enumerate() {
            let known = given.audiences.get(&audience.number);
            if known.is_some_and(|name| *name != audience.name) {
                let problem = "belongs to an audience of another name, for ever";
                return Err(wrong(format!("audiences[{at}].number"), problem));
            }
            for (nth, scope) in audience.scopes.iter().enumerate() {
                let known = given.scopes.get(&(audience.number, scope.number));
                if known.is_some_and(|name| *name != scope.name) {
                    let problem = "belongs to a scope of another name, for ever";
                    return Err(wrong(format!("audiences[{at}].scopes[{nth}].number"), problem));
                }
            }
        }
        Ok(())
    }
}

impl AudiencePolicy {
    /// Whether verifiers need another key set than for an older policy of this audience: whether a scope came, went or
    /// changed its risk.
    pub fn needs_new_key_set(&self, old: &Self) -> bool {
        !self.keeps_all_of(old) || !old.keeps_all_of(self)
    }

    /// Whether a verifier with the key set of an older policy of this audience would allow what this one does not:
    /// by a scope that went, or one that asks for a fresher list than before.
    pub fn is_stricter_than(&self, old: &Self) -> bool {
        !self.keeps_all_of(old)
    }

    /// Whether each scope of another catalog stands in this one, at the same risk or a lower one.
    fn keeps_all_of(&self, other: &Self) -> bool {
        other.scopes.iter().all(|scope| {
            let own = self.scope_numbered(scope.number).and_then(super::ScopePolicy::risk);
            own.zip(scope.risk()).is_some_and(|(own, other)| own.number() <= other.number())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(beside: &str, audiences: &[(u8, &str, &[&str])]) -> Policy {
        let audiences = audiences.iter().map(|(number, name, scopes)| {
            let scopes = scopes.iter().map(|scope| {
                let [number, name, risk] = scope.split(' ').collect::<Vec<_>>()[..] else {
                    panic!("{scope} is no scope")
                };
                format!(r#"{{"number":{number},"name":"{name}","risk":"{risk}"}}"#)
            });
            let scopes = scopes.collect::<Vec<_>>().join(",");
            format!(r#"{{"number":{number},"name":"{name}","scopes":[{scopes}]}}"#)
        });
        let audiences = audiences.collect::<Vec<_>>().join(",");
        serde_json::from_str(&format!(r#"{{"audiences":[{audiences}]{beside}}}"#))
            .expect("a policy")
    }

    const AB: &str = "0 a:b low";
    const AC: &str = "1 a:c high";

    #[test]
    fn a_number_keeps_its_name_for_ever() {
        let first = policy("", &[(1, "a", &[AB, AC]), (2, "b", &[AB])]);
        let given = GivenNumbers::of(&first);
        let field = |next: &Policy, old: &Policy| next.succeeds(old, &given).map_err(|e| e.field);
        let wrong = |path: &str| Err(path.to_owned());
        let renamed = policy("", &[(1, "z", &[AB, AC])]);
        assert_eq!(field(&renamed, &first), wrong("audiences[0].number"));
        let swapped = policy("", &[(2, "a", &[AB]), (1, "b", &[AB])]);
        assert_eq!(field(&swapped, &first), wrong("audiences[0].number"));
        let other_scope = policy("", &[(1, "a", &[AB, "1 a:z high"])]);
        assert_eq!(field(&other_scope, &first), wrong("audiences[0].scopes[1].number"));
        // Also after it was dropped: what was given stays given.
        let dropped = policy("", &[(1, "a", &[AB])]);
        assert_eq!(field(&dropped, &first), Ok(()));
        assert_eq!(field(&other_scope, &dropped), wrong("audiences[0].scopes[1].number"));
        assert_eq!(field(&policy("", &[(2, "z", &[AB])]), &dropped), wrong("audiences[0].number"));
        // It comes back as what it was, and new numbers may be given.
        assert_eq!(field(&first, &dropped), Ok(()));
        let more = policy("", &[(1, "a", &[AB, "2 a:d low"]), (3, "c", &[AB])]);
        assert_eq!(field(&more, &first), Ok(()));
        let brand = policy(r#","brand":"acme""#, &[(1, "a", &[AB])]);
        assert_eq!(field(&brand, &first), wrong("brand"));
        let environment = policy(r#","environment":"test""#, &[(1, "a", &[AB])]);
        assert_eq!(field(&environment, &first), wrong("environment"));
    }

    #[test]
    fn verifiers_need_a_new_key_set_for_a_changed_catalog_and_at_once_for_a_stricter_one() {
        let of = |scopes: &[&str]| policy("", &[(1, "a", scopes)]).audiences.remove(0);
        let old = of(&[AB, AC]);
        let needs =
            |new: &AudiencePolicy| (new.needs_new_key_set(&old), new.is_stricter_than(&old));
        assert_eq!(needs(&of(&[AC, AB])), (false, false), "their order is nothing");
        assert_eq!(needs(&of(&[AB, AC, "2 a:d strict"])), (true, false), "one more");
        assert_eq!(needs(&of(&[AB, "1 a:c standard"])), (true, false), "lowered");
        assert_eq!(needs(&of(&[AB, "1 a:c strict"])), (true, true), "raised");
        assert_eq!(needs(&of(&[AB])), (true, true), "one less");
    }
}

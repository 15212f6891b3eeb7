//! Who may grant what to whom, for how long and for use from where.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, Network};

use crate::administration::AdminScope;
use crate::candidate::Candidate;
use crate::grant::GrantRefused;
use crate::pattern::any_covers;
use crate::policy::{Policy, given};

/// One rule: it allows what it is about, and refuses nothing by itself.
///
/// A pattern is a text itself, a beginning with a `*` behind one of `: . / - _`, or `*` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RulePolicy {
    /// `[a-z0-9][a-z0-9._-]*`, at most 63 bytes: what refusals call it.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(regex(pattern = "^[a-z0-9][a-z0-9._-]{0,62}$"), length(max = 63))
    )]
    pub name: String,
    /// Patterns of subjects: who may grant.
    #[cfg_attr(any(test, feature = "schema"), schemars(length(min = 1, max = 64), inner(regex(pattern = SUBJECTS), length(max = 64))))]
    pub actors: Vec<String>,
    /// Names of audiences; `wardkey` for administration keys.
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(
            length(min = 1, max = 65),
            inner(regex(pattern = "^[a-z0-9][a-z0-9._-]{0,62}$"), length(max = 63))
        )
    )]
    pub audiences: Vec<String>,
    /// Patterns of scopes of these audiences. `verifier:key-set` is allowed only where its own name stands here.
    #[cfg_attr(any(test, feature = "schema"), schemars(length(min = 1, max = 256), inner(regex(pattern = SCOPES), length(max = 64))))]
    pub scopes: Vec<String>,
    /// Patterns of subjects: whom the keys may act as.
    #[cfg_attr(any(test, feature = "schema"), schemars(length(min = 1, max = 64), inner(regex(pattern = SUBJECTS), length(max = 64))))]
    pub subjects: Vec<String>,
    /// Longest lifetime, in seconds.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(any(test, feature = "schema"), schemars(with = "u32", range(min = 60, max = u32::MAX)))]
    pub max_lifetime_s: Option<u32>,
    /// The key must say from which networks it may be used, each of them inside one of these.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(
            with = "Vec<String>",
            length(min = 1, max = 64),
            inner(regex(pattern = "^[0-9a-f.:]+/[0-9]{1,3}$"), length(max = 49))
        )
    )]
    pub require_networks_within: Option<Vec<String>>,
}

/// What a rule looks at, in this order: the later one it refuses for, the closer it came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Axis {
    Audience,
    Actor,
    Scopes,
    Subject,
    Lifetime,
    Networks,
}

impl Axis {
    const fn what(self) -> &'static str {
        match self {
            Self::Audience => "the audience",
            Self::Actor => "that this credential's subject grants it",
            Self::Scopes => "all of the scopes together",
            Self::Subject => "the subject",
            Self::Lifetime => "the lifetime",
            Self::Networks => "use from these networks, or from everywhere",
        }
    }
}

/// Whether a rule allows a key as a whole, if there are rules.
pub(crate) fn judge(
    policy: &Policy,
    candidate: &Candidate<'_>,
    actor: &str,
    audience: &str,
    scopes: &[&str],
) -> Result<(), GrantRefused> {
    let rules = policy.rules.as_deref();
    if holds_key_set(candidate.audience, scopes)
        && !rules.unwrap_or_default().iter().any(|rule| rule.names_key_set(audience))
    {
        let detail =
            "verifier:key-set needs a rule that names it, not by a pattern, for audience wardkey";
        return Err(GrantRefused::rule("key_set_needs_rule", detail));
    }
    let Some(rules) = rules else {
        return Ok(());
    };
    let mut closest: Option<(Axis, &RulePolicy)> = None;
    for rule in rules {
        let Some(axis) = rule.refusal(candidate, actor, audience, scopes) else {
            return Ok(());
        };
        if closest.is_none_or(|(other, _)| other < axis) {
            closest = Some((axis, rule));
        }
    }
    let detail = match closest {
        None | Some((Axis::Audience, _)) => {
            format!("no rule of the policy is about audience {audience}")
        }
        Some((axis, rule)) => {
            format!("rule {} comes closest and does not allow {}", rule.name, axis.what())
        }
    };
    Err(GrantRefused::rule("no_rule", detail))
}

impl RulePolicy {
    /// What it first refuses a key for; none if it allows it.
    fn refusal(
        &self,
        candidate: &Candidate<'_>,
        actor: &str,
        audience: &str,
        scopes: &[&str],
    ) -> Option<Axis> {
        let administration = candidate.audience == AudienceId::ADMINISTRATION;
        let grants = |scope: &&str| {
            if administration && *scope == KEY_SET {
                self.scopes.iter().any(|named| named == KEY_SET)
            } else {
                any_covers(&self.scopes, scope)
            }
        };
        let axes = [
            (Axis::Audience, self.audiences.iter().any(|named| named == audience)),
            (Axis::Actor, any_covers(&self.actors, actor)),
            (Axis::Scopes, scopes.iter().all(grants)),
            (Axis::Subject, any_covers(&self.subjects, candidate.subject)),
            (Axis::Lifetime, self.max_lifetime_s.is_none_or(|most| candidate.lifetime_s <= most)),
            (Axis::Networks, self.allows_networks(candidate)),
        ];
        axes.into_iter().find(|(_, allowed)| !allowed).map(|(axis, _)| axis)
    }

    fn allows_networks(&self, candidate: &Candidate<'_>) -> bool {
        let Some(within) = &self.require_networks_within else {
            return true;
        };
        let within: Vec<Network> = within.iter().filter_map(|text| text.parse().ok()).collect();
        candidate.networks.is_some_and(|networks| {
            networks.iter().all(|network| {
                within.iter().any(|outer| {
                    outer.prefix_len() <= network.prefix_len() && outer.contains(network.address())
                })
            })
        })
    }

    fn names_key_set(&self, audience: &str) -> bool {
        self.audiences.iter().any(|named| named == audience)
            && self.scopes.iter().any(|named| named == KEY_SET)
    }
}

fn holds_key_set(audience: AudienceId, scopes: &[&str]) -> bool {
    audience == AudienceId::ADMINISTRATION && scopes.contains(&KEY_SET)
}

const KEY_SET: &str = AdminScope::VerifierKeySet.as_str();

#[cfg(any(test, feature = "schema"))]
const SUBJECTS: &str =
    r"^(\*|[a-z0-9][a-z0-9:._/-]{0,62}|[a-z0-9]([a-z0-9:._/-]{0,61}[:._/-])?\*)$";
#[cfg(any(test, feature = "schema"))]
const SCOPES: &str =
    r"^(\*|[a-z0-9][a-z0-9._-]*:[a-z0-9][a-z0-9._-]*|[a-z0-9][a-z0-9:._-]*[:._-]\*)$";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_notes::KeyNotes;
    use std::collections::BTreeMap;
    use wardkey::{Networks, ScopeSet};

    fn policy(rules: &str) -> Policy {
        serde_json::from_str(&format!(
            r#"{{"audiences":[{{"number":1,"name":"api","scopes":[
                {{"number":0,"name":"reports:read"}},{{"number":1,"name":"reports:write"}},{{"number":2,"name":"jobs:run"}}]}}]{rules}}}"#
        ))
        .expect("a policy")
    }

    const RULES: &str = r#","rules":[
        {"name":"ops","actors":["ops:*"],"audiences":["api","wardkey"],"scopes":["*"],"subjects":["*"],"max_lifetime_s":3600},
        {"name":"bot","actors":["svc:bot"],"audiences":["api"],"scopes":["reports:*"],"subjects":["svc:reports-*"],
         "max_lifetime_s":600,"require_networks_within":["10.0.0.0/8","2001:db8::/32"]}]"#;

    /// Rule and detail of a refusal of a key of audience `api`.
    fn refused(
        policy: &Policy,
        actor: &str,
        scopes: &[u8],
        subject: &str,
        lifetime_s: u32,
        networks: &[&str],
    ) -> Option<(String, String)> {
        let notes = KeyNotes::check(None, "o", &[], &BTreeMap::new()).expect("notes");
        let networks = networks.iter().map(|text| text.parse().expect("a network"));
        let networks = Networks::new(networks.collect::<Vec<_>>()).ok();
        let candidate = Candidate {
            actor: Some(actor),
            subject,
            audience: AudienceId(1),
            scopes: ScopeSet::from_iter(scopes.iter().copied()),
            lifetime_s,
            networks: networks.as_ref(),
            notes: &notes,
        };
        match candidate.judge(policy) {
            Ok(()) => None,
            Err(GrantRefused::Rule { rule, detail }) => Some((rule, detail)),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_allowed_as_a_whole_by_one_rule_or_refused_for_what_failed_closest() {
        let policy = policy(RULES);
        policy.check().expect("good");
        let near = &["10.1.0.0/16", "2001:db8:1::/48"][..];
        let closest = |actor, scopes: &[u8], subject, lifetime, networks: &[&str]| {
            refused(&policy, actor, scopes, subject, lifetime, networks).map(|(rule, detail)| {
                assert_eq!(rule, "no_rule");
                detail
            })
        };
        assert_eq!(closest("ops:ada", &[0, 1, 2], "svc:a", 3600, &[]), None);
        assert_eq!(closest("svc:bot", &[0, 1], "svc:reports-a", 600, near), None);
        let says = |detail: &str| Some(detail.to_owned());
        let bot = |what: &str| says(&format!("rule bot comes closest and does not allow {what}"));
        assert_eq!(
            closest("svc:bot", &[0, 2], "svc:reports-a", 600, near),
            bot("all of the scopes together")
        );
        assert_eq!(closest("svc:bot", &[0], "svc:billing", 600, near), bot("the subject"));
        assert_eq!(closest("svc:bot", &[0], "svc:reports-a", 601, near), bot("the lifetime"));
        let networks = bot("use from these networks, or from everywhere");
        for elsewhere in [&[][..], &["10.0.0.0/7"], &["10.0.0.0/8", "11.0.0.0/8"], &["::/0"]] {
            assert_eq!(closest("svc:bot", &[0], "svc:reports-a", 600, elsewhere), networks);
        }
        assert_eq!(
            closest("svc:eve", &[0], "svc:reports-a", 600, near),
            says(
                "rule ops comes closest and does not allow that this credential's subject grants it"
            )
        );
        assert_eq!(
            closest("ops:ada", &[0], "svc:a", 3601, &[]),
            says("rule ops comes closest and does not allow the lifetime")
        );
    }

    #[test]
    fn without_rules_all_is_allowed_and_with_none_of_them_nothing() {
        assert_eq!(refused(&policy(""), "svc:eve", &[0, 1, 2], "svc:a", 3600, &[]), None);
        let (rule, detail) =
            refused(&policy(r#","rules":[]"#), "ops:ada", &[0], "svc:a", 60, &[]).expect("refused");
        assert_eq!(rule, "no_rule");
        assert_eq!(detail, "no rule of the policy is about audience api");
    }
}

//! What every key with a scope of a risk level must keep to.

use serde::{Deserialize, Serialize};
use wardkey::{AudienceId, RiskLevel};

use crate::administration::AdminScope;
use crate::candidate::Candidate;
use crate::free_text::check_free_text;
use crate::grant::GrantRefused;
use crate::key_notes::{KeyNotes, MAX_NAME_LEN};
use crate::policy::{Policy, given};

/// What every key with a scope of one risk level must keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LevelPolicy {
    /// Longest lifetime, in seconds, where the audience's own is not shorter.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(any(test, feature = "schema"), schemars(with = "u32", range(min = 60, max = u32::MAX)))]
    pub max_lifetime_s: Option<u32>,
    /// What must be given: `name`, `owner` (another than the key's own subject), `tags`, `meta.<name>`,
    /// `constraints.networks`; the last is not asked of administration keys, which have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        any(test, feature = "schema"),
        schemars(
            length(max = 32),
            inner(
                regex(
                    pattern = r"^(name|owner|tags|meta\.[^\u0000-\u001f\u007f-\u009f]+|constraints\.networks)$"
                ),
                length(max = 69)
            )
        )
    )]
    pub require: Vec<String>,
}

/// One thing that must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand<'p> {
    Name,
    Owner,
    Tags,
    Meta(&'p str),
    Networks,
}

impl<'p> Demand<'p> {
    /// Reads a member of `require`.
    pub(crate) fn read(text: &'p str) -> Option<Self> {
        match text {
            "name" => Some(Self::Name),
            "owner" => Some(Self::Owner),
            "tags" => Some(Self::Tags),
            "constraints.networks" => Some(Self::Networks),
            _ => {
                let name = text.strip_prefix("meta.")?;
                check_free_text(name, MAX_NAME_LEN).ok().map(|()| Self::Meta(name))
            }
        }
    }

    /// Whether notes answer it; none for what no note can.
    fn is_met_by(self, candidate: &Candidate<'_>, notes: &KeyNotes) -> Option<bool> {
        Some(match self {
            Self::Name => notes.name().is_some(),
            // An owner that is the key's own subject is what the book notes down when nobody names one.
            Self::Owner => notes.owner() != candidate.subject,
            Self::Tags => !notes.tags().is_empty(),
            Self::Meta(name) => notes.meta().contains_key(name),
            Self::Networks => return None,
        })
    }
}

/// Whether a key keeps to all levels of its scopes.
pub(crate) fn judge(policy: &Policy, candidate: &Candidate<'_>) -> Result<(), GrantRefused> {
    for (name, level) in of(policy, candidate) {
        if let Some(longest) = level.max_lifetime_s
            && candidate.lifetime_s > longest
        {
            let detail =
                format!("keys with a scope of level {name} live at most {longest} seconds");
            return Err(GrantRefused::rule(format!("level.{name}.max_lifetime_s"), detail));
        }
        for (text, demand) in demands(level) {
            let networks =
                candidate.networks.is_some() || candidate.audience == AudienceId::ADMINISTRATION;
            if !demand.is_met_by(candidate, candidate.notes).unwrap_or(networks) {
                return Err(missing(name, text));
            }
        }
    }
    Ok(())
}

/// Whether other notes still answer whatever the present ones do: what a level demands is not taken away again.
pub(crate) fn judge_change(
    policy: &Policy,
    candidate: &Candidate<'_>,
    notes: &KeyNotes,
) -> Result<(), GrantRefused> {
    for (name, level) in of(policy, candidate) {
        for (text, demand) in demands(level) {
            if demand.is_met_by(candidate, candidate.notes) == Some(true)
                && demand.is_met_by(candidate, notes) == Some(false)
            {
                return Err(missing(name, text));
            }
        }
    }
    Ok(())
}

/// The levels of a key's scopes that the policy says something about, strictest first.
fn of<'p>(
    policy: &'p Policy,
    candidate: &Candidate<'_>,
) -> impl Iterator<Item = (&'static str, &'p LevelPolicy)> {
    let mut levels: Vec<RiskLevel> = if candidate.audience == AudienceId::ADMINISTRATION {
        vec![AdminScope::RISK]
    } else {
        let audience = policy.audience_numbered(candidate.audience);
        let scopes = candidate.scopes.iter();
        let scopes = scopes.filter_map(|number| audience.and_then(|a| a.scope_numbered(number)));
        scopes.filter_map(|scope| scope.risk()).collect()
    };
    levels.sort_by_key(|level| std::cmp::Reverse(level.number()));
    levels.dedup();
    levels
        .into_iter()
        .filter_map(|level| Some((level.as_str(), policy.levels.get(level.as_str())?)))
}

fn demands(level: &LevelPolicy) -> impl Iterator<Item = (&str, Demand<'_>)> {
    level.require.iter().filter_map(|text| Some((text.as_str(), Demand::read(text)?)))
}

fn missing(level: &str, demand: &str) -> GrantRefused {
    let detail = match demand {
        "owner" => {
            format!("keys with a scope of level {level} need an owner other than their subject")
        }
        _ => format!("keys with a scope of level {level} need {demand}"),
    };
    GrantRefused::rule(format!("level.{level}.{demand}"), detail)
}

//! A key as the policy judges it, whether somebody asks for it or it lives already.

use wardkey::{AudienceId, Networks, ScopeSet};

use crate::administration::{ADMIN_AUDIENCE_NAME, AdminScope};
use crate::grant::GrantRefused;
use crate::key_notes::KeyNotes;
use crate::level;
use crate::policy::Policy;
use crate::rule;

/// A key as the policy judges it.
///
/// # Guarantees
/// None of its own: it is what somebody asks for, or what stands in the book.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The subject of whoever has it made; none for a key that a bootstrap token allowed, which no rule and no level
    /// refuses.
    pub actor: Option<&'a str>,
    /// Who it acts as.
    pub subject: &'a str,
    /// Its audience.
    pub audience: AudienceId,
    /// Its scopes.
    pub scopes: ScopeSet,
    /// From issue to expiry, in seconds.
    pub lifetime_s: u32,
    /// From where it may be used, if that is said.
    pub networks: Option<&'a Networks>,
    /// What people note down of it.
    pub notes: &'a KeyNotes,
}

impl Candidate<'_> {
    /// Judges everything but its actor's rights.
    ///
    /// # Errors
    /// [`GrantRefused::Rule`]: `audience` and `scopes` (not in the catalog any more), `max_lifetime_s`,
    /// `level.<level>.max_lifetime_s`, `level.<level>.<what is missing>`, `key_set_needs_rule`, `no_rule`.
    pub fn judge(&self, policy: &Policy) -> Result<(), GrantRefused> {
        let (audience, scopes) = self.names(policy)?;
        let Some(actor) = self.actor else {
            return Ok(());
        };
        if let Some(found) = policy.audience_numbered(self.audience)
            && self.lifetime_s > found.max_lifetime_s
        {
            let detail = format!(
                "keys of audience {audience} live at most {} seconds",
                found.max_lifetime_s
            );
            return Err(GrantRefused::rule("max_lifetime_s", detail));
        }
        level::judge(policy, self)?;
        rule::judge(policy, self, actor, audience, &scopes)
    }

    /// Judges whether the key may have other notes: they answer whatever its levels demand and the present ones
    /// answer.
    ///
    /// # Errors
    /// [`GrantRefused::Rule`]: `level.<level>.<what would be missing>`.
    pub fn judge_change(&self, policy: &Policy, notes: &KeyNotes) -> Result<(), GrantRefused> {
        if self.actor.is_none() { Ok(()) } else { level::judge_change(policy, self, notes) }
    }

    /// The names of its audience and its scopes.
    fn names<'p>(&self, policy: &'p Policy) -> Result<(&'p str, Vec<&'p str>), GrantRefused> {
        let gone = |number| {
            let detail = format!("scope {number} is not in the audience's catalog");
            GrantRefused::rule("scopes", detail)
        };
        if self.audience == AudienceId::ADMINISTRATION {
            let scopes = self.scopes.iter();
            let names = scopes
                .map(|n| AdminScope::numbered(n).map(AdminScope::as_str).ok_or_else(|| gone(n)));
            return Ok((ADMIN_AUDIENCE_NAME, names.collect::<Result<_, _>>()?));
        }
        let audience = policy.audience_numbered(self.audience).ok_or_else(|| {
            GrantRefused::rule("audience", "the policy does not have the key's audience")
        })?;
        let scopes = self.scopes.iter();
        let names = scopes.map(|number| {
            audience.scope_numbered(number).map(|scope| &*scope.name).ok_or_else(|| gone(number))
        });
        Ok((&audience.name, names.collect::<Result<_, _>>()?))
    }
}

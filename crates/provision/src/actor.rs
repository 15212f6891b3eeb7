//! Who acts, and with which rights.

use wardkey::{AudienceId, KeyId, Subject, UnixSeconds};

use crate::administration::{AdminScope, Reach};

/// One right of administration for one audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// What.
    pub scope: AdminScope,
    /// Over whose keys.
    pub audience: AudienceId,
}

impl Binding {
    /// Whether there is anything to do with it: see [`Reach`].
    pub(crate) fn means_something(&self) -> bool {
        let administration = self.audience == AudienceId::ADMINISTRATION;
        match self.scope.reach() {
            Reach::Any => true,
            Reach::AudienceOfThePolicy => !administration,
            Reach::Tenant => administration,
        }
    }
}

/// Who asks, as the registry found by the credential and its row, and by nothing else.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The identity that the credential acts as.
    pub subject: Subject,
    /// The credential's key.
    pub key_id: KeyId,
    /// When the credential ends.
    pub expires_at: UnixSeconds,
    /// What its row allows.
    pub bindings: Vec<Binding>,
}

impl Actor {
    /// Whether the actor holds a right for an audience.
    pub fn holds(&self, binding: Binding) -> bool {
        self.bindings.contains(&binding)
    }

    /// Whether the actor holds a right for any audience.
    pub fn holds_for_some(&self, scope: AdminScope) -> bool {
        self.bindings.iter().any(|held| held.scope == scope)
    }
}

//! What a verification comes to.

use crate::base::Base;
use crate::freshness::Zone;
use crate::identifier::{KeyId, SigningKeyId, StatusIndex};
use crate::reason::Reason;
use crate::registry_answer::RegistryQuestion;
use crate::scope::ScopeSet;
use crate::subject::Subject;
use crate::time::UnixSeconds;

/// Allow, deny, or something that the host owes before there is an answer.
#[derive(Debug)]
pub enum Decision {
    /// The key is authentic, alive and allowed. Never given while an [`Ask`] is owed.
    Allow(Allow),
    /// It is not, or that cannot be known now.
    Deny(Denial),
    /// The host must ask, then verify again.
    Ask(Ask),
}

/// Who calls, and on what knowledge that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allow {
    /// Who the key acts as.
    pub subject: Subject,
    /// The key's stable name.
    pub key_id: KeyId,
    /// The generation's number.
    pub status_index: StatusIndex,
    /// Tenant, audience and epoch.
    pub signing_key: SigningKeyId,
    /// All scopes of the key that its narrowings left, numbers included that no catalog names. Only those that
    /// were required were judged, at their level: another one needs a verification of its own.
    pub scopes: ScopeSet,
    /// The first second in which it is dead, by its issuer or by a narrowing.
    pub expires_at: UnixSeconds,
    /// Whether a holder has narrowed it.
    pub narrowed: bool,
    /// The knowledge that the answer rests on.
    pub list: ListSeen,
}

/// The list that an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListSeen {
    /// The list's sequence.
    pub sequence: u64,
    /// Its age, in milliseconds.
    pub age_ms: u64,
    /// Where that age lies for the scopes asked.
    pub zone: Zone,
}

/// A refusal. It is a value: a bad key is no error of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why, for logs; [`Reason::answer`] says what a caller may be told.
    pub reason: Reason,
    /// Whose key it was, once its tag has been found right.
    pub authentic: Option<Base>,
}

/// What the host owes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "by value, so that it is spent; the core has no Box")]
pub enum Ask {
    /// One refresh of the list, then verify again with the outcome in
    /// [`Refresh`](crate::Refresh).
    Refresh,
    /// The registry's answer about this key, then verify again with it.
    Registry(RegistryQuestion),
}

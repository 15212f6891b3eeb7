//! What a verification comes to, with the key where it stands.

use crate::decision::{Allow, Ask, Decision, Denial, ListSeen};
use crate::key::UnverifiedKey;
use crate::reason::Reason;
use crate::registry_answer::RegistryQuestion;
use crate::requirement::Requirement;
use crate::signing::Tag;
use crate::time::{UnixMillis, UnixSeconds};
use crate::verify::{AuthenticKey, TimelyKey};

/// A [`Decision`] before anything of the key is copied.
#[derive(Debug)]
pub enum Judgement<'k> {
    /// The key is authentic, alive and allowed, by this knowledge of the list.
    Allow(TimelyKey<'k>, ListSeen),
    /// It is not, or that cannot be known now; with the key, once its tag has been found right.
    Deny(Reason, Option<AuthenticKey<'k>>),
    /// The host must refresh the list, then verify again.
    AskRefresh,
    /// The host must ask the registry, then verify again.
    AskRegistry(UnconfirmedKey<'k>),
}

/// A key that has passed every local check for a strict scope.
#[derive(Debug)]
pub struct UnconfirmedKey<'k> {
    pub(super) key: &'k UnverifiedKey<'k>,
    pub(super) required: &'k Requirement,
    pub(super) now: UnixMillis,
}

impl Judgement<'_> {
    /// The same in memory of its own.
    pub fn decision(self) -> Decision {
        match self {
            Self::Allow(key, list) => Decision::Allow(allow(&key, list)),
            Self::Deny(reason, authentic) => {
                let authentic = authentic.map(|key| key.base());
                Decision::Deny(Denial { reason, authentic })
            }
            Self::AskRefresh => Decision::Ask(Ask::Refresh),
            Self::AskRegistry(key) => Decision::Ask(Ask::Registry(key.question())),
        }
    }
}

impl UnconfirmedKey<'_> {
    /// The first second in which it is dead, by its issuer or by a narrowing.
    pub const fn expires_at(&self) -> UnixSeconds {
        self.key.left.expires_at
    }

    /// Whether a holder has narrowed it.
    pub const fn is_narrowed(&self) -> bool {
        self.key.left.narrowed
    }

    /// What to ask the registry: one question, and so one answer, for one verification.
    pub fn question(self) -> RegistryQuestion {
        let Self { key, required, now } = self;
        RegistryQuestion::new(key.base.to_base(), Tag(*key.secret_tag()), *required, now)
    }
}

fn allow(key: &TimelyKey<'_>, list: ListSeen) -> Allow {
    let base = key.view();
    Allow {
        subject: base.subject.to_subject(),
        key_id: base.key_id,
        status_index: base.status_index,
        signing_key: base.signing_key,
        scopes: key.scopes_left(),
        expires_at: key.expires_at(),
        narrowed: key.is_narrowed(),
        list,
    }
}

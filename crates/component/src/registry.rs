//! The registry's question and its answer, as resources that a host can pass on and not look into.

use wardkey::{Base, Echo, RegistryVerdict};

use crate::bindings::exports::wardkey::verify::keys;

/// A question that a verification made.
pub(crate) struct Question(wardkey::RegistryQuestion);

/// An answer that was found to be the question's.
pub(crate) struct Confirmation(wardkey::Confirmation);

impl Question {
    pub(crate) fn handle(question: wardkey::RegistryQuestion) -> keys::RegistryQuestion {
        keys::RegistryQuestion::new(Self(question))
    }
}

impl Confirmation {
    /// The core's.
    pub(crate) const fn in_core(&self) -> &wardkey::Confirmation {
        &self.0
    }
}

impl keys::GuestConfirmation for Confirmation {}

impl keys::GuestRegistryQuestion for Question {
    fn claims(&self) -> keys::Claims {
        self.0.base().into()
    }

    fn answered(
        question: keys::RegistryQuestion,
        echo: keys::Claims,
        verdict: keys::RegistryVerdict,
    ) -> Result<keys::Confirmation, keys::EchoError> {
        let echo = Echo(Base::try_from(&echo)?);
        let verdict = match verdict {
            keys::RegistryVerdict::Alive(sequence) => RegistryVerdict::Alive { sequence },
            keys::RegistryVerdict::Revoked => RegistryVerdict::Revoked,
            keys::RegistryVerdict::Suspended => RegistryVerdict::Suspended,
            keys::RegistryVerdict::Retired => RegistryVerdict::Retired,
            keys::RegistryVerdict::Expired => RegistryVerdict::Expired,
            keys::RegistryVerdict::NeverIssued => RegistryVerdict::NeverIssued,
            keys::RegistryVerdict::TenantGone => RegistryVerdict::TenantGone,
        };
        let Self(question) = question.into_inner::<Self>();
        let confirmation =
            question.answered(&echo, verdict).map_err(|_| keys::EchoError::AnotherKey)?;
        Ok(keys::Confirmation::new(Confirmation(confirmation)))
    }
}

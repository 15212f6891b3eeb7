//! The verifier that a host holds: a key set, its catalog, and the newest list.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use wardkey::{
    Adoption, Catalog, Head, HeadError, KeySet, KeySetError, List, ListError, Query,
    RequirementError, State, UnixMillis, UnverifiedHead,
};
use zeroize::Zeroizing;

use crate::bindings::exports::wardkey::verify::keys;
use crate::registry::{Confirmation, Question};

/// What `wit/` asks for.
pub(crate) struct Component;

impl keys::Guest for Component {
    type Verifier = Verifier;
    type Requirement = Requirement;
    type RegistryQuestion = Question;
    type Confirmation = Confirmation;
}

/// A verifier of one audience.
pub(crate) struct Verifier {
    key_set: KeySet,
    /// The key set's last bytes, which are no secret.
    catalog: Vec<u8>,
    list: RefCell<Option<List<Vec<u8>>>>,
}

/// What a call needs.
pub(crate) struct Requirement(wardkey::Requirement);

impl keys::GuestVerifier for Verifier {
    fn new(key_set: Vec<u8>) -> Result<keys::Verifier, keys::KeySetError> {
        let bytes = Zeroizing::new(key_set);
        let (key_set, catalog) = KeySet::parse(&bytes).map_err(|error| match error {
            KeySetError::Administration => keys::KeySetError::Administration,
            _ => keys::KeySetError::Malformed,
        })?;
        let catalog = catalog.as_bytes().to_vec();
        Ok(keys::Verifier::new(Self { key_set, catalog, list: RefCell::new(None) }))
    }

    fn all_of(&self, scopes: Vec<String>) -> Result<keys::Requirement, keys::RequirementError> {
        let names = scopes.iter().map(String::as_str);
        handle(wardkey::Requirement::all_of(&self.catalog()?, names))
    }

    fn any_of(&self, scopes: Vec<String>) -> Result<keys::Requirement, keys::RequirementError> {
        let names = scopes.iter().map(String::as_str);
        handle(wardkey::Requirement::any_of(&self.catalog()?, names))
    }

    fn apply_list(
        &self,
        head: Vec<u8>,
        state: Option<Vec<u8>>,
        now_ms: u64,
    ) -> Result<(), keys::ListError> {
        let mut list = self.list.borrow_mut();
        let newer = UnverifiedHead::parse(&head)?.authenticate(&self.key_set)?;
        let (now, bounds) = (UnixMillis(now_ms), self.key_set.bounds());
        let mut adopt = |state| List::adopt(&mut list, &newer, state, now, bounds);
        let mut adoption = adopt(None)?;
        if adoption == Adoption::StateNeeded
            && let Some(state) = state
        {
            let state = State::parse(&state).map_err(|_| keys::ListError::MalformedState)?;
            adoption = adopt(Some(state))?;
        }
        match adoption {
            Adoption::Adopted | Adoption::InForce => Ok(()),
            Adoption::StateNeeded => Err(needed(newer.head())),
        }
    }

    fn fresh_for_ms(&self) -> u64 {
        self.key_set.bounds().fresh_for_ms()
    }

    fn verify(
        &self,
        key: String,
        required: keys::RequirementBorrow<'_>,
        now_ms: u64,
        caller: Option<keys::IpAddress>,
        refresh: keys::Refresh,
        registry: keys::Registry,
    ) -> keys::Decision {
        let key = Zeroizing::new(key);
        let query = Query {
            required: &required.get::<Requirement>().0,
            now: UnixMillis(now_ms),
            caller: caller.map(Into::into),
            refresh: match refresh {
                keys::Refresh::NotTried => wardkey::Refresh::NotTried,
                keys::Refresh::Failed => wardkey::Refresh::Failed,
            },
            registry: match &registry {
                keys::Registry::NotAsked => wardkey::Registry::NotAsked,
                keys::Registry::Failed => wardkey::Registry::Failed,
                keys::Registry::Answered(confirmation) => {
                    wardkey::Registry::Answered(confirmation.get::<Confirmation>().in_core())
                }
            },
        };
        wardkey::verify(&self.key_set, self.list.borrow().as_ref(), &key, query).into()
    }
}

impl Verifier {
    fn catalog(&self) -> Result<Catalog<'_>, keys::RequirementError> {
        // It was read once already; were that wrong, no scope in it is known.
        let key_set = &self.key_set;
        Catalog::parse(key_set.tenant(), key_set.audience(), key_set.version(), &self.catalog)
            .map_err(|_| keys::RequirementError::UnknownScope)
    }
}

impl keys::GuestRequirement for Requirement {
    fn strict(&self) -> keys::Requirement {
        keys::Requirement::new(Self(self.0.strict()))
    }
}

fn handle(
    built: Result<wardkey::Requirement, RequirementError>,
) -> Result<keys::Requirement, keys::RequirementError> {
    match built {
        Ok(requirement) => Ok(keys::Requirement::new(Requirement(requirement))),
        Err(RequirementError::Empty) => Err(keys::RequirementError::Empty),
        Err(_) => Err(keys::RequirementError::UnknownScope),
    }
}

fn needed(head: &Head) -> keys::ListError {
    keys::ListError::StateNeeded(keys::StateName {
        sequence: head.sequence(),
        digest: head.state_digest().to_vec(),
    })
}

impl From<HeadError> for keys::ListError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Tenant | HeadError::Audience => Self::ForeignHead,
            HeadError::Tag => Self::ForgedHead,
            _ => Self::MalformedHead,
        }
    }
}

impl From<ListError> for keys::ListError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::ClockBehind => Self::ClockBehind,
            ListError::OtherState => Self::WrongState,
            ListError::OtherAudience => Self::ForeignHead,
            // WHY: also for a refusal that this component does not know yet; never a step back.
            _ => Self::Older,
        }
    }
}

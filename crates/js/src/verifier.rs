//! The verifier of one audience that an instance of the module is.

use alloc::vec::Vec;
use core::net::IpAddr;

use wardkey::{
    Adoption, Ask, Catalog, Confirmation, Decision, Echo, KeyBuffer, KeySet, List, Query, Refresh,
    Registry, RegistryQuestion, RegistryVerdict, Requirement, State, UnixMillis, UnverifiedHead,
    verify_in,
};

use crate::outcome;

/// Questions to the registry that may be under way at once.
const MAX_QUESTIONS: usize = 64;
/// Most different requirements of an instance.
const MAX_REQUIREMENTS: usize = 256;

/// One audience's key set and list, what is required of keys, and what is asked of the registry.
pub(crate) struct Verifier {
    key_set: KeySet,
    catalog: Vec<u8>,
    list: Option<List<Vec<u8>>>,
    requirements: Vec<Requirement>,
    questions: Vec<Option<RegistryQuestion>>,
    next: usize,
    buffer: KeyBuffer,
    pub(crate) told: Option<wardkey::ListSeen>,
}

/// What the host has done for a verification.
pub(crate) struct Done {
    pub(crate) caller: Option<IpAddr>,
    pub(crate) refresh: Refresh,
    pub(crate) registry: Registry,
}

impl Verifier {
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, u32> {
        let (key_set, catalog) = KeySet::parse(bytes).map_err(|_| 1_u32)?;
        let catalog = catalog.as_bytes().to_vec();
        Ok(Self {
            key_set,
            catalog,
            list: None,
            requirements: Vec::new(),
            questions: Vec::new(),
            next: 0,
            buffer: KeyBuffer::new(),
            told: None,
        })
    }

    /// Takes the next key set of the same audience; the list stays.
    pub(crate) fn renew(&mut self, bytes: &[u8]) -> Result<(), u32> {
        let newer = Self::new(bytes)?;
        let same = (newer.key_set.tenant(), newer.key_set.audience())
            == (self.key_set.tenant(), self.key_set.audience());
        if !same {
            return Err(2);
        }
        let list = self.list.take();
        *self = Self { list, ..newer };
        Ok(())
    }

    pub(crate) fn require(&mut self, names: &[u8], any: bool, strict: bool) -> u32 {
        let names = core::str::from_utf8(names).unwrap_or_default();
        let key_set = &self.key_set;
        let Ok(catalog) =
            Catalog::parse(key_set.tenant(), key_set.audience(), key_set.version(), &self.catalog)
        else {
            return outcome::MISUSE;
        };
        let names = names.split(' ').filter(|name| !name.is_empty());
        let built = if any {
            Requirement::any_of(&catalog, names)
        } else {
            Requirement::all_of(&catalog, names)
        };
        let requirement = match built {
            Ok(requirement) if strict => requirement.strict(),
            Ok(requirement) => requirement,
            Err(error) => return outcome::of_requirement_error(error),
        };
        let known = self.requirements.iter().position(|known| *known == requirement);
        let place = known.unwrap_or_else(|| {
            if self.requirements.len() < MAX_REQUIREMENTS {
                self.requirements.push(requirement);
                self.requirements.len() - 1
            } else {
                MAX_REQUIREMENTS
            }
        });
        u32::try_from(place).unwrap_or(outcome::MISUSE)
    }

    pub(crate) fn adopt(&mut self, head: &[u8], state: Option<&[u8]>, now: UnixMillis) -> u32 {
        let newer =
            match UnverifiedHead::parse(head).and_then(|head| head.authenticate(&self.key_set)) {
                Ok(newer) => newer,
                Err(error) => return outcome::of_head_error(error),
            };
        let bounds = self.key_set.bounds();
        let first = List::adopt(&mut self.list, &newer, None, now, bounds);
        match (first, state) {
            (Ok(Adoption::StateNeeded), Some(state)) => match State::parse(state) {
                Ok(state) => outcome::of_adoption(List::adopt(
                    &mut self.list,
                    &newer,
                    Some(state),
                    now,
                    bounds,
                )),
                Err(_) => outcome::MALFORMED_STATE,
            },
            (first, _) => outcome::of_adoption(first),
        }
    }

    pub(crate) fn verify(
        &mut self,
        key: &[u8],
        requirement: u32,
        now: UnixMillis,
        done: Done,
    ) -> u32 {
        let Some(required) =
            usize::try_from(requirement).ok().and_then(|place| self.requirements.get(place))
        else {
            return outcome::MISUSE;
        };
        let Done { caller, refresh, registry } = done;
        let query = Query { required, now, caller, refresh, registry };
        match verify_in(&mut self.buffer, &self.key_set, self.list.as_ref(), key, query) {
            Decision::Allow(allow) => {
                self.told = Some(allow.list);
                outcome::ALLOW
            }
            Decision::Deny(denial) => {
                self.told = None;
                outcome::of_reason(denial.reason)
            }
            Decision::Ask(Ask::Refresh) => outcome::ASK_REFRESH,
            Decision::Ask(Ask::Registry(question)) => {
                self.told = None;
                let place = self.next % MAX_QUESTIONS;
                self.next = place + 1;
                if place == self.questions.len() {
                    self.questions.push(Some(question));
                } else if let Some(slot) = self.questions.get_mut(place) {
                    *slot = Some(question);
                }
                outcome::ASK_REGISTRY | (place as u32) << 8
            }
        }
    }

    pub(crate) fn answer(
        &mut self,
        question: usize,
        verdict: RegistryVerdict,
    ) -> Option<Confirmation> {
        let question = self.questions.get_mut(question)?.take()?;
        let echo = Echo(*question.base());
        question.answered(&echo, verdict).ok()
    }
}

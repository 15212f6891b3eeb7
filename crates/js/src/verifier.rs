//! The verifier of one audience that an instance of the module is.

use core::net::IpAddr;

use wardkey::{
    Adoption, Catalog, Judgement, KeyBuffer, KeySet, List, ListSeen, Query, Refresh, Registry,
    RegistryVerdict, Requirement, State, UnixMillis, UnverifiedHead, verify_in,
};

use crate::answers::Answers;
use crate::memory::Room;
use crate::outcome;

/// Most different requirements of an instance.
const MOST_REQUIREMENTS: usize = 128;
/// Key sets after which editions begin anew.
const EDITIONS: u32 = 1 << 22;
/// Bytes of the longest catalog: 256 names of 64 bytes.
const MAX_CATALOG_LEN: usize = 2 + 256 * (3 + 64);

/// One audience's key set and list, what is required of keys, and what the registry was asked.
pub(crate) struct Verifier {
    key_set: Option<KeySet>,
    catalog: [u8; MAX_CATALOG_LEN],
    catalog_len: usize,
    list: Option<List<Room>>,
    requirements: [Option<Requirement>; MOST_REQUIREMENTS],
    /// How many key sets came before: part of a requirement's number, so that none means another one later.
    edition: u32,
    answers: Answers,
    buffer: KeyBuffer,
    seen: Option<ListSeen>,
    is_authentic: bool,
}

/// What the host has done for a verification.
pub(crate) struct Done {
    pub(crate) caller: Option<IpAddr>,
    pub(crate) refresh: Refresh,
    pub(crate) registry: Asked,
}

/// Whether the registry was asked.
pub(crate) enum Asked {
    Not,
    Failed,
    /// The number of the question that it answered.
    Answered(u32),
}

impl Verifier {
    /// One without a key set yet.
    pub(crate) const fn new() -> Self {
        Self {
            key_set: None,
            catalog: [0; MAX_CATALOG_LEN],
            catalog_len: 0,
            list: None,
            requirements: [None; MOST_REQUIREMENTS],
            edition: 0,
            answers: Answers::new(),
            buffer: KeyBuffer::new(),
            seen: None,
            is_authentic: false,
        }
    }

    /// Takes the first key set, or one of the same audience that is no older. The list stays, and questions do, and with
    /// them what their numbers mean; requirements are built anew.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), u32> {
        let (newer, catalog) = KeySet::parse(bytes).map_err(outcome::key_set)?;
        if let Some(old) = &self.key_set {
            let same = (old.tenant(), old.audience()) == (newer.tenant(), newer.audience());
            if !same || newer.version() < old.version() {
                return Err(outcome::OTHER_KEY_SET);
            }
            self.edition = (self.edition + 1) % EDITIONS;
        }
        let catalog = catalog.as_bytes();
        let room = self.catalog.get_mut(..catalog.len()).ok_or(outcome::MISUSE)?;
        room.copy_from_slice(catalog);
        self.catalog_len = catalog.len();
        self.key_set = Some(newer);
        self.requirements.fill(None);
        self.buffer = KeyBuffer::new();
        (self.seen, self.is_authentic) = (None, false);
        Ok(())
    }

    /// The number of a requirement; the same one has the same number.
    pub(crate) fn require(&mut self, names: &[u8], any: bool, strict: bool) -> u32 {
        let bytes = self.catalog.get(..self.catalog_len).unwrap_or_default();
        let catalog = self.key_set.as_ref().and_then(|key_set| {
            let (tenant, audience) = (key_set.tenant(), key_set.audience());
            Catalog::parse(tenant, audience, key_set.version(), bytes).ok()
        });
        let Some(catalog) = catalog else { return outcome::MISUSE };
        let names = names.split(|byte| *byte == b' ').filter(|name| !name.is_empty());
        let built = if any {
            Requirement::any_of(&catalog, names)
        } else {
            Requirement::all_of(&catalog, names)
        };
        let built = match built {
            Ok(built) if strict => built.strict(),
            Ok(built) => built,
            Err(error) => return outcome::requirement(error),
        };
        for (slot, number) in self.requirements.iter_mut().zip(1..) {
            if *slot.get_or_insert(built) == built {
                return self.edition << 8 | number;
            }
        }
        outcome::REQUIREMENTS
    }

    pub(crate) fn adopt(&mut self, head: &[u8], state: Option<&[u8]>, now: UnixMillis) -> u32 {
        let Some(key_set) = &self.key_set else { return outcome::MISUSE };
        let read = UnverifiedHead::parse(head).and_then(|head| head.authenticate(key_set));
        let newer = match read {
            Ok(newer) => newer,
            Err(error) => return outcome::head(error),
        };
        let mut candidate = None;
        loop {
            let bounds = key_set.bounds();
            let adopted = List::adopt(&mut self.list, &newer, candidate.take(), now, bounds);
            let (Ok(Adoption::StateNeeded), Some(bytes)) = (&adopted, state) else {
                return outcome::adoption(adopted);
            };
            let room =
                Room::new(State::<Room>::memory_len(u32::try_from(bytes.len() * 8).unwrap_or(0)));
            candidate = room.and_then(|room| State::parse_into(bytes, room).ok());
            if candidate.is_none() {
                return outcome::STATE;
            }
        }
    }

    pub(crate) fn verify(
        &mut self,
        key: &[u8],
        requirement: u32,
        now: UnixMillis,
        done: Done,
    ) -> u32 {
        self.is_authentic = false;
        let place = usize::from(requirement as u8).checked_sub(1);
        let Some(Some(required)) = place.and_then(|place| self.requirements.get(place)) else {
            return if requirement >> 8 == self.edition || place.is_none() {
                outcome::MISUSE
            } else {
                outcome::REQUIREMENT_OUTDATED
            };
        };
        if requirement >> 8 != self.edition {
            return outcome::REQUIREMENT_OUTDATED;
        }
        let Done { caller, refresh, registry } = done;
        let answer = match registry {
            Asked::Answered(number) => self.answers.take(number),
            _ => None,
        };
        let registry = match (registry, &answer) {
            (_, Some(answer)) => Registry::Answered(answer),
            (Asked::Failed, None) => Registry::Failed,
            _ => Registry::NotAsked,
        };
        let query = Query { required, now, caller, refresh, registry };
        let Self { buffer, key_set: Some(key_set), list, answers, .. } = self else {
            return outcome::MISUSE;
        };
        let (verdict, is_authentic, seen) =
            verify_in(buffer, key_set, list.as_ref(), key, &query, |judgement| match judgement {
                Judgement::Allow(_, seen) => (outcome::ALLOW, true, Some(seen)),
                Judgement::Deny(reason, authentic) => {
                    (outcome::denial(reason), authentic.is_some(), None)
                }
                Judgement::AskRefresh => (outcome::ASK_REFRESH, false, None),
                Judgement::AskRegistry(key) => {
                    (outcome::ASK_REGISTRY | answers.ask(key.question(), now) << 8, true, None)
                }
            });
        (self.is_authentic, self.seen) = (is_authentic, seen);
        verdict
    }

    pub(crate) fn answer(&mut self, number: u32, echo: &[u8], verdict: RegistryVerdict) -> u32 {
        if self.answers.answer(number, echo, verdict) { 0 } else { outcome::MISUSE }
    }

    /// The key that was verified last, where its tag was right, and the list that an allow rests on.
    pub(crate) fn told(&self) -> Option<(wardkey::UnverifiedKey<'_>, Option<ListSeen>)> {
        if self.is_authentic { self.buffer.key().map(|key| (key, self.seen)) } else { None }
    }

    pub(crate) const fn list(&self) -> Option<&List<Room>> {
        self.list.as_ref()
    }

    pub(crate) const fn key_set(&self) -> Option<&KeySet> {
        self.key_set.as_ref()
    }
}

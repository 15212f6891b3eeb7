//! The verifier that a host holds: a key set, its catalog, and the newest list.

use wardkey::{
    Adoption, Catalog, Echo, Head, HeadError, KeySet, KeySetError, List, ListError,
    RegistryVerdict, RequirementError, State, StateError, UnconfirmedKey, UnixMillis, UnixSeconds,
    UnverifiedHead,
};

use crate::claims::key_id_text;
use crate::handed::{Given, Told};
use crate::heap::Room;

/// A verifier of one audience.
pub(crate) struct Verifier {
    pub(crate) key_set: KeySet,
    /// The key set's last bytes, which are no secret.
    catalog: Room,
    pub(crate) list: Option<List<Room>>,
}

/// What a call needs.
pub(crate) struct Requirement(pub(crate) wardkey::Requirement);

/// A question that a verification made, and what an answer repeats of the key beside its base.
pub(crate) struct Question {
    pub(crate) asked: wardkey::RegistryQuestion,
    expires_at: UnixSeconds,
    is_narrowed: bool,
}

/// The key that the registry repeats where it is alive.
pub(crate) struct Alive<'a> {
    pub(crate) tenant: u16,
    pub(crate) audience: u8,
    pub(crate) key_id: &'a [u8],
    pub(crate) status_index: u32,
    pub(crate) subject: &'a [u8],
    pub(crate) expires_at_s: u32,
    pub(crate) is_narrowed: bool,
}

/// An answer that was found to be the question's.
pub(crate) struct Confirmation(pub(crate) wardkey::Confirmation);

/// `key-set-error`.
#[repr(u8)]
pub(crate) enum NoKeySet {
    Malformed,
    Administration,
    Other,
}

/// `requirement-error`.
#[repr(u8)]
pub(crate) enum NoRequirement {
    Empty,
    UnknownScope,
}

/// `list-error`.
#[repr(C, u8)]
#[expect(dead_code, reason = "the host reads it")]
pub(crate) enum NotApplied {
    MalformedHead,
    ForeignHead,
    ForgedHead,
    ClockBehind,
    Older,
    StateNeeded(StateName),
    MalformedState,
    WrongState,
    NoMemory,
}

#[repr(C)]
pub(crate) struct StateName {
    sequence: u64,
    digest: Told<u8>,
}

/// `echo-error`.
#[repr(u8)]
pub(crate) enum NotAnswered {
    AnotherKey,
}

/// Where the digest of a state that is needed stands.
pub(crate) type Digest = [u8; wardkey::DIGEST_LEN];

impl Verifier {
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, NoKeySet> {
        let (key_set, catalog) = read(bytes)?;
        Ok(Self { key_set, catalog, list: None })
    }

    pub(crate) fn renew(&mut self, bytes: &[u8]) -> Result<(), NoKeySet> {
        let (newer, catalog) = read(bytes)?;
        let old = &self.key_set;
        let same = (old.tenant(), old.audience()) == (newer.tenant(), newer.audience());
        if !same || newer.version() < old.version() {
            return Err(NoKeySet::Other);
        }
        (self.key_set, self.catalog) = (newer, catalog);
        Ok(())
    }

    pub(crate) fn requirement<'n>(
        &self,
        names: impl Iterator<Item = &'n [u8]>,
        is_any: bool,
    ) -> Result<Requirement, NoRequirement> {
        let key_set = &self.key_set;
        let (tenant, audience) = (key_set.tenant(), key_set.audience());
        // It was read once already; were that wrong, no scope in it is known.
        let catalog = Catalog::parse(tenant, audience, key_set.version(), self.catalog.as_ref())
            .map_err(|_| NoRequirement::UnknownScope)?;
        let built = if is_any {
            wardkey::Requirement::any_of(&catalog, names)
        } else {
            wardkey::Requirement::all_of(&catalog, names)
        };
        built.map(Requirement).map_err(|error| match error {
            RequirementError::Empty => NoRequirement::Empty,
            _ => NoRequirement::UnknownScope,
        })
    }

    pub(crate) fn apply_list(
        &mut self,
        head: &[u8],
        state: Option<&[u8]>,
        now: UnixMillis,
        digest: &mut Digest,
    ) -> Result<(), NotApplied> {
        let Self { key_set, list, .. } = self;
        let newer = UnverifiedHead::parse(head).and_then(|head| head.authenticate(key_set));
        let newer = newer.map_err(no_head)?;
        let mut candidate = None;
        loop {
            let adopted = List::adopt(list, &newer, candidate.take(), now, key_set.bounds());
            match (adopted.map_err(no_list)?, state) {
                (Adoption::Adopted | Adoption::InForce, _) => return Ok(()),
                (Adoption::StateNeeded, None) => return Err(needed(newer.head(), digest)),
                (Adoption::StateNeeded, Some(state)) => {
                    let state = State::parse_into(state, Room::empty());
                    candidate = Some(state.map_err(|error| match error {
                        StateError::Memory => NotApplied::NoMemory,
                        _ => NotApplied::MalformedState,
                    })?);
                }
            }
        }
    }
}

impl Question {
    pub(crate) fn new(key: UnconfirmedKey<'_>) -> Self {
        let (expires_at, is_narrowed) = (key.expires_at(), key.is_narrowed());
        Self { asked: key.question(), expires_at, is_narrowed }
    }

    /// Takes the registry's answer; `alive` is the key that it repeats where it is alive.
    pub(crate) fn answered(
        self,
        verdict: RegistryVerdict,
        alive: Option<&Alive<'_>>,
    ) -> Result<Confirmation, NotAnswered> {
        if alive.is_some_and(|repeated| !self.is_about(repeated)) {
            return Err(NotAnswered::AnotherKey);
        }
        let base = *self.asked.base();
        let answered = self.asked.answered(&Echo(base), verdict);
        answered.map(Confirmation).map_err(|_| NotAnswered::AnotherKey)
    }

    fn is_about(&self, repeated: &Alive<'_>) -> bool {
        let base = self.asked.base();
        repeated.tenant == base.signing_key.tenant.0
            && repeated.audience == base.signing_key.audience.0
            && repeated.key_id == key_id_text(base.key_id)
            && repeated.status_index == base.status_index.0
            && repeated.subject == base.subject.as_bytes()
            && repeated.expires_at_s == self.expires_at.0
            && repeated.is_narrowed == self.is_narrowed
    }
}

/// A key set, and its catalog in memory of its own.
fn read(bytes: &[u8]) -> Result<(KeySet, Room), NoKeySet> {
    let (key_set, catalog) = KeySet::parse(bytes).map_err(|error| match error {
        KeySetError::Administration => NoKeySet::Administration,
        _ => NoKeySet::Malformed,
    })?;
    let catalog = catalog.as_bytes();
    let mut room = Room::zeros(catalog.len()).ok_or(NoKeySet::Malformed)?;
    room.as_mut().copy_from_slice(catalog);
    Ok((key_set, room))
}

fn needed(head: &Head, digest: &mut Digest) -> NotApplied {
    *digest = head.state_digest();
    NotApplied::StateNeeded(StateName { sequence: head.sequence(), digest: Told::new(digest) })
}

const fn no_head(error: HeadError) -> NotApplied {
    match error {
        HeadError::Tenant | HeadError::Audience => NotApplied::ForeignHead,
        HeadError::Tag => NotApplied::ForgedHead,
        _ => NotApplied::MalformedHead,
    }
}

const fn no_list(error: ListError) -> NotApplied {
    match error {
        ListError::ClockBehind => NotApplied::ClockBehind,
        ListError::OtherState => NotApplied::WrongState,
        ListError::OtherAudience => NotApplied::ForeignHead,
        // WHY: also for a refusal that this component does not know yet; never a step back.
        _ => NotApplied::Older,
    }
}

/// The names of scopes that a host handed in.
pub(crate) fn names(given: &Given<Given<u8>>) -> impl Iterator<Item = &[u8]> {
    given.get().iter().map(Given::get)
}

//! The revocation list: a small head that changes and an immutable state.

mod changes;
mod goal;
mod head;
mod memory;
mod places;
mod state;

use core::fmt;

pub use head::{
    AuthenticHead, Cutoff, Head, HeadError, MAX_HEAD_LEN, NOT_AFTER_MS, UnverifiedHead,
};
pub use memory::{StateMemory, chunk_digest};
use state::StateView;
pub use state::{CHUNK_LEN, DIGEST_LEN, State, StateError, state_digest};

use crate::base_view::BaseView;
use crate::freshness::Bounds;
use crate::identifier::StatusIndex;
use crate::time::UnixMillis;

/// A head together with the very state that it names.
///
/// # Guarantees
/// The head is authentic for one audience and newer than the one it replaced; the state has the
/// digest that the head names. How old it is, is judged anew at every verification.
#[derive(Debug)]
pub struct List<M> {
    head: Head,
    state: State<M>,
}

/// What an authentic head that is no step back has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Adoption {
    /// It is in force now.
    Adopted,
    /// It is the very head that was in force: nothing new, and nothing bad.
    InForce,
    /// It is good, but its state was not handed in and is not in force. Nothing has changed: the host
    /// fetches the state and tries again.
    StateNeeded,
}

/// Why a head was not adopted. The list in force stays as it is; a refresh that ends so has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListError {
    /// The head is more than `max_skew` ahead of `now`.
    ClockBehind,
    /// The head is not newer than the one in force: never a step back.
    Older,
    /// The state is not the one that the head names.
    OtherState,
    /// The list in force is another tenant's or audience's.
    OtherAudience,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClockBehind => "the head is further ahead of the local clock than max_skew",
            Self::Older => "the head is not newer than the one in force",
            Self::OtherState => "the state's digest is not the one that the head names",
            Self::OtherAudience => "the list in force is another tenant's or audience's",
        })
    }
}

impl core::error::Error for ListError {}

impl Adoption {
    /// All that it can come to.
    pub const ALL: [Self; 3] = [Self::Adopted, Self::InForce, Self::StateNeeded];

    /// The stable word.
    ///
    /// Source: FORMAT.md section 4.5
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::InForce => "in_force",
            Self::StateNeeded => "state_needed",
        }
    }
}

impl ListError {
    /// Every error.
    pub const ALL: [Self; 4] =
        [Self::ClockBehind, Self::Older, Self::OtherState, Self::OtherAudience];

    /// The stable word.
    ///
    /// Source: FORMAT.md section 4.5
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClockBehind => "clock_behind",
            Self::Older => "older",
            Self::OtherState => "other_state",
            Self::OtherAudience => "other_audience",
        }
    }
}

impl<M: StateMemory> List<M> {
    /// Judges a head against the list in force, `None` at the start, and adopts it if it is newer.
    ///
    /// Prevents a replayed list from bringing a dead key back to life. Judging and adopting are one
    /// step, because a head that was newer when it was judged may be older once its state is there:
    /// of two refreshes under way, none can put the other's list back.
    ///
    /// The state that the head names is the one in force, or comes from it by the head's changes, or is
    /// `state`, in this order: a state is looked at only if the others are not it.
    ///
    /// # Errors
    /// [`ListError`]; nothing has changed.
    ///
    /// Source: FORMAT.md section 4.5
    pub fn adopt(
        in_force: &mut Option<Self>,
        newer: &AuthenticHead<'_>,
        state: Option<State<M>>,
        now: UnixMillis,
        bounds: &Bounds,
    ) -> Result<Adoption, ListError> {
        let head = *newer.head();
        if in_force.as_ref().is_some_and(|list| !head.is_of_the_audience_of(&list.head)) {
            return Err(ListError::OtherAudience);
        }
        if head.issued_at() > now.plus(bounds.max_skew_ms()) {
            return Err(ListError::ClockBehind);
        }
        if let Some(list) = in_force {
            if head == list.head {
                return Ok(Adoption::InForce);
            }
            if !head.is_newer_than(&list.head) {
                return Err(ListError::Older);
            }
            if list.follow(newer) {
                return Ok(Adoption::Adopted);
            }
        }
        match state {
            None => Ok(Adoption::StateNeeded),
            Some(state) if state.digest() == head.state_digest() => {
                *in_force = Some(Self { head, state });
                Ok(Adoption::Adopted)
            }
            Some(_) => Err(ListError::OtherState),
        }
    }

    /// Goes on to a newer head without another state; answers whether it could.
    fn follow(&mut self, newer: &AuthenticHead<'_>) -> bool {
        let digest = newer.head().state_digest();
        let follows = digest == self.head.state_digest()
            || newer
                .changes()
                .after(self.head.sequence())
                .is_some_and(|changes| self.state.advance(changes, &digest));
        if follows {
            self.head = *newer.head();
        }
        follows
    }

    /// The head in force.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The state in force.
    pub const fn state(&self) -> &State<M> {
        &self.state
    }

    /// The list, whatever its memory is.
    pub(crate) fn view(&self) -> ListView<'_> {
        ListView { head: &self.head, state: self.state.view() }
    }
}

/// A list where it stands.
#[derive(Clone, Copy)]
pub(crate) struct ListView<'l> {
    pub(crate) head: &'l Head,
    state: StateView<'l>,
}

impl ListView<'_> {
    /// Whether what the list says makes a key with this base dead.
    pub(crate) fn is_dead(&self, base: &BaseView<'_>) -> bool {
        let StatusIndex(index) = base.status_index;
        self.head.kills(base) || self.state.is_dead(index)
    }
}

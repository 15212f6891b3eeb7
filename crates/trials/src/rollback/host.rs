//! What a host does with a head that comes, and the words for what comes of it.

use wardkey::{Adoption, HeadError, KeySet, List, ListError, State, UnixMillis, UnverifiedHead};

/// Reads and adopts as a host does; the word of section 4.4 or 4.5.
pub(super) fn come(
    key_set: &KeySet,
    list: &mut Option<List<Vec<u8>>>,
    bytes: &[u8],
    given: &[u8],
    now: u64,
) -> &'static str {
    let read = UnverifiedHead::parse(bytes).and_then(|head| head.authenticate(key_set));
    let head = match read {
        Ok(head) => head,
        Err(error) => return head_word(error),
    };
    let state = State::parse(given).ok();
    match List::adopt(list, &head, state, UnixMillis(now), key_set.bounds()) {
        Ok(Adoption::Adopted) => "adopted",
        Ok(Adoption::InForce) => "in_force",
        Ok(Adoption::StateNeeded) => "state_needed",
        Err(ListError::ClockBehind) => "clock_behind",
        Err(ListError::Older) => "older",
        Err(ListError::OtherState) => "other_state",
        Err(ListError::OtherAudience) => "other_audience",
        Err(_) => "an unknown error",
    }
}

fn head_word(error: HeadError) -> &'static str {
    match error {
        HeadError::Length => "length",
        HeadError::Version => "version",
        HeadError::Order => "order",
        HeadError::NotAfter => "not_after",
        HeadError::Changes => "changes",
        HeadError::Tenant => "tenant",
        HeadError::Audience => "audience",
        HeadError::Tag => "tag",
        _ => "an unknown error",
    }
}

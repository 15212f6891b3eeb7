//! What the exports answer: numbers, stable within an ABI version.

use wardkey::{Adoption, HeadError, ListError, Reason, RequirementError};

/// The key is authentic, alive and allowed.
pub(crate) const ALLOW: u32 = 0;
/// A refresh is owed.
pub(crate) const ASK_REFRESH: u32 = 64;
/// The registry is owed; the question's number stands eight bits up.
pub(crate) const ASK_REGISTRY: u32 = 65;
/// The host has named something that is not there.
pub(crate) const MISUSE: u32 = 128;

/// 1 and the place of the reason among all.
pub(crate) fn of_reason(reason: Reason) -> u32 {
    let place = Reason::ALL.iter().position(|other| *other == reason);
    place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(MISUSE)
}

/// 0 adopted, 1 in force, 2 a state is needed; from 16 on why not.
pub(crate) fn of_adoption(adoption: Result<Adoption, ListError>) -> u32 {
    match adoption {
        Ok(Adoption::Adopted) => 0,
        Ok(Adoption::InForce) => 1,
        Ok(Adoption::StateNeeded) => 2,
        Err(ListError::ClockBehind) => 16,
        Err(ListError::OtherState) => 18,
        Err(ListError::OtherAudience) => 19,
        Err(_) => 17,
    }
}

/// From 32 on.
pub(crate) const fn of_head_error(error: HeadError) -> u32 {
    match error {
        HeadError::Tenant | HeadError::Audience => 33,
        HeadError::Tag => 34,
        _ => 32,
    }
}

/// A state that is none.
pub(crate) const MALFORMED_STATE: u32 = 48;

/// From 129 on.
pub(crate) const fn of_requirement_error(error: RequirementError) -> u32 {
    match error {
        RequirementError::Empty => 0x8000_0001,
        _ => 0x8000_0002,
    }
}

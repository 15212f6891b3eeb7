//! What the exports answer: numbers that stay what they are within a version of the ABI.

use wardkey::{Adoption, HeadError, KeySetError, ListError, Reason, RequirementError};

/// The key is authentic, alive and allowed.
pub(crate) const ALLOW: u32 = 0;
/// The host must refresh the list, then verify again.
pub(crate) const ASK_REFRESH: u32 = 64;
/// The host must ask the registry, then verify again; the question's number stands in the upper 24 bits.
pub(crate) const ASK_REGISTRY: u32 = 65;
/// The host names what is not there: a length, a requirement, an answer; or it has no key set yet.
pub(crate) const MISUSE: u32 = 255;

/// A denial: 1 to 23, by the place of its reason in [`Reason::ALL`].
pub(crate) const fn denial(reason: Reason) -> u32 {
    reason as u32 + 1
}

/// The number of a requirement of an earlier key set.
pub(crate) const REQUIREMENT_OUTDATED: u32 = denial(Reason::RequirementOutdated);

// INVARIANT: the numbers are part of the ABI: a reason that is new stands at the end, below 64.
const _: () = {
    let mut rest: &[Reason] = &Reason::ALL;
    let mut place = 0;
    while let [reason, others @ ..] = rest {
        assert!(*reason as u32 == place, "a denial's number is its place");
        place += 1;
        rest = others;
    }
    assert!(place == 23 && Reason::RegistryUnavailable as u32 == 22, "the ABI's 23 denials");
};

/// What a key set came to.
pub(crate) const fn key_set(error: KeySetError) -> u32 {
    match error {
        KeySetError::Administration => 2,
        _ => 1,
    }
}

/// A key set of another audience, or an older one.
pub(crate) const OTHER_KEY_SET: u32 = 3;

/// What a head came to.
pub(crate) const fn adoption(adoption: Result<Adoption, ListError>) -> u32 {
    match adoption {
        Ok(Adoption::Adopted) => 0,
        Ok(Adoption::InForce) => 1,
        Ok(Adoption::StateNeeded) => 2,
        Err(ListError::ClockBehind) => 16,
        Err(ListError::OtherState) => 18,
        Err(ListError::OtherAudience) => 19,
        // WHY: also for a refusal that this module does not know yet; never a step back.
        Err(_) => 17,
    }
}

/// Why a head was not even judged.
pub(crate) const fn head(error: HeadError) -> u32 {
    match error {
        HeadError::Tenant | HeadError::Audience => 33,
        HeadError::Tag => 34,
        _ => 32,
    }
}

/// A state that is none, or that there is no memory for.
pub(crate) const STATE: u32 = 48;

/// Why there is no requirement: in the low byte, above that of every number of one.
pub(crate) const fn requirement(error: RequirementError) -> u32 {
    match error {
        RequirementError::Empty => 253,
        _ => 254,
    }
}

/// There are too many requirements.
pub(crate) const REQUIREMENTS: u32 = 252;

//! Narrowings, in the words of `wit/` and back.

use wardkey::{
    NarrowError, Narrowing, Network, NetworkError, Networks, NetworksError, Reason, ScopeSet,
    UnixSeconds,
};

use crate::address;
use crate::claims::Said;
use crate::handed::{Maybe, Told};

/// `narrowing`, as the host reads it.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    scopes: Maybe<Told<u8>>,
    expires_at_s: Maybe<u32>,
    not_before_s: Maybe<u32>,
    networks: Maybe<Told<address::Network>>,
}

/// `narrow-error`, whose first two are `key-error`.
#[repr(u8)]
pub(crate) enum NotNarrowed {
    Malformed,
    BadChecksum,
    Empty,
    BadNetwork,
    TooMuch,
    TooMany,
    KeyTooLong,
}

impl Taken {
    pub(crate) const NOTHING: Self = Self {
        scopes: Maybe::None,
        expires_at_s: Maybe::None,
        not_before_s: Maybe::None,
        networks: Maybe::None,
    };

    pub(crate) fn told(narrowing: &Narrowing, said: &mut Said) -> Self {
        let second = |second: Option<UnixSeconds>| second.map(|second| second.0).into();
        let scopes = narrowing.scopes.as_ref().map(|scopes| said.scopes(scopes));
        let networks = narrowing.networks.as_ref().map(|networks| said.networks(Some(networks)));
        Self {
            scopes: scopes.into(),
            expires_at_s: second(narrowing.expires_at),
            not_before_s: second(narrowing.not_before),
            networks: networks.into(),
        }
    }
}

/// What a host asks for.
pub(crate) fn asked(
    scopes: Option<&[u8]>,
    expires_at_s: Option<u32>,
    not_before_s: Option<u32>,
    networks: Option<&[address::Network]>,
) -> Result<Narrowing, NotNarrowed> {
    Ok(Narrowing {
        scopes: scopes.map(|numbers| numbers.iter().copied().collect::<ScopeSet>()),
        expires_at: expires_at_s.map(UnixSeconds),
        not_before: not_before_s.map(UnixSeconds),
        networks: networks.map(named).transpose()?,
    })
}

fn named(networks: &[address::Network]) -> Result<Networks, NotNarrowed> {
    let mut is_bad = false;
    let read = networks.iter().map_while(|network| {
        let network: Result<Network, NetworkError> = (*network).try_into();
        is_bad |= network.is_err();
        network.ok()
    });
    let networks = Networks::new(read);
    if is_bad {
        return Err(NotNarrowed::BadNetwork);
    }
    networks.map_err(|error| match error {
        NetworksError::Empty => NotNarrowed::Empty,
        _ => NotNarrowed::TooMuch,
    })
}

impl From<Reason> for NotNarrowed {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::BadChecksum => Self::BadChecksum,
            _ => Self::Malformed,
        }
    }
}

impl From<NarrowError> for NotNarrowed {
    fn from(error: NarrowError) -> Self {
        match error {
            NarrowError::NoKey(reason) => reason.into(),
            NarrowError::Empty => Self::Empty,
            NarrowError::BlockTooLong => Self::TooMuch,
            NarrowError::TooManyBlocks => Self::TooMany,
            // WHY: also for a refusal that this component does not know yet.
            _ => Self::KeyTooLong,
        }
    }
}

//! What a call comes to when it is not what was asked for, as a number below 0: README.md lists them.

use wardkey::{NarrowError, NetworkError, NetworksError, Reason};

pub(crate) const MALFORMED: i32 = -1;
pub(crate) const BAD_CHECKSUM: i32 = -2;
pub(crate) const EMPTY: i32 = -3;
pub(crate) const BLOCK_TOO_LONG: i32 = -4;
pub(crate) const TOO_MANY_BLOCKS: i32 = -5;
pub(crate) const KEY_TOO_LONG: i32 = -6;
pub(crate) const NO_NETWORK: i32 = -7;
pub(crate) const HOST_BITS: i32 = -8;
pub(crate) const MAPPED: i32 = -9;
pub(crate) const NO_BRAND: i32 = -10;
pub(crate) const NO_MEMORY: i32 = -11;
pub(crate) const MISUSE: i32 = -255;

pub(crate) const fn no_key(reason: Reason) -> i32 {
    match reason {
        Reason::BadChecksum => BAD_CHECKSUM,
        _ => MALFORMED,
    }
}

pub(crate) const fn narrow(error: NarrowError) -> i32 {
    match error {
        NarrowError::NoKey(reason) => no_key(reason),
        NarrowError::Empty => EMPTY,
        NarrowError::BlockTooLong => BLOCK_TOO_LONG,
        NarrowError::TooManyBlocks => TOO_MANY_BLOCKS,
        NarrowError::KeyTooLong => KEY_TOO_LONG,
        _ => MISUSE,
    }
}

pub(crate) const fn network(error: NetworkError) -> i32 {
    match error {
        NetworkError::HostBits => HOST_BITS,
        NetworkError::Mapped => MAPPED,
        _ => NO_NETWORK,
    }
}

pub(crate) const fn networks(error: NetworksError) -> i32 {
    match error {
        NetworksError::Empty => EMPTY,
        _ => BLOCK_TOO_LONG,
    }
}

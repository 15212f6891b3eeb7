//! The digits of base64 in a text that may hold anything.

use crate::base64url::sextet;

/// The six bits of a digit of base64url or of the standard alphabet.
pub(super) const fn sextet_of_either(byte: u8) -> Option<u8> {
    match byte {
        b'+' => Some(62),
        b'/' => Some(63),
        _ => sextet(byte),
    }
}

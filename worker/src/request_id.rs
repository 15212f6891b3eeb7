//! A name for each request: in a header of its answer, in the audit log, in the operator's log.

use getrandom::SysRng;
use getrandom::rand_core::TryRng as _;

/// `req_` and 32 hex digits, made here and never taken from a caller.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn new() -> Self {
        let mut bytes = [0; 16];
        // Without randomness nothing is minted anyway; the request still gets an answer.
        let _ = SysRng.try_fill_bytes(&mut bytes);
        Self(format!("req_{:032x}", u128::from_be_bytes(bytes)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

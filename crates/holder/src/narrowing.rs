//! A narrowing as a host asks for it.

use wardkey::{Narrowing, Network, NetworkError, Networks, ScopeSet, UnixSeconds, narrow};

use crate::outcome;

/// Bytes of a set of scopes as the host writes it: scope n is bit n mod 8 of byte n div 8.
pub(crate) const SCOPES_LEN: usize = 32;

/// What a call brings; a part counts if its bit in `parts` is set.
pub(crate) struct Asked<'i> {
    pub(crate) key: &'i [u8],
    pub(crate) parts: u32,
    pub(crate) scopes: &'i [u8],
    pub(crate) expires_at: u32,
    pub(crate) not_before: u32,
    /// In CIDR notation, a space between them.
    pub(crate) networks: &'i [u8],
}

impl Asked<'_> {
    /// Writes the narrowed key and gives its length, or a number of [`outcome`].
    ///
    /// WHY not inlined: what it leaves on the stack is wiped by its caller, whose own frame is not.
    #[inline(never)]
    pub(crate) fn narrow(&self, output: &mut [u8]) -> Result<usize, i32> {
        let asked = |part: u32| self.parts & part != 0;
        let narrowing = Narrowing {
            scopes: asked(SCOPES).then(|| scopes(self.scopes)),
            expires_at: asked(EXPIRES_AT).then_some(UnixSeconds(self.expires_at)),
            not_before: asked(NOT_BEFORE).then_some(UnixSeconds(self.not_before)),
            networks: if asked(NETWORKS) { Some(networks(self.networks)?) } else { None },
        };
        let key = str::from_utf8(self.key).map_err(|_| outcome::MALFORMED)?;
        let narrowed = narrow(key, &narrowing).map_err(outcome::narrow)?;
        let text = narrowed.secret_str().as_bytes();
        output.get_mut(..text.len()).ok_or(outcome::MISUSE)?.copy_from_slice(text);
        Ok(text.len())
    }
}

fn scopes(bits: &[u8]) -> ScopeSet {
    let has = |number: &u8| {
        let byte = bits.get(usize::from(number / 8)).copied().unwrap_or(0);
        byte & 1 << (number % 8) != 0
    };
    (0..=u8::MAX).filter(has).collect()
}

fn networks(text: &[u8]) -> Result<Networks, i32> {
    let text = str::from_utf8(text).map_err(|_| outcome::NO_NETWORK)?;
    let mut none = None;
    let read = text.split(' ').filter(|word| !word.is_empty()).map_while(|word| {
        let network: Result<Network, NetworkError> = word.parse();
        network.map_err(|error| none = Some(error)).ok()
    });
    let networks = Networks::new(read);
    none.map_or_else(|| networks.map_err(outcome::networks), |error| Err(outcome::network(error)))
}

const SCOPES: u32 = 1;
const EXPIRES_AT: u32 = 2;
const NOT_BEFORE: u32 = 4;
const NETWORKS: u32 = 8;

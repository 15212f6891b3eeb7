//! Interface `holder`: what is narrowed and inspected without a key set.

use wardkey::{MAX_BLOCKS, MAX_KEY_LEN, Narrowing};

use crate::claims::{Claims, Said};
use crate::handed::Told;
use crate::holding::narrowing::{NotNarrowed, Taken};

/// Longest prefix, in bytes.
const MAX_PREFIX_LEN: usize = 18;

#[repr(C)]
pub(crate) struct Unproven {
    prefix: Told<u8>,
    claims: Claims,
    narrowings: Told<Taken>,
    scopes_left: Told<u8>,
    expires_at_s: u32,
}

/// Room for what a call answers.
pub(crate) struct Page {
    key: [u8; MAX_KEY_LEN],
    prefix: [u8; MAX_PREFIX_LEN],
    base: Said,
    left: Said,
    narrowed: [Said; MAX_BLOCKS],
    narrowings: [Taken; MAX_BLOCKS],
}

impl Page {
    pub(crate) const fn new() -> Self {
        Self {
            key: [0; MAX_KEY_LEN],
            prefix: [0; MAX_PREFIX_LEN],
            base: Said::new(),
            left: Said::new(),
            narrowed: [const { Said::new() }; MAX_BLOCKS],
            narrowings: [Taken::NOTHING; MAX_BLOCKS],
        }
    }

    /// WHY not inlined: what it leaves on the stack is wiped by its caller, whose own frame is not.
    #[inline(never)]
    pub(crate) fn narrow(
        &mut self,
        key: &str,
        narrowing: &Narrowing,
    ) -> Result<Told<u8>, NotNarrowed> {
        let narrowed = wardkey::narrow(key, narrowing)?;
        let text = narrowed.secret_str().as_bytes();
        let room = self.key.get_mut(..text.len()).ok_or(NotNarrowed::KeyTooLong)?;
        room.copy_from_slice(text);
        Ok(Told::new(room))
    }

    /// Forgets the key that was narrowed.
    pub(crate) fn forget(&mut self) {
        self.key.fill(0);
    }

    /// WHY not inlined: as above.
    #[inline(never)]
    pub(crate) fn inspect(&mut self, key: &str) -> Result<Unproven, NotNarrowed> {
        let unproven = wardkey::inspect(key)?;
        let prefix = unproven.prefix().as_str().as_bytes();
        let room = self.prefix.get_mut(..prefix.len()).ok_or(NotNarrowed::Malformed)?;
        room.copy_from_slice(prefix);
        let prefix = Told::new(room);
        let mut count = 0;
        let places = self.narrowings.iter_mut().zip(&mut self.narrowed);
        for ((taken, said), narrowing) in places.zip(unproven.narrowings()) {
            *taken = Taken::told(narrowing, said);
            count += 1;
        }
        Ok(Unproven {
            prefix,
            claims: self.base.claims(unproven.base()),
            narrowings: Told::new(self.narrowings.get(..count).unwrap_or_default()),
            scopes_left: self.left.scopes(unproven.scopes_left()),
            expires_at_s: unproven.expires_at().0,
        })
    }
}

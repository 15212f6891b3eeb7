//! What a key's issuer adds to its base: when and from where it may be used.

use crate::bytes::Writer;
use crate::fields::Fields;
use crate::networks::{Networks, NetworksView};
use crate::time::UnixSeconds;

/// Longest constraints, in bytes.
pub(crate) const MAX_CONSTRAINTS_LEN: usize = 128;

/// When and from where a key may be used, beyond its expiry.
///
/// # Constraints
/// At most 128 bytes: 6 for not-before, 2 and the set's own bytes for networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// The first second in which it is valid.
    pub not_before: Option<UnixSeconds>,
    /// The networks that it may be used from; from everywhere if there are none.
    pub networks: Option<Networks>,
}

impl Constraints {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.not_before.is_none() && self.networks.is_none()
    }

    /// Writes them into `buffer` and returns their length; `None` if they do not fit.
    pub(crate) fn encode(&self, buffer: &mut [u8; MAX_CONSTRAINTS_LEN]) -> Option<usize> {
        let Self { not_before, networks } = *self;
        let mut writer = Writer::new(buffer);
        let networks = networks.as_ref().map(Networks::view);
        let fields = Fields { not_before, networks, ..Fields::default() };
        fields.encode(&mut writer).ok()?;
        Some(writer.len())
    }
}

/// Constraints where they stand in a base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConstraintsView<'b> {
    pub(crate) not_before: Option<UnixSeconds>,
    pub(crate) networks: Option<NetworksView<'b>>,
}

impl<'b> ConstraintsView<'b> {
    /// Reads what a base announces; `None` for another spelling than the one.
    pub(crate) fn decode(bytes: &'b [u8]) -> Option<Self> {
        if bytes.len() > MAX_CONSTRAINTS_LEN {
            return None;
        }
        match Fields::decode(bytes)? {
            Fields { scopes: None, expires_at: None, not_before, networks } => {
                Some(Self { not_before, networks })
            }
            // A base has fields of its own for these.
            _ => None,
        }
    }

    /// The same in memory of their own.
    pub(crate) fn to_constraints(self) -> Constraints {
        let Self { not_before, networks } = self;
        Constraints { not_before, networks: networks.map(NetworksView::to_networks) }
    }
}

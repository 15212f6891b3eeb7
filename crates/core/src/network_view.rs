//! A network where it stands in a key: family, prefix length, address.

use core::net::IpAddr;

use crate::network::{Network, NetworkError};

/// An address of 4 or 16 bytes, with the bits behind the prefix zero.
#[derive(Clone, Copy)]
pub(crate) struct NetworkView<'b> {
    address: &'b [u8],
    prefix_len: u8,
}

impl<'b> NetworkView<'b> {
    /// Takes an address's bytes and a prefix length.
    pub(crate) fn new(address: &'b [u8], prefix_len: u8) -> Result<Self, NetworkError> {
        if usize::from(prefix_len) > 8 * address.len() {
            return Err(NetworkError::PrefixLen);
        }
        if masks(prefix_len).zip(address).any(|(mask, byte)| byte & !mask != 0) {
            return Err(NetworkError::HostBits);
        }
        if usize::from(prefix_len) >= 8 * MAPPED.len() && address.starts_with(&MAPPED) {
            return Err(NetworkError::Mapped);
        }
        Ok(Self { address, prefix_len })
    }

    /// Reads a network off the front of `bytes`.
    pub(crate) fn split(bytes: &'b [u8]) -> Option<(Self, &'b [u8])> {
        let ([family, prefix_len], rest) = bytes.split_first_chunk()?;
        let len = match family {
            4 => 4,
            6 => 16,
            _ => return None,
        };
        let (address, rest) = rest.split_at_checked(len)?;
        Some((Self::new(address, *prefix_len).ok()?, rest))
    }

    /// Whether the address lies in the network.
    pub(crate) fn contains(&self, caller: &Octets) -> bool {
        let pairs = self.address.iter().zip(caller.as_bytes());
        self.address.len() == caller.as_bytes().len()
            && masks(self.prefix_len).zip(pairs).all(|(mask, (own, byte))| (own ^ byte) & mask == 0)
    }

    /// The same in memory of its own.
    pub(crate) fn to_network(self) -> Option<Network> {
        let address = match (self.address.first_chunk::<16>(), self.address.first_chunk::<4>()) {
            (Some(v6), _) => IpAddr::from(*v6),
            (None, Some(v4)) => IpAddr::from(*v4),
            (None, None) => return None,
        };
        Network::new(address, self.prefix_len).ok()
    }
}

/// Which bits of each byte of an address lie within the prefix.
fn masks(prefix_len: u8) -> impl Iterator<Item = u8> {
    let bits_before = (0..=u8::MAX).step_by(8);
    bits_before.map(move |before| !(0xff >> prefix_len.saturating_sub(before).min(8)) as u8)
}

/// The bytes of an address, as networks are compared with it: an IPv4-mapped one counts as IPv4.
pub(crate) struct Octets {
    bytes: [u8; 16],
    len: usize,
}

impl Octets {
    /// Those of a caller.
    pub(crate) fn of_caller(caller: IpAddr) -> Self {
        Self::of(caller.to_canonical())
    }

    /// Those of an address as it is written.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V6(v6) => Self { bytes: v6.octets(), len: 16 },
            IpAddr::V4(v4) => {
                let mut bytes = [0; 16];
                bytes.iter_mut().zip(v4.octets()).for_each(|(slot, byte)| *slot = byte);
                Self { bytes, len: 4 }
            }
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// What IPv4-mapped addresses begin with (RFC 4291 section 2.5.5.2).
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

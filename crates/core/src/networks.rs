//! The networks that a key may be used from, as they stand in a key.

use core::fmt;
use core::net::IpAddr;

use crate::network::Network;
use crate::network_view::{NetworkView, Octets};

/// Longest set, in bytes: what fits into a base's constraints.
const MAX_LEN: usize = 126;
/// Bytes of the shortest entry: family, prefix length, IPv4 address.
const LEAST_ENTRY_LEN: usize = 6;
/// Most entries of a set.
const MAX_ENTRIES: usize = MAX_LEN / LEAST_ENTRY_LEN;

/// A set of networks: a caller must be in one of them.
///
/// # Constraints
/// At least one, at most 126 bytes in a base (120 beside a not-before) and 62 in a block: 6 bytes for each
/// IPv4 network, 18 for each IPv6 network. Never two that are the same.
///
/// # Example
/// ```
/// use wardkey::{Network, Networks};
/// let office: Network = "192.0.2.0/24".parse().unwrap();
/// let networks = Networks::new([office])?;
/// assert!(networks.allow(Some("192.0.2.7".parse().unwrap())));
/// assert!(!networks.allow(None), "a caller that nobody knows is in none");
/// # Ok::<(), wardkey::NetworksError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Networks {
    bytes: [u8; MAX_LEN],
    len: u8,
}

/// Networks that make no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworksError {
    /// None at all: nobody could use the key.
    Empty,
    /// More than fit into a key.
    TooMany,
}

impl fmt::Display for NetworksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a set of networks names at least one",
            Self::TooMany => {
                "the networks are more than 126 bytes: 6 for each of IPv4, 18 for each of IPv6"
            }
        })
    }
}

impl core::error::Error for NetworksError {}

impl Networks {
    /// Builds a set from networks in any order; the same one twice counts once.
    ///
    /// # Errors
    /// [`NetworksError`].
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Result<Self, NetworksError> {
        let mut sorted: [Option<Network>; MAX_ENTRIES] = [None; MAX_ENTRIES];
        let mut count = 0;
        for network in networks {
            let taken = sorted.get(..count).unwrap_or_default();
            // Addresses order as their bytes do, but prefix lengths come first in the bytes.
            let key = |network: &Network| {
                (network.address().is_ipv6(), network.prefix_len(), network.address())
            };
            let Err(place) =
                taken.binary_search_by_key(&Some(key(&network)), |taken| taken.as_ref().map(key))
            else {
                continue;
            };
            let room = sorted.get_mut(place..=count).ok_or(NetworksError::TooMany)?;
            room.rotate_right(1);
            if let Some(first) = room.first_mut() {
                *first = Some(network);
            }
            count += 1;
        }
        let mut set = Self { bytes: [0; MAX_LEN], len: 0 };
        for network in sorted.iter().flatten() {
            set.push(network).ok_or(NetworksError::TooMany)?;
        }
        if set.len == 0 { Err(NetworksError::Empty) } else { Ok(set) }
    }

    fn push(&mut self, network: &Network) -> Option<()> {
        let mut append = |part: &[u8]| {
            let start = usize::from(self.len);
            self.bytes.get_mut(start..start + part.len())?.copy_from_slice(part);
            self.len += u8::try_from(part.len()).ok()?;
            Some(())
        };
        match network.address() {
            IpAddr::V4(v4) => {
                append(&[4, network.prefix_len()])?;
                append(&v4.octets())
            }
            IpAddr::V6(v6) => {
                append(&[6, network.prefix_len()])?;
                append(&v6.octets())
            }
        }
    }

    /// Its one spelling.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The same, where it stands.
    pub(crate) fn view(&self) -> NetworksView<'_> {
        NetworksView(self.as_bytes())
    }

    /// The networks, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Network> + '_ {
        self.view().iter().filter_map(NetworkView::to_network)
    }

    /// Whether a caller is in one of the networks; one whose address is not known is in none.
    pub fn allow(&self, caller: Option<IpAddr>) -> bool {
        self.view().allow(caller)
    }
}

/// A set in its one spelling, where it stands in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetworksView<'b>(&'b [u8]);

impl<'b> NetworksView<'b> {
    /// Reads a set: entries in their one spelling, strictly ascending as byte strings.
    pub(crate) fn from_bytes(bytes: &'b [u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut last: &[u8] = &[];
        while !rest.is_empty() {
            let (_, after) = NetworkView::split(rest)?;
            let entry = rest.get(..rest.len() - after.len())?;
            if entry <= last {
                return None;
            }
            (last, rest) = (entry, after);
        }
        (!bytes.is_empty() && bytes.len() <= MAX_LEN).then_some(Self(bytes))
    }

    pub(crate) const fn as_bytes(self) -> &'b [u8] {
        self.0
    }

    /// The set in memory of its own.
    pub(crate) fn to_networks(self) -> Networks {
        let mut set = Networks { bytes: [0; MAX_LEN], len: 0 };
        if let (Some(room), Ok(len)) = (set.bytes.get_mut(..self.0.len()), self.0.len().try_into())
        {
            room.copy_from_slice(self.0);
            set.len = len;
        }
        set
    }

    fn iter(self) -> impl Iterator<Item = NetworkView<'b>> + 'b {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (network, after) = NetworkView::split(rest)?;
            rest = after;
            Some(network)
        })
    }

    pub(crate) fn allow(self, caller: Option<IpAddr>) -> bool {
        caller
            .map(Octets::of_caller)
            .is_some_and(|caller| self.iter().any(|network| network.contains(&caller)))
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn networks(texts: &[&str]) -> Result<Networks, NetworksError> {
        Networks::new(texts.iter().map(|text| text.parse::<Network>().expect("a network")))
    }

    #[test]
    fn a_set_has_one_spelling_whatever_order_it_is_built_in() {
        let one =
            networks(&["10.0.0.0/8", "2001:db8::/32", "9.0.0.0/8", "10.0.0.0/7"]).expect("a set");
        let other =
            networks(&["2001:db8::/32", "10.0.0.0/7", "9.0.0.0/8", "10.0.0.0/8", "9.0.0.0/8"]);
        assert_eq!(Ok(one), other);
        assert_eq!(one.as_bytes()[..18], [4, 7, 10, 0, 0, 0, 4, 8, 9, 0, 0, 0, 4, 8, 10, 0, 0, 0]);
        assert_eq!(one.as_bytes().len(), 36);
        assert_eq!(
            NetworksView::from_bytes(one.as_bytes()).map(NetworksView::to_networks),
            Some(one)
        );
        assert_eq!(one.iter().count(), 4);
    }

    #[test]
    fn a_set_is_1_to_126_bytes() {
        assert_eq!(networks(&[]), Err(NetworksError::Empty));
        assert_eq!(NetworksView::from_bytes(&[]), None);
        let many = |count: u8| {
            Networks::new(
                (0..count).map(|n| Network::new(IpAddr::from([n, 0, 0, 0]), 8).expect("a network")),
            )
        };
        assert_eq!(many(21).expect("126 bytes").as_bytes().len(), 126);
        assert_eq!(many(22), Err(NetworksError::TooMany));
        let wide = |count: u16| {
            Networks::new((0..count).map(|n| {
                Network::new(IpAddr::from([n + 1, 0, 0, 0, 0, 0, 0, 0]), 16).expect("a network")
            }))
        };
        assert_eq!(wide(7).expect("126 bytes").as_bytes().len(), 126);
        assert_eq!(wide(8), Err(NetworksError::TooMany));
    }

    #[test]
    fn what_is_out_of_order_doubled_or_no_network_is_refused() {
        let entry = |a: u8| [4, 8, a, 0, 0, 0];
        let of = |entries: &[[u8; 6]]| {
            let bytes = entries.concat();
            NetworksView::from_bytes(&bytes).map(NetworksView::to_networks)
        };
        assert!(of(&[entry(1), entry(2)]).is_some());
        assert_eq!(of(&[entry(2), entry(1)]), None);
        assert_eq!(of(&[entry(1), entry(1)]), None);
        for bad in [
            &[4, 8, 1, 0, 0][..],
            &[4, 8, 1, 0, 0, 0, 4],
            &[4, 8, 1, 1, 0, 0],
            &[4, 33, 1, 0, 0, 0],
            &[5, 8, 1, 0, 0, 0],
            &[6, 8, 1, 0, 0, 0],
        ] {
            assert_eq!(NetworksView::from_bytes(bad), None, "{bad:?}");
        }
        let mut mapped = Vec::from([6, 96]);
        mapped.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]);
        assert_eq!(NetworksView::from_bytes(&mapped), None);
        mapped[1] = 128;
        assert_eq!(NetworksView::from_bytes(&mapped), None);
        mapped[12..].fill(0);
        mapped[1] = 80;
        mapped[12..14].fill(0);
        assert!(NetworksView::from_bytes(&mapped).is_some());
    }

    #[test]
    fn any_network_of_a_set_will_do_and_an_unknown_caller_is_in_none() {
        let set = networks(&["10.0.0.0/8", "2001:db8::/32"]).expect("a set");
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert!(set.allow(Some(inside.parse().expect("an address"))), "{inside}");
        }
        for outside in ["11.1.2.3", "::10.1.2.3", "2001:db9::1"] {
            assert!(!set.allow(Some(outside.parse().expect("an address"))), "{outside}");
        }
        assert!(!set.allow(None));
    }
}

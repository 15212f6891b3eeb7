//! Addresses and networks, in the words of `wit/` and back.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wardkey::NetworkError;

#[repr(C, u8)]
#[derive(Clone, Copy)]
pub(crate) enum IpAddress {
    Ipv4([u8; 4]),
    Ipv6([u16; 8]),
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Network {
    address: IpAddress,
    prefix_len: u8,
}

impl Network {
    pub(crate) const NONE: Self = Self { address: IpAddress::Ipv4([0; 4]), prefix_len: 0 };
}

impl From<IpAddress> for IpAddr {
    fn from(address: IpAddress) -> Self {
        match address {
            IpAddress::Ipv4(octets) => Ipv4Addr::from_octets(octets).into(),
            IpAddress::Ipv6(segments) => Ipv6Addr::from_segments(segments).into(),
        }
    }
}

impl From<wardkey::Network> for Network {
    fn from(network: wardkey::Network) -> Self {
        let address = match network.address() {
            IpAddr::V4(v4) => IpAddress::Ipv4(v4.octets()),
            IpAddr::V6(v6) => IpAddress::Ipv6(v6.segments()),
        };
        Self { address, prefix_len: network.prefix_len() }
    }
}

impl TryFrom<Network> for wardkey::Network {
    type Error = NetworkError;

    fn try_from(network: Network) -> Result<Self, NetworkError> {
        Self::new(network.address.into(), network.prefix_len)
    }
}

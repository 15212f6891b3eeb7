//! Addresses and networks, in the words of `wit/` and back.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wardkey::NetworkError;

use crate::bindings::exports::wardkey::verify::keys::{IpAddress, Network};

impl From<IpAddr> for IpAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::Ipv4(v4.octets().into()),
            IpAddr::V6(v6) => Self::Ipv6(v6.segments().into()),
        }
    }
}

impl From<IpAddress> for IpAddr {
    fn from(address: IpAddress) -> Self {
        match address {
            IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
            IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => {
                Ipv6Addr::new(a, b, c, d, e, f, g, h).into()
            }
        }
    }
}

impl From<wardkey::Network> for Network {
    fn from(network: wardkey::Network) -> Self {
        Self { address: network.address().into(), prefix_length: network.prefix_len() }
    }
}

impl TryFrom<&Network> for wardkey::Network {
    type Error = NetworkError;

    fn try_from(network: &Network) -> Result<Self, NetworkError> {
        Self::new(network.address.into(), network.prefix_length)
    }
}

//! One network of caller addresses, in CIDR notation.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use crate::network_view::{NetworkView, Octets};

/// A network of caller addresses (CIDR, RFC 4632 and RFC 4291 section 2.3).
///
/// # Constraints
/// Prefix length 0 to 32 or 0 to 128; all bits behind it zero; not inside `::ffff:0:0/96`, because
/// such callers count as IPv4.
///
/// # Example
/// ```
/// use wardkey::Network;
/// let office: Network = "192.0.2.0/24".parse()?;
/// assert!(office.contains("192.0.2.77".parse().unwrap()));
/// assert!(office.contains("::ffff:192.0.2.77".parse().unwrap()));
/// assert!(!office.contains("192.0.3.1".parse().unwrap()));
/// assert!("192.0.2.1/24".parse::<Network>().is_err());
/// # Ok::<(), wardkey::NetworkError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix_len: u8,
}

/// What is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// Not an address, a slash and a decimal length without leading zeros.
    Syntax,
    /// A prefix longer than the address.
    PrefixLen,
    /// Bits behind the prefix are not zero.
    HostBits,
    /// Inside `::ffff:0:0/96`: to be written as an IPv4 network.
    Mapped,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "a network is an address and a prefix length, such as 192.0.2.0/24",
            Self::PrefixLen => "a network's prefix is at most 32 bits of IPv4 or 128 of IPv6",
            Self::HostBits => "a network's address has bits behind its prefix",
            Self::Mapped => "an IPv4-mapped network is written as an IPv4 network",
        })
    }
}

impl core::error::Error for NetworkError {}

impl Network {
    /// Builds a network.
    ///
    /// # Errors
    /// [`NetworkError`], never [`NetworkError::Syntax`].
    pub fn new(address: IpAddr, prefix_len: u8) -> Result<Self, NetworkError> {
        NetworkView::new(Octets::of(address).as_bytes(), prefix_len)?;
        Ok(Self { address, prefix_len })
    }

    /// The first address.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits all its addresses share.
    pub const fn prefix_len(&self) -> u8 {
        self.prefix_len
    }

    /// Whether the address lies in the network. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, caller: IpAddr) -> bool {
        let own = Octets::of(self.address);
        // It was built from these, so that they are a network.
        NetworkView::new(own.as_bytes(), self.prefix_len)
            .is_ok_and(|network| network.contains(&Octets::of_caller(caller)))
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, len) = text.split_once('/').ok_or(NetworkError::Syntax)?;
        let address = address.parse().map_err(|_| NetworkError::Syntax)?;
        let decimal =
            len.bytes().all(|b| b.is_ascii_digit()) && !(len.len() > 1 && len.starts_with('0'));
        if !decimal || len.is_empty() {
            return Err(NetworkError::Syntax);
        }
        // Digits only, so that what does not fit is too long.
        Self::new(address, len.parse().map_err(|_| NetworkError::PrefixLen)?)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn a_network_has_one_spelling() {
        for good in [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "255.255.255.255/32",
            "128.0.0.0/1",
            "::/0",
            "::/95",
            "2001:db8::/32",
            "::1/128",
            "8000::/1",
        ] {
            assert_eq!(good.parse::<Network>().expect(good).to_string(), good);
        }
        for (bad, error) in [
            ("10.0.0.0", NetworkError::Syntax),
            ("10.0.0.0/", NetworkError::Syntax),
            ("10.0.0.0/08", NetworkError::Syntax),
            ("10.0.0.0/+8", NetworkError::Syntax),
            ("10.0.0/8", NetworkError::Syntax),
            ("/8", NetworkError::Syntax),
            ("", NetworkError::Syntax),
            ("0.0.0.0/33", NetworkError::PrefixLen),
            ("0.0.0.0/256", NetworkError::PrefixLen),
            ("::/129", NetworkError::PrefixLen),
            ("10.0.0.1/31", NetworkError::HostBits),
            ("1.0.0.0/0", NetworkError::HostBits),
            ("::1/127", NetworkError::HostBits),
            ("1::/0", NetworkError::HostBits),
            ("::ffff:0:0/96", NetworkError::Mapped),
            ("::ffff:10.0.0.0/104", NetworkError::Mapped),
            ("::ffff:10.0.0.1/128", NetworkError::Mapped),
        ] {
            assert_eq!(bad.parse::<Network>(), Err(error), "{bad}");
        }
        // Around the mapped ones, and a network that holds them among others.
        for good in ["::fffe:0:0/96", "::1:0:0:0/96", "::fffe:0:0/95", "::/80"] {
            assert!(good.parse::<Network>().is_ok(), "{good}");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_that_share_its_prefix() {
        for (network, inside, outside) in [
            (
                "0.0.0.0/0",
                &["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"][..],
                &["::", "::1"][..],
            ),
            ("::/0", &["::", "ffff::"], &["1.2.3.4", "::ffff:1.2.3.4"]),
            (
                "10.0.0.0/8",
                &["10.0.0.0", "10.255.255.255"],
                &["9.255.255.255", "11.0.0.0", "a00::"],
            ),
            (
                "192.0.2.1/32",
                &["192.0.2.1", "::ffff:192.0.2.1"],
                &["192.0.2.0", "192.0.2.2", "::192.0.2.1"],
            ),
            (
                "2001:db8::/33",
                &["2001:db8::", "2001:db8:7fff::"],
                &["2001:db8:8000::", "2001:db9::"],
            ),
            ("::1/128", &["::1"], &["::", "::2", "0.0.0.1"]),
        ] {
            let network: Network = network.parse().expect("a network");
            for address in inside {
                assert!(
                    network.contains(address.parse().expect("an address")),
                    "{network} {address}"
                );
            }
            for address in outside {
                assert!(
                    !network.contains(address.parse().expect("an address")),
                    "{network} {address}"
                );
            }
        }
    }
}

//! Whom calls are counted for, by the address that they come from.

use std::net::{IpAddr, Ipv6Addr};

use worker::Headers;

use crate::problem::ApiError;

/// The name under which a caller's calls are counted.
///
/// WHY an IPv6 address counts by its first 64 bits: whoever has one has all that begin so, and would never come to an end of
/// them. All callers whose address is not known, as where Cloudflare is not in front, are counted together.
pub(crate) fn counted(headers: &Headers) -> Result<String, ApiError> {
    Ok(counted_as(&headers.get("CF-Connecting-IP")?.unwrap_or_default()))
}

fn counted_as(address: &str) -> String {
    match address.trim().parse().map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let network = u128::from(address) & NETWORK;
            format!("{}/64", Ipv6Addr::from(network))
        }
        Err(_) => UNKNOWN.into(),
    }
}

const NETWORK: u128 = !(u64::MAX as u128);
const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::counted_as;

    #[test]
    fn ipv4_counts_by_the_whole_address_in_either_spelling() {
        assert_eq!(counted_as("192.0.2.1"), "192.0.2.1");
        assert_eq!(counted_as("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(counted_as("::FFFF:c000:201"), "192.0.2.1");
        assert_ne!(counted_as("192.0.2.2"), counted_as("192.0.2.1"));
    }

    #[test]
    fn ipv6_counts_by_its_first_64_bits() {
        for same in ["2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:0DB8:1:2::1"] {
            assert_eq!(counted_as(same), "2001:db8:1:2::/64");
        }
        assert_eq!(counted_as("2001:db8:1:3::1"), "2001:db8:1:3::/64");
        assert_eq!(counted_as("::1"), "::/64");
    }

    #[test]
    fn what_is_no_address_counts_as_one() {
        for unknown in ["", "unknown", "192.0.2.1, 192.0.2.2", "192.0.2", "2001:db8::1%eth0"] {
            assert_eq!(counted_as(unknown), "unknown", "{unknown}");
        }
    }
}

//! What a key may still do after narrowing, by a model of its own: plain numbers and loops, none of the
//! core's types. FORMAT.md section 5, rows 10 to 12 and 15 to 17.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wardkey::{Constraints, Narrowing, Network, Networks, RiskLevel, ScopeSet, UnixSeconds};

/// What the issuer, or a holder, says beyond who and until when; a missing part says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) scopes: Option<Vec<u8>>,
    pub(crate) expires_at: Option<u32>,
    pub(crate) not_before: Option<u32>,
    pub(crate) networks: Option<Vec<Net>>,
}

/// A network: its family, the bits of its first address, and how many of them count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Net {
    pub(crate) six: bool,
    pub(crate) bits: u128,
    pub(crate) len: u32,
}

/// A key by its times, what its issuer says, and what each holder took away.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) issued_at: u32,
    pub(crate) expires_at: u32,
    /// With all its scopes.
    pub(crate) issuer: Parts,
    pub(crate) holders: Vec<Parts>,
}

/// What is asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) scopes: &'a [u8],
    pub(crate) any: bool,
    /// Moved forward to the list's time already.
    pub(crate) now_ms: u64,
    pub(crate) skew_ms: u64,
    pub(crate) caller: Option<IpAddr>,
}

/// What is left of a key that may do what is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) scopes: Vec<u8>,
    pub(crate) expires_at: u32,
}

/// The strictest of some levels, by ranks of its own (FORMAT.md section 3); a strict one of none.
pub(crate) fn strictest(levels: impl IntoIterator<Item = RiskLevel>) -> RiskLevel {
    let rank = |level: &RiskLevel| match level {
        RiskLevel::Low => 0,
        RiskLevel::Standard => 1,
        RiskLevel::High => 2,
        RiskLevel::Strict => 3,
    };
    levels.into_iter().max_by_key(rank).unwrap_or(RiskLevel::Strict)
}

impl Said {
    /// Rows 10 to 12: the word for a key that is not in time, with what one more holder took away.
    pub(crate) fn untimely(&self, more: Option<&Parts>, asked: &Asked<'_>) -> Option<&'static str> {
        let now = u128::from(asked.now_ms);
        let ms = |second: u32| u128::from(second) * 1_000;
        if ms(self.issued_at) > (now + u128::from(asked.skew_ms)).min(u128::from(u64::MAX)) {
            return Some("clock_behind");
        }
        if now >= ms(self.left_until(more)) {
            return Some("expired");
        }
        let mut not_before = self.parts(more).filter_map(|parts| parts.not_before);
        not_before.any(|second| now < ms(second)).then_some("not_yet_valid")
    }

    /// Rows 15 to 17: what is left, or the word for what is missing.
    pub(crate) fn left(
        &self,
        more: Option<&Parts>,
        asked: &Asked<'_>,
    ) -> Result<Left, &'static str> {
        let held = self.issuer.scopes.as_deref().unwrap_or_default();
        let mut left = held.to_vec();
        for parts in self.parts(more) {
            if let Some(only) = &parts.scopes {
                left.retain(|scope| only.contains(scope));
            }
        }
        let met = |scopes: &[u8]| {
            let mut required = asked.scopes.iter();
            if asked.any {
                required.any(|scope| scopes.contains(scope))
            } else {
                required.all(|scope| scopes.contains(scope))
            }
        };
        if !met(held) {
            return Err("scope_missing");
        }
        if !met(&left) {
            return Err("narrowed");
        }
        for networks in self.parts(more).filter_map(|parts| parts.networks.as_ref()) {
            let Some(caller) = asked.caller else { return Err("address_not_allowed") };
            if !networks.iter().any(|net| net.holds(caller)) {
                return Err("address_not_allowed");
            }
        }
        Ok(Left { scopes: left, expires_at: self.left_until(more) })
    }

    /// The issuer's, and those of all holders.
    fn parts<'s>(&'s self, more: Option<&'s Parts>) -> impl Iterator<Item = &'s Parts> {
        std::iter::once(&self.issuer).chain(&self.holders).chain(more)
    }

    /// The earliest expiry.
    fn left_until(&self, more: Option<&Parts>) -> u32 {
        let mut earliest = self.expires_at;
        for second in self.parts(more).filter_map(|parts| parts.expires_at) {
            if second < earliest {
                earliest = second;
            }
        }
        earliest
    }
}

impl Net {
    pub(crate) fn holds(&self, caller: IpAddr) -> bool {
        let (mut six, mut bits) = match caller {
            IpAddr::V4(four) => (false, u128::from(u32::from(four))),
            IpAddr::V6(six) => (true, u128::from(six)),
        };
        if six && bits >> 32 == 0xffff {
            (six, bits) = (false, bits & 0xffff_ffff);
        }
        let width = if self.six { 128 } else { 32 };
        let counts = |place: u32| place >= width - self.len;
        six == self.six
            && (0..width).all(|place| !counts(place) || (bits ^ self.bits) >> place & 1 == 0)
    }

    fn to_core(self) -> Option<Network> {
        let address = if self.six {
            IpAddr::from(Ipv6Addr::from(self.bits))
        } else {
            IpAddr::from(Ipv4Addr::from(u32::try_from(self.bits).ok()?))
        };
        Network::new(address, u8::try_from(self.len).ok()?).ok()
    }
}

impl Parts {
    /// Bytes of the block that says so (FORMAT.md sections 2.3 and 2.4).
    pub(crate) fn block_len(&self) -> usize {
        let scopes = self.scopes.iter().flatten().max();
        let scopes = scopes.map_or(0, |most| 3 + usize::from(*most) / 8);
        let times = [self.expires_at, self.not_before].into_iter().flatten().count() * 6;
        let networks = self.networks.as_ref().map_or(0, |networks| {
            // The same one twice is written once.
            let mut seen: Vec<&Net> = vec![];
            for net in networks {
                if !seen.contains(&net) {
                    seen.push(net);
                }
            }
            2 + seen.iter().map(|net| if net.six { 18 } else { 6 }).sum::<usize>()
        });
        2 + scopes + times + networks
    }

    /// As the core takes them from a holder.
    pub(crate) fn narrowing(&self) -> Option<Narrowing> {
        Some(Narrowing {
            scopes: self.scopes.as_ref().map(|scopes| ScopeSet::from_iter(scopes.iter().copied())),
            expires_at: self.expires_at.map(UnixSeconds),
            not_before: self.not_before.map(UnixSeconds),
            networks: self.core_networks()?,
        })
    }

    /// As the core takes them from an issuer.
    pub(crate) fn constraints(&self) -> Option<Constraints> {
        let not_before = self.not_before.map(UnixSeconds);
        Some(Constraints { not_before, networks: self.core_networks()? })
    }

    fn core_networks(&self) -> Option<Option<Networks>> {
        let Some(networks) = &self.networks else { return Some(None) };
        let networks: Option<Vec<Network>> = networks.iter().map(|net| net.to_core()).collect();
        Some(Some(Networks::new(networks?).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        let network: Network = text.parse().expect("a network");
        let (six, bits) = match network.address() {
            IpAddr::V4(four) => (false, u128::from(u32::from(four))),
            IpAddr::V6(six) => (true, u128::from(six)),
        };
        Net { six, bits, len: network.prefix_len().into() }
    }

    #[test]
    fn a_network_holds_what_shares_its_prefix() {
        for (network, caller, holds) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "::1", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("::/0", "1.2.3.4", false),
            ("::/0", "ffff::", true),
            ("2001:db8::/33", "2001:db8:8000::", false),
            ("2001:db8::/33", "2001:db8:7fff::", true),
            ("1.2.3.4/32", "1.2.3.5", false),
        ] {
            let caller = caller.parse().expect("an address");
            assert_eq!(net(network).holds(caller), holds, "{network} {caller}");
        }
    }
}

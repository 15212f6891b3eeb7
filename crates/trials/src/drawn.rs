//! Keys of chance: everything that an issuer and holders may say, drawn in the model's words and handed to the core.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wardkey::{Base, KeyId, ScopeSet, StatusIndex, Subject, UnixMillis, UnixSeconds, narrow};

use crate::chance::Chance;
use crate::issuer::Issuer;
use crate::model::{Net, Parts, Said};

/// A key with all that was said of it.
#[derive(Clone, Debug)]
pub(crate) struct DrawnKey {
    pub(crate) text: String,
    pub(crate) base: Base,
    pub(crate) said: Said,
}

/// What drawn keys shall have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim<'a> {
    /// When they are used.
    pub(crate) now: UnixMillis,
    /// From where; every network drawn holds it if `kind`.
    pub(crate) caller: IpAddr,
    /// Scopes that each of them has, and keeps if `kind`.
    pub(crate) core: &'a [u8],
    /// Whether they shall still do the core's scopes, now and from there, after every narrowing.
    pub(crate) kind: bool,
}

impl DrawnKey {
    /// A key of any of the issuer's epochs, of this status index, that nobody has narrowed.
    pub(crate) fn minted(
        issuer: &Issuer,
        index: u32,
        aim: Aim<'_>,
        chance: &mut Chance,
    ) -> Option<Self> {
        let signer = chance.pick(&issuer.signers)?;
        let now = aim.now.second()?.0;
        let issued_at = match chance.below(8) {
            0 => now,
            _ => chance.between(signer.mint_from, now),
        };
        let least = issued_at.saturating_add(60);
        let expires_at = match chance.below(8) {
            0 => signer.verify_until,
            1 if !aim.kind => near(chance, now).clamp(least, signer.verify_until),
            _ => chance.between(least.max(now.saturating_add(1)), signer.verify_until),
        };
        let mut says = Parts::default();
        if chance.one_in(3) {
            says.not_before = drawn_not_before(aim, chance);
        }
        if chance.one_in(3) {
            let room = if says.not_before.is_some() { 120 } else { 126 };
            says.networks = drawn_networks(aim, room, chance);
        }
        let constraints = says.constraints()?;
        let most = if chance.one_in(4) { 32 } else { 8 };
        let scopes = drawn_scopes(issuer, aim.core, most, chance);
        says.scopes = Some(scopes.clone());
        let base = Base {
            signing_key: issuer.id(signer),
            key_id: KeyId(chance.bytes()),
            status_index: StatusIndex(index),
            issued_at: UnixSeconds(issued_at),
            expires_at: UnixSeconds(expires_at),
            subject: drawn_subject(chance)?,
            scopes: ScopeSet::from_iter(scopes),
            constraints,
        };
        let text = issuer.mint(&base)?.secret_str().to_owned();
        let said = Said { issued_at, expires_at, issuer: says, holders: vec![] };
        Some(Self { text, base, said })
    }

    /// The same, as one more holder hands it on; `None` where it would be longer than 512 characters.
    pub(crate) fn narrowed(&self, parts: Parts) -> Option<Self> {
        let text = narrow(&self.text, &parts.narrowing()?).ok()?.secret_str().to_owned();
        let mut said = self.said.clone();
        said.holders.push(parts);
        Some(Self { text, base: self.base, said })
    }
}

/// What a holder takes away: one part at least, 64 bytes at most.
pub(crate) fn drawn_narrowing(issuer: &Issuer, aim: Aim<'_>, chance: &mut Chance) -> Parts {
    let mut parts = Parts::default();
    let mut room = 64;
    let which = 1 + chance.below(15);
    if which & 1 != 0 {
        let core = if aim.kind { aim.core } else { &[] };
        let scopes = drawn_scopes(issuer, core, 32, chance);
        room -= 3 + usize::from(scopes.iter().max().copied().unwrap_or(0)) / 8;
        parts.scopes = Some(scopes);
    }
    if which & 2 != 0 {
        let now = aim.now.second().map_or(0, |second| second.0);
        room -= 6;
        parts.expires_at = Some(match chance.below(4) {
            0 if !aim.kind => near(chance, now),
            1 => u32::MAX,
            _ => chance.between(now.saturating_add(1), now.saturating_add(100_000)),
        });
    }
    if which & 4 != 0 && room >= 6 {
        room -= 6;
        parts.not_before = drawn_not_before(aim, chance);
    }
    if which & 8 != 0 && room >= 8 {
        parts.networks = drawn_networks(aim, room - 2, chance);
    }
    if parts == Parts::default() {
        parts.not_before = Some(0);
    }
    parts
}

/// A caller of either family, or one of IPv4 that comes as IPv6.
pub(crate) fn drawn_caller(chance: &mut Chance) -> IpAddr {
    let four = Ipv4Addr::from(chance.draw() as u32);
    match chance.below(3) {
        0 => four.into(),
        1 => four.to_ipv6_mapped().into(),
        _ => Ipv6Addr::from(wide(chance)).into(),
    }
}

fn drawn_subject(chance: &mut Chance) -> Option<Subject> {
    let len = chance.between(1, 63);
    let mut text = String::new();
    for place in 0..len {
        let letters: &[u8] = if place == 0 { &LETTERS[..36] } else { LETTERS };
        text.push(char::from(*chance.pick(letters)?));
    }
    Subject::new(&text).ok()
}

/// The core's scopes and others, named by the catalog or not, `most` bytes long at most but for the core's.
fn drawn_scopes(issuer: &Issuer, core: &[u8], most: u32, chance: &mut Chance) -> Vec<u8> {
    let mut scopes = core.to_vec();
    let catalog = &issuer.catalog;
    for _ in 0..chance.below(5) {
        let named = chance.pick(catalog).map_or(0, |scope| scope.number);
        let any = chance.between(0, most * 8 - 1) as u8;
        let number = if chance.one_in(4) { any } else { named };
        if u32::from(number) < most * 8 {
            scopes.push(number);
        }
    }
    if scopes.is_empty() {
        scopes.push(chance.between(0, most * 8 - 1) as u8);
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

fn drawn_not_before(aim: Aim<'_>, chance: &mut Chance) -> Option<u32> {
    let now = aim.now.second()?.0;
    Some(match chance.below(4) {
        0 if !aim.kind => near(chance, now),
        1 => 0,
        2 => now,
        _ => chance.between(now.saturating_sub(100_000), now),
    })
}

/// Networks of at most `room` bytes; none where there is no room for the caller's.
fn drawn_networks(aim: Aim<'_>, room: usize, chance: &mut Chance) -> Option<Vec<Net>> {
    let mut networks = vec![];
    let mut left = room;
    let (six, bits) = canonical(aim.caller);
    if aim.kind || !chance.one_in(4) {
        if left < len_of(six) {
            return None;
        }
        left -= len_of(six);
        let width = if six { 128 } else { 32 };
        networks.push(network(six, bits, chance.between(0, width)));
    }
    for _ in 0..chance.below(4) {
        let six = chance.one_in(3);
        if left < len_of(six) {
            break;
        }
        left -= len_of(six);
        let (width, bits) = if six { (128, wide(chance)) } else { (32, chance.draw().into()) };
        networks.push(network(six, bits, chance.between(0, width)));
    }
    if networks.is_empty() {
        networks.push(network(false, chance.draw().into(), 32));
    }
    Some(networks)
}

/// The network of an address whose first `len` bits count.
fn network(six: bool, bits: u128, len: u32) -> Net {
    let width = if six { 128 } else { 32 };
    let bits = if six { bits } else { bits & 0xffff_ffff };
    let host_bits = width - len;
    let bits = bits.checked_shr(host_bits).unwrap_or(0).checked_shl(host_bits).unwrap_or(0);
    let mapped = six && len >= 96 && bits >> 32 == 0xffff;
    // Such a network has no spelling of six.
    if mapped {
        Net { six: false, bits: bits & 0xffff_ffff, len: len - 96 }
    } else {
        Net { six, bits, len }
    }
}

/// Bytes of an entry.
const fn len_of(six: bool) -> usize {
    if six { 18 } else { 6 }
}

fn canonical(caller: IpAddr) -> (bool, u128) {
    match caller.to_canonical() {
        IpAddr::V4(four) => (false, u128::from(u32::from(four))),
        IpAddr::V6(six) => (true, u128::from(six)),
    }
}

fn wide(chance: &mut Chance) -> u128 {
    u128::from(chance.draw()) << 64 | u128::from(chance.draw())
}

/// Up to five seconds before or after.
fn near(chance: &mut Chance, second: u32) -> u32 {
    second.saturating_sub(5).saturating_add(chance.between(0, 10))
}

const LETTERS: &[u8; 41] = b"abcdefghijklmnopqrstuvwxyz0123456789:._/-";

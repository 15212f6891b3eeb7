//! A key's payload, read and written by the specification's words and not by the core's code.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::input::Input;

/// Version to expires-at.
pub(crate) const FIXED_LEN: usize = 25;

/// What stands in a payload up to the checksum.
#[derive(Debug)]
pub(crate) struct KeyForm {
    pub(crate) tenant: u16,
    pub(crate) audience: u8,
    pub(crate) epoch: u8,
    pub(crate) key_id: [u8; 8],
    pub(crate) index: u32,
    pub(crate) issued_at: u32,
    pub(crate) expires_at: u32,
    pub(crate) subject: Vec<u8>,
    pub(crate) scopes: Vec<u8>,
    /// Of the base; empty where none are announced.
    pub(crate) constraints: Fields,
    pub(crate) blocks: Vec<Fields>,
    pub(crate) tag: [u8; 16],
    pub(crate) base_len: usize,
}

/// Values by type.
pub(crate) type Fields = BTreeMap<u8, Vec<u8>>;

/// What base and blocks leave together.
pub(crate) struct Left {
    pub(crate) scopes: [u8; 32],
    pub(crate) expires_at: u32,
    pub(crate) not_before: u32,
    /// Each must hold the caller's address.
    pub(crate) networks: Vec<Vec<u8>>,
}

impl KeyForm {
    /// Reads a payload without its checksum, leniently: whether it is in its one spelling, shows when
    /// it is written again.
    pub(crate) fn read(checked: &[u8]) -> Option<Self> {
        let (front, tag) = checked.split_last_chunk::<16>()?;
        let mut input = Input::new(front);
        input.u8();
        let (tenant, audience, epoch) = (input.u16(), input.u8(), input.u8());
        let (key_id, index) = (input.array(), input.u32());
        let (issued_at, expires_at) = (input.u32(), input.u32());
        let announced = input.u8();
        let subject = input.take(usize::from(announced & 0x3f)).to_vec();
        let len = input.u8();
        let scopes = input.take(usize::from(len)).to_vec();
        let constraints = if announced & 0x80 == 0 {
            Fields::new()
        } else {
            let len = input.u8();
            fields(input.take(usize::from(len)))?
        };
        let base_len = front.len() - input.rest().len();
        let mut blocks = vec![];
        while !input.is_empty() {
            input.u8();
            let len = input.u8();
            blocks.push(fields(input.take(usize::from(len)))?);
        }
        Some(Self {
            tenant,
            audience,
            epoch,
            key_id,
            index,
            issued_at,
            expires_at,
            subject,
            scopes,
            constraints,
            blocks,
            tag: *tag,
            base_len,
        })
    }

    /// The one spelling of what was read: the base, each block, and the tag.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(self.tenant.to_be_bytes());
        bytes.extend([self.audience, self.epoch]);
        bytes.extend(self.key_id);
        for number in [self.index, self.issued_at, self.expires_at] {
            bytes.extend(number.to_be_bytes());
        }
        let announced = if self.constraints.is_empty() { 0 } else { 0x80 };
        bytes.push(len_u8(&self.subject) | announced);
        bytes.extend(&self.subject);
        let scopes = trimmed(&self.scopes);
        bytes.push(len_u8(scopes));
        bytes.extend(scopes);
        if !self.constraints.is_empty() {
            let constraints = written(&self.constraints);
            bytes.push(len_u8(&constraints));
            bytes.extend(constraints);
        }
        for block in &self.blocks {
            let fields = written(block);
            bytes.extend([0x80, len_u8(&fields)]);
            bytes.extend(fields);
        }
        bytes.extend(self.tag);
        bytes
    }

    /// Whether a key of these words, in this spelling, is to be read.
    pub(crate) fn is_sound(&self) -> bool {
        let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let constrained = |kind: &u8| [NOT_BEFORE, NETWORKS].contains(kind);
        let full = |fields: &Fields| {
            !fields.is_empty()
                && fields.values().all(|value| !value.is_empty())
                && fields.get(&SCOPES).is_none_or(|set| set.len() <= 32)
        };
        self.epoch != 0
            && self.expires_at.checked_sub(self.issued_at).is_some_and(|lifetime| lifetime >= 60)
            && self.subject.first().is_some_and(plain)
            && self.subject.iter().all(|byte| plain(byte) || b":._/-".contains(byte))
            && (1..=32).contains(&self.scopes.len())
            && self.constraints.keys().all(constrained)
            && (self.constraints.is_empty() || full(&self.constraints))
            && written(&self.constraints).len() <= 128
            && self.blocks.len() <= 4
            && self.blocks.iter().all(|block| full(block) && written(block).len() <= 64)
    }

    pub(crate) fn left(&self) -> Left {
        let mut left = Left {
            scopes: bits(&self.scopes),
            expires_at: self.expires_at,
            not_before: 0,
            networks: vec![],
        };
        for fields in [&self.constraints].into_iter().chain(&self.blocks) {
            let second = |number: &Vec<u8>| Input::new(number).u32();
            if let Some(scopes) = fields.get(&SCOPES) {
                let only = bits(scopes);
                left.scopes.iter_mut().zip(only).for_each(|(byte, only)| *byte &= only);
            }
            if let Some(expires_at) = fields.get(&EXPIRES_AT).map(second) {
                left.expires_at = left.expires_at.min(expires_at);
            }
            if let Some(not_before) = fields.get(&NOT_BEFORE).map(second) {
                left.not_before = left.not_before.max(not_before);
            }
            left.networks.extend(fields.get(&NETWORKS).cloned());
        }
        left
    }
}

/// Where each block ends, and the base before them; what is no whole block counts as one.
pub(crate) fn blocks(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut blocks = vec![];
    while !bytes.is_empty() {
        let len = bytes.get(1).map_or(2, |len| 2 + usize::from(*len));
        let (block, rest) = bytes.split_at(len.min(bytes.len()));
        blocks.push(block);
        bytes = rest;
    }
    blocks
}

/// Whether a set of networks holds an address; one that is not known is in none.
pub(crate) fn holds(networks: &[u8], caller: Option<IpAddr>) -> bool {
    let (family, address) = match caller {
        Some(IpAddr::V4(v4)) => (4, v4.octets().to_vec()),
        Some(IpAddr::V6(v6)) => match v6.octets() {
            octets if octets.starts_with(&MAPPED) => (4, octets[12..].to_vec()),
            octets => (6, octets.to_vec()),
        },
        None => return false,
    };
    let mut input = Input::new(networks);
    let mut held = false;
    while !input.is_empty() {
        let (of, prefix_len) = (input.u8(), usize::from(input.u8()));
        let network = input.take(if of == 4 { 4 } else { 16 });
        let bit = |bytes: &[u8], place: usize| bytes[place / 8] >> (7 - place % 8) & 1;
        held |= of == family
            && (0..prefix_len).all(|place| bit(network, place) == bit(&address, place));
    }
    held
}

/// A bit set of at most 32 bytes as 32.
pub(crate) fn bits(bytes: &[u8]) -> [u8; 32] {
    Input::new(bytes).array()
}

/// Whether number n is in a bit set.
pub(crate) fn has(set: &[u8], number: u8) -> bool {
    set.get(usize::from(number / 8)).is_some_and(|byte| byte >> (number % 8) & 1 == 1)
}

fn fields(bytes: &[u8]) -> Option<Fields> {
    let mut input = Input::new(bytes);
    let mut fields = Fields::new();
    while !input.is_empty() {
        let kind = input.u8();
        let len = input.u8();
        fields.insert(kind, input.take(usize::from(len)).to_vec());
    }
    (!fields.is_empty()).then_some(fields)
}

fn written(fields: &Fields) -> Vec<u8> {
    let mut bytes = vec![];
    for (kind, value) in fields {
        let value = match *kind {
            SCOPES => trimmed(value).to_vec(),
            EXPIRES_AT | NOT_BEFORE => Input::new(value).array::<4>().to_vec(),
            NETWORKS => networks(value),
            // No such field: it shows by being lost.
            _ => continue,
        };
        bytes.extend([*kind, len_u8(&value)]);
        bytes.extend(value);
    }
    bytes
}

/// Networks ascending, none twice, without bits behind the prefix length, none of a mapped address.
fn networks(bytes: &[u8]) -> Vec<u8> {
    let mut input = Input::new(bytes);
    let mut entries = BTreeSet::new();
    while !input.is_empty() {
        let (family, prefix_len) = (input.u8(), input.u8());
        let address_len = match family {
            4 => 4,
            6 => 16,
            _ => continue,
        };
        let mut address: Vec<u8> = input.take(address_len).to_vec();
        address.resize(address_len, 0);
        for bit in usize::from(prefix_len)..address_len * 8 {
            address[bit / 8] &= !(0x80 >> (bit % 8));
        }
        let mapped = family == 6 && prefix_len >= 96 && address.starts_with(&MAPPED);
        if usize::from(prefix_len) <= address_len * 8 && !mapped {
            entries.insert([&[family, prefix_len][..], &address].concat());
        }
    }
    entries.into_iter().flatten().collect()
}

fn trimmed(set: &[u8]) -> &[u8] {
    let len = set.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &set[..len]
}

/// Fields that were cut short are written whole, and may be longer then than a length can say: such a form is not sound,
/// and never the text that was read.
fn len_u8(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}

const SCOPES: u8 = 1;
const EXPIRES_AT: u8 = 2;
const NOT_BEFORE: u8 = 3;
const NETWORKS: u8 = 4;
/// `::ffff:0:0/96`.
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

#[cfg(test)]
mod tests {
    use super::*;

    /// What a fuzzer made: a block of 254 bytes whose last network is cut short.
    #[test]
    fn a_block_that_is_longer_when_it_is_written_again_is_read_and_is_not_sound() {
        let mut networks: Vec<u8> =
            (0..14).flat_map(|number| [[6, 128, number].as_slice(), &[0; 15]].concat()).collect();
        networks.extend([4, 32]);
        assert_eq!(networks.len(), 254);
        // It has no room for its address: read as it stands, written with one of zeros.
        let mut payload = vec![1, 0, 7, 2, 1];
        payload.extend([0; 12]);
        payload.extend([0, 0, 0, 0, 0, 0, 0, 60, 1, b'a', 1, 1]);
        payload.extend([0x80, 255, NETWORKS, 253]);
        payload.extend(&networks[..253]);
        payload.extend([0; 16]);
        let form = KeyForm::read(&payload).expect("it is read");
        assert!(written(&form.blocks[0]).len() > 255);
        assert!(!form.is_sound());
        assert_ne!(form.write(), payload);
    }
}

//! A key set, read and written by the specification's words.

use std::collections::BTreeMap;

use crate::input::Input;
use crate::word::{is_prefix, is_scope_name};

/// What stands in a key set.
#[derive(Debug)]
pub(crate) struct KeySetForm {
    pub(crate) tenant: u16,
    pub(crate) audience: u8,
    pub(crate) version: u32,
    pub(crate) bounds: [u32; 5],
    pub(crate) list_key: [u8; 32],
    pub(crate) entries: Vec<EntryForm>,
    pub(crate) scopes: Vec<ScopeForm>,
}

#[derive(Clone, Debug)]
pub(crate) struct EntryForm {
    pub(crate) epoch: u8,
    pub(crate) key: [u8; 32],
    pub(crate) prefix: Vec<u8>,
    pub(crate) mint_from: u32,
    pub(crate) mint_until: u32,
    pub(crate) verify_until: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct ScopeForm {
    pub(crate) number: u8,
    pub(crate) risk: u8,
    pub(crate) name: Vec<u8>,
}

impl KeySetForm {
    /// Reads a key set, leniently: whether it is in its one spelling, shows when it is written again.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut input = Input::new(bytes);
        input.u8();
        let (tenant, audience, version) = (input.u16(), input.u8(), input.u32());
        let bounds = [(); 5].map(|()| input.u32());
        let list_key = input.array();
        let count = input.u8();
        let entries = (0..count).map(|_| {
            let (epoch, key, len) = (input.u8(), input.array(), input.u8());
            EntryForm {
                epoch,
                key,
                prefix: input.take(usize::from(len)).to_vec(),
                mint_from: input.u32(),
                mint_until: input.u32(),
                verify_until: input.u32(),
            }
        });
        let entries = entries.collect();
        let scopes = scopes(input.rest());
        Self { tenant, audience, version, bounds, list_key, entries, scopes }
    }

    /// Whether a key set of these words, in this spelling, is to be read.
    pub(crate) fn is_sound(&self) -> bool {
        let [fresh_for, high, standard, low, skew] = self.bounds;
        let most = [5_000, 30_000, 300_000, 3_600_000, 60_000];
        self.audience != 0
            && [fresh_for, high, standard, low].is_sorted()
            && self.bounds.iter().zip(most).all(|(bound, most)| *bound <= most)
            && skew <= 60_000
            && (1..=8).contains(&self.entries.len())
            && self
                .entries
                .iter()
                .all(|entry| entry.epoch != 0 && str::from_utf8(&entry.prefix).is_ok_and(is_prefix))
            && are_sound(&self.scopes)
    }

    /// The one spelling of what was read.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut bytes = vec![1];
        bytes.extend(self.tenant.to_be_bytes());
        bytes.push(self.audience);
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(self.bounds.map(u32::to_be_bytes).concat());
        bytes.extend(self.list_key);
        let entries: BTreeMap<_, _> =
            self.entries.iter().map(|entry| (entry.epoch, entry)).collect();
        bytes.push(u8::try_from(entries.len()).expect("a count of one byte"));
        for entry in entries.values() {
            bytes.push(entry.epoch);
            bytes.extend(entry.key);
            bytes.push(u8::try_from(entry.prefix.len()).expect("a length of one byte"));
            bytes.extend(&entry.prefix);
            for second in [entry.mint_from, entry.mint_until, entry.verify_until] {
                bytes.extend(second.to_be_bytes());
            }
        }
        bytes.extend(catalog(&self.scopes));
        bytes
    }
}

/// Reads a catalog, leniently.
pub(crate) fn scopes(bytes: &[u8]) -> Vec<ScopeForm> {
    let mut input = Input::new(bytes);
    let count = input.u16().min(257);
    let scopes = (0..count).map(|_| {
        let (number, risk, len) = (input.u8(), input.u8(), input.u8());
        ScopeForm { number, risk, name: input.take(usize::from(len)).to_vec() }
    });
    scopes.collect()
}

/// Whether a catalog of these scopes, in this spelling, is to be read.
pub(crate) fn are_sound(scopes: &[ScopeForm]) -> bool {
    let sound =
        |scope: &ScopeForm| scope.risk <= 3 && str::from_utf8(&scope.name).is_ok_and(is_scope_name);
    (1..=256).contains(&scopes.len()) && scopes.iter().all(sound)
}

/// The one spelling of a catalog: by number, and each name once.
pub(crate) fn catalog(scopes: &[ScopeForm]) -> Vec<u8> {
    let by_name: BTreeMap<_, _> = scopes.iter().map(|scope| (&scope.name, scope)).collect();
    let scopes: BTreeMap<_, _> = by_name.values().map(|scope| (scope.number, scope)).collect();
    let mut bytes = u16::try_from(scopes.len()).expect("at most 256").to_be_bytes().to_vec();
    for scope in scopes.values() {
        let len = u8::try_from(scope.name.len()).expect("a length of one byte");
        bytes.extend([scope.number, scope.risk, len]);
        bytes.extend(&scope.name);
    }
    bytes
}

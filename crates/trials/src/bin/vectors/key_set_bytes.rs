//! Key sets, made by hand (FORMAT.md section 3).

use serde_json::{Value, json};

use crate::key_bytes::{ISSUED, PREFIX};
use crate::spelling::{counted, hex, len_of, sized};

/// What a verifier holds.
#[derive(Clone)]
pub(crate) struct KeySet {
    pub(crate) format: u8,
    pub(crate) tenant: u16,
    pub(crate) audience: u8,
    pub(crate) version: u32,
    /// fresh-for, high, standard, low.
    pub(crate) bounds: [u32; 4],
    pub(crate) max_skew: u32,
    pub(crate) list_key: [u8; 32],
    pub(crate) entries: Vec<Entry>,
    pub(crate) scopes: Vec<Scope>,
}

/// One signing key.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) epoch: u8,
    pub(crate) key: [u8; 32],
    pub(crate) prefix: String,
    pub(crate) mint_from: u32,
    pub(crate) mint_until: u32,
    pub(crate) verify_until: u32,
}

/// One scope: number, level, name.
#[derive(Clone)]
pub(crate) struct Scope(pub(crate) u8, pub(crate) u8, pub(crate) String);

/// The key set of the worked examples.
pub(crate) fn key_set() -> KeySet {
    KeySet {
        format: 1,
        tenant: 7,
        audience: 2,
        version: 3,
        bounds: [5_000, 30_000, 300_000, 3_600_000],
        max_skew: 5_000,
        list_key: list_key(2),
        entries: vec![entry(1)],
        scopes: vec![
            scope(0, 0, "invoice:list"),
            scope(1, 1, "invoice:read"),
            scope(9, 3, "invoice:void"),
        ],
    }
}

pub(crate) fn scope(number: u8, level: u8, name: &str) -> Scope {
    Scope(number, level, name.into())
}

/// The signing key of an epoch, with the windows of the worked examples.
pub(crate) fn entry(epoch: u8) -> Entry {
    Entry {
        epoch,
        key: signing_key(epoch),
        prefix: PREFIX.into(),
        mint_from: ISSUED - 3_600,
        mint_until: ISSUED + 3_600,
        verify_until: ISSUED + 86_400,
    }
}

/// The key of an epoch; that of epoch 1 is the one of the worked examples.
pub(crate) fn signing_key(epoch: u8) -> [u8; 32] {
    counted(epoch.wrapping_sub(1).wrapping_mul(64))
}

/// The list key of an audience; that of audience 2 is the one of the worked examples.
pub(crate) fn list_key(audience: u8) -> [u8; 32] {
    counted(audience.wrapping_mul(16))
}

impl KeySet {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head(), self.signing_keys(), self.catalog()].concat()
    }

    /// Everything up to the list key.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut bytes = vec![self.format];
        bytes.extend(self.tenant.to_be_bytes());
        bytes.push(self.audience);
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(self.bounds.iter().flat_map(|bound| bound.to_be_bytes()));
        bytes.extend(self.max_skew.to_be_bytes());
        bytes.extend(self.list_key);
        bytes
    }

    /// Count and signing keys.
    pub(crate) fn signing_keys(&self) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(self.entries.len()).unwrap_or(u8::MAX)];
        bytes.extend(self.entries.iter().flat_map(Entry::bytes));
        bytes
    }

    /// Count and scopes.
    pub(crate) fn catalog(&self) -> Vec<u8> {
        let count = u16::try_from(self.scopes.len()).unwrap_or(u16::MAX);
        let mut bytes = count.to_be_bytes().to_vec();
        bytes.extend(self.scopes.iter().flat_map(Scope::bytes));
        bytes
    }

    pub(crate) fn hex(&self) -> String {
        hex(&self.bytes())
    }

    /// What `read_key_set` must tell.
    pub(crate) fn told(&self) -> Value {
        let [fresh_for, high, standard, low] = self.bounds;
        let signing_keys = self.entries.iter().map(|entry| {
            json!({
                "epoch": entry.epoch,
                "key": hex(&entry.key),
                "prefix": entry.prefix,
                "mint_from": entry.mint_from,
                "mint_until": entry.mint_until,
                "verify_until": entry.verify_until,
            })
        });
        let scopes = self.scopes.iter().map(|Scope(number, level, name)| {
            let level = LEVELS.get(usize::from(*level));
            json!({ "number": number, "level": level, "name": name })
        });
        json!({ "ok": {
            "tenant": self.tenant,
            "audience": self.audience,
            "version": self.version,
            "fresh_for": fresh_for,
            "high": high,
            "standard": standard,
            "low": low,
            "max_skew": self.max_skew,
            "list_key": hex(&self.list_key),
            "signing_keys": signing_keys.collect::<Value>(),
            "scopes": scopes.collect::<Value>(),
        } })
    }
}

impl Entry {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let windows = [self.mint_from, self.mint_until, self.verify_until].map(u32::to_be_bytes);
        let prefix = sized(self.prefix.as_bytes());
        [&[self.epoch], self.key.as_slice(), &prefix, &windows.concat()].concat()
    }
}

impl Scope {
    fn bytes(&self) -> Vec<u8> {
        let Self(number, level, name) = self;
        [&[*number, *level, len_of(name.as_bytes())], name.as_bytes()].concat()
    }
}

const LEVELS: [&str; 4] = ["low", "standard", "high", "strict"];

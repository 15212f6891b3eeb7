//! Keys, made by hand (FORMAT.md section 2).

use serde_json::{Map, Value, json};
use wardkey_trials::fixture::{checksum, with_checksum};

use crate::spelling::{bit_set, counted, field, hex, len_of, networks, sized, tag};

/// When the usual key was issued, in Unix seconds: that of the worked examples.
pub(crate) const ISSUED: u32 = 1_800_000_000;
/// When it expires.
pub(crate) const EXPIRES: u32 = ISSUED + 7_200;
pub(crate) const PREFIX: &str = "example_test_";

/// What a key says.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) prefix: String,
    /// What signs it, whatever signing key it names.
    pub(crate) signing: [u8; 32],
    pub(crate) tenant: u16,
    pub(crate) audience: u8,
    pub(crate) epoch: u8,
    pub(crate) key_id: [u8; 8],
    pub(crate) index: u32,
    pub(crate) issued: u32,
    pub(crate) expires: u32,
    pub(crate) subject: String,
    pub(crate) scopes: Vec<u8>,
    /// Only not-before and networks.
    pub(crate) constraints: Fields,
    pub(crate) blocks: Vec<Fields>,
}

/// Fields; what is not there is not written. Networks in the order given.
#[derive(Clone, Default)]
pub(crate) struct Fields {
    pub(crate) scopes: Option<Vec<u8>>,
    pub(crate) expires_at: Option<u32>,
    pub(crate) not_before: Option<u32>,
    pub(crate) networks: Vec<&'static str>,
}

/// The key of the worked examples.
pub(crate) fn key() -> Key {
    Key {
        prefix: PREFIX.into(),
        signing: counted(0),
        tenant: 7,
        audience: 2,
        epoch: 1,
        key_id: [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77],
        index: 808,
        issued: ISSUED,
        expires: EXPIRES,
        subject: "svc:billing".into(),
        scopes: vec![0, 1, 2, 9],
        constraints: Fields::default(),
        blocks: vec![],
    }
}

impl Key {
    pub(crate) fn with_prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    pub(crate) fn constrained(self, constraints: Fields) -> Self {
        Self { constraints, ..self }
    }

    /// The same, narrowed once more.
    pub(crate) fn narrowed(mut self, block: Fields) -> Self {
        self.blocks.push(block);
        self
    }

    /// Everything before the subject's length, behind a version.
    pub(crate) fn front(&self, version: u8) -> Vec<u8> {
        let mut front = vec![version];
        front.extend(self.tenant.to_be_bytes());
        front.extend([self.audience, self.epoch]);
        front.extend(self.key_id);
        for number in [self.index, self.issued, self.expires] {
            front.extend(number.to_be_bytes());
        }
        front
    }

    pub(crate) fn base(&self) -> Vec<u8> {
        let constraints = self.constraints.bytes();
        let flag = if constraints.is_empty() { 0 } else { 0x80 };
        let subject = self.subject.as_bytes();
        let mut base = self.front(1);
        base.push(len_of(subject) | flag);
        base.extend(subject);
        base.extend(sized(&bit_set(&self.scopes)));
        if !constraints.is_empty() {
            base.extend(sized(&constraints));
        }
        base
    }

    fn block_bytes(&self) -> Vec<Vec<u8>> {
        self.blocks.iter().map(|fields| block(&fields.bytes())).collect()
    }

    /// Base and blocks.
    pub(crate) fn signed(&self) -> Vec<u8> {
        [self.base(), self.block_bytes().concat()].concat()
    }

    pub(crate) fn tag(&self) -> [u8; 16] {
        chained(&self.signing, &self.base(), &self.block_bytes())
    }

    pub(crate) fn text(&self) -> String {
        self.text_of(&self.base(), &self.block_bytes())
    }

    /// A text of other bytes, under this key's prefix and signing key, with the right tag and checksum.
    pub(crate) fn text_of(&self, base: &[u8], blocks: &[Vec<u8>]) -> String {
        let tag = chained(&self.signing, base, blocks);
        self.text_with(&[base, &blocks.concat()].concat(), &tag)
    }

    /// A text of these bytes and this tag, with the right checksum.
    pub(crate) fn text_with(&self, signed: &[u8], tag: &[u8]) -> String {
        with_checksum(&self.prefix, &[signed, tag].concat())
    }

    /// What base and blocks leave: scopes, and the first second in which it is dead.
    pub(crate) fn left(&self) -> (Vec<u8>, u32) {
        let mut scopes = self.scopes.clone();
        scopes.sort_unstable();
        let mut expires = self.expires;
        for block in &self.blocks {
            scopes.retain(|scope| block.scopes.as_ref().is_none_or(|only| only.contains(scope)));
            expires = expires.min(block.expires_at.unwrap_or(expires));
        }
        (scopes, expires)
    }

    pub(crate) fn id_text(&self) -> String {
        format!("key_{}", hex(&self.key_id))
    }

    /// What `read_key` must tell.
    pub(crate) fn told(&self) -> Value {
        let mut told = Map::from_iter([
            ("prefix".into(), json!(self.prefix)),
            ("tenant".into(), json!(self.tenant)),
            ("audience".into(), json!(self.audience)),
            ("epoch".into(), json!(self.epoch)),
            ("key_id".into(), json!(self.id_text())),
            ("status_index".into(), json!(self.index)),
            ("issued_at".into(), json!(self.issued)),
            ("expires_at".into(), json!(self.expires)),
            ("subject".into(), json!(self.subject)),
            ("scopes".into(), json!(self.scopes)),
        ]);
        told.extend(self.constraints.told());
        let blocks = self.blocks.iter().map(|block| Value::Object(block.told()));
        told.insert("blocks".into(), blocks.collect());
        let (signed, tag) = (self.signed(), self.tag());
        let crc = checksum(&self.prefix, &[signed.as_slice(), &tag].concat());
        told.insert("tag".into(), json!(hex(&tag)));
        told.insert("crc".into(), json!(format!("{crc:08x}")));
        told.insert("base".into(), json!(hex(&self.base())));
        json!({ "ok": told })
    }
}

impl Fields {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(scopes) = &self.scopes {
            bytes.extend(field(1, &bit_set(scopes)));
        }
        for (number, second) in [(2, self.expires_at), (3, self.not_before)] {
            if let Some(second) = second {
                bytes.extend(field(number, &second.to_be_bytes()));
            }
        }
        if !self.networks.is_empty() {
            bytes.extend(field(4, &networks(&self.networks)));
        }
        bytes
    }

    /// As members of a case or an answer.
    pub(crate) fn told(&self) -> Map<String, Value> {
        let mut told = Map::new();
        if let Some(scopes) = &self.scopes {
            told.insert("scopes".into(), json!(scopes));
        }
        for (name, second) in [("expires_at", self.expires_at), ("not_before", self.not_before)] {
            if let Some(second) = second {
                told.insert(name.into(), json!(second));
            }
        }
        if !self.networks.is_empty() {
            told.insert("networks".into(), json!(self.networks));
        }
        told
    }
}

/// A block of these fields.
pub(crate) fn block(content: &[u8]) -> Vec<u8> {
    [&[0x80], sized(content).as_slice()].concat()
}

fn chained(signing: &[u8], base: &[u8], blocks: &[Vec<u8>]) -> [u8; 16] {
    blocks.iter().fold(tag(signing, base), |last, block| tag(&last, block))
}

/// Only these scopes.
pub(crate) fn only(scopes: &[u8]) -> Fields {
    Fields { scopes: Some(scopes.to_vec()), ..Fields::default() }
}

/// Dead from this second on.
pub(crate) fn until(second: u32) -> Fields {
    Fields { expires_at: Some(second), ..Fields::default() }
}

/// Not valid before this second.
pub(crate) fn from(second: u32) -> Fields {
    Fields { not_before: Some(second), ..Fields::default() }
}

/// Only from these networks.
pub(crate) fn within(networks: &[&'static str]) -> Fields {
    Fields { networks: networks.to_vec(), ..Fields::default() }
}

/// Fields of exactly so many bytes, 9 and more: an expiry, scopes, and above 40 bytes networks.
pub(crate) fn filling(len: usize) -> Fields {
    let count = if len <= 40 { 0 } else { len.saturating_sub(42).div_ceil(6).max(1) };
    let networks = NETWORKS.iter().take(count).copied().collect();
    let mut fields = Fields { expires_at: Some(u32::MAX), networks, ..Fields::default() };
    let scopes_len = len.saturating_sub(fields.bytes().len() + 2);
    let last = u8::try_from((scopes_len * 8).saturating_sub(1)).unwrap_or_default();
    fields.scopes = Some(vec![0, last]);
    fields
}

/// A key whose base and blocks are exactly so many bytes, 331 to 386.
pub(crate) fn long_key(prefix: &str, signed_len: usize) -> Key {
    let subject = "a".repeat(63);
    let mut long = Key { subject, scopes: vec![0, 255], ..key().with_prefix(prefix) };
    long.blocks = vec![filling(64), filling(64), filling(64)];
    let rest = signed_len.saturating_sub(long.signed().len() + 2);
    long.narrowed(filling(rest))
}

/// A key whose base is exactly so many bytes, 172 to 251: with constraints of 128 bytes, which let the addresses of
/// 1.0.0.0/8 in.
pub(crate) fn long_base(len: usize) -> Key {
    let rest = len.saturating_sub(27 + 129);
    let subject_len = rest.saturating_sub(32).max(1);
    let last = u8::try_from((rest - subject_len) * 8 - 1).unwrap_or(u8::MAX);
    let networks = NETWORKS.iter().take(20).copied().collect();
    Key {
        subject: "a".repeat(subject_len),
        scopes: if last == 0 { vec![0] } else { vec![0, last] },
        constraints: Fields { not_before: Some(0), networks, ..Fields::default() },
        ..key()
    }
}

/// Networks that ascend.
pub(crate) const NETWORKS: [&str; 22] = [
    "1.0.0.0/8",
    "2.0.0.0/8",
    "3.0.0.0/8",
    "4.0.0.0/8",
    "5.0.0.0/8",
    "6.0.0.0/8",
    "7.0.0.0/8",
    "8.0.0.0/8",
    "9.0.0.0/8",
    "10.0.0.0/8",
    "11.0.0.0/8",
    "12.0.0.0/8",
    "13.0.0.0/8",
    "14.0.0.0/8",
    "15.0.0.0/8",
    "16.0.0.0/8",
    "17.0.0.0/8",
    "18.0.0.0/8",
    "19.0.0.0/8",
    "20.0.0.0/8",
    "21.0.0.0/8",
    "22.0.0.0/8",
];

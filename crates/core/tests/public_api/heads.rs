//! A head's shape, rule by rule, on bytes that no registry would write.

use wardkey::{HeadError, MAX_HEAD_LEN, NOT_AFTER_MS, UnverifiedHead};

use crate::tenant::{NOW, Tenant};

/// A head with tags of zeros: its shape is judged before them.
struct Shape<'s> {
    issued_at: u64,
    not_after: u64,
    audiences: &'s [u8],
    dead: &'s [[u8; 2]],
}

const USUAL: Shape<'_> =
    Shape { issued_at: NOW.0, not_after: NOW.0 + 1, audiences: &[2], dead: &[] };

impl Shape<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, 0, 7];
        bytes.extend([0; 8 + 32]);
        bytes.extend(self.issued_at.to_be_bytes());
        bytes.extend(self.not_after.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.push(u8::try_from(self.audiences.len()).expect("few audiences"));
        for audience in self.audiences {
            bytes.push(*audience);
            bytes.extend([0; 12]);
        }
        bytes.extend(u16::try_from(self.dead.len()).expect("few dead").to_be_bytes());
        bytes.extend(self.dead.concat());
        // No changes.
        bytes.extend([0, 0]);
        bytes.extend(vec![0; 16 * self.audiences.len()]);
        bytes
    }

    fn error(&self) -> Option<HeadError> {
        UnverifiedHead::parse(&self.bytes()).err()
    }
}

#[test]
fn audiences_ascend_from_1() {
    for good in [&[][..], &[1], &[255], &[1, 2, 255]] {
        assert_eq!(Shape { audiences: good, ..USUAL }.error(), None, "{good:?}");
    }
    for bad in [&[0][..], &[0, 1], &[1, 1], &[2, 1], &[1, 3, 2], &[1, 2, 2]] {
        let error = Shape { audiences: bad, ..USUAL }.error();
        assert_eq!(error, Some(HeadError::Order), "{bad:?}");
    }
}

#[test]
fn dead_signing_keys_ascend_as_pairs_and_hold_no_0() {
    for good in [&[][..], &[[1, 1]], &[[1, 1], [1, 2], [2, 1]], &[[1, 255], [255, 1]]] {
        assert_eq!(Shape { dead: good, ..USUAL }.error(), None, "{good:?}");
    }
    let bad: [&[[u8; 2]]; 8] = [
        &[[0, 1]],
        &[[1, 0]],
        &[[0, 0]],
        &[[1, 1], [2, 0]],
        &[[1, 1], [1, 1]],
        &[[1, 2], [1, 1]],
        &[[2, 1], [1, 2]],
        &[[1, 1], [1, 2], [1, 2]],
    ];
    for bad in bad {
        assert_eq!(Shape { dead: bad, ..USUAL }.error(), Some(HeadError::Order), "{bad:?}");
    }
}

#[test]
fn not_after_is_within_an_hour_after_issued_at() {
    for issued_at in [0, NOW.0, u64::MAX - NOT_AFTER_MS] {
        for (ms, error) in [
            (0, Some(HeadError::NotAfter)),
            (1, None),
            (NOT_AFTER_MS, None),
            (NOT_AFTER_MS.wrapping_add(1), Some(HeadError::NotAfter)),
        ] {
            let Some(not_after) = issued_at.checked_add(ms) else { continue };
            let shape = Shape { issued_at, not_after, ..USUAL };
            assert_eq!(shape.error(), error, "{ms} ms after {issued_at}");
        }
    }
    let before = Shape { issued_at: NOW.0, not_after: NOW.0 - 1, ..USUAL };
    assert_eq!(before.error(), Some(HeadError::NotAfter));
}

#[test]
fn a_head_is_at_most_4096_bytes() {
    let pairs: Vec<[u8; 2]> =
        (1..=8).flat_map(|audience| (1..=255).map(move |epoch| [audience, epoch])).collect();
    for (audiences, dead, len, error) in [
        (&[1, 2][..], 1_985, MAX_HEAD_LEN, None),
        (&[2], 2_000, MAX_HEAD_LEN + 1, Some(HeadError::Length)),
        (&[2], 1_999, MAX_HEAD_LEN - 1, None),
    ] {
        let shape = Shape { audiences, dead: &pairs[..dead], ..USUAL };
        assert_eq!(shape.bytes().len(), len);
        assert_eq!(shape.error(), error, "{len} bytes");
    }
}

#[test]
fn a_head_tells_each_audience_its_own_key_set_versions() {
    let mut tenant = Tenant::new();
    tenant.head.sequence = 77;
    tenant.head.audiences[0].current_key_set = 9;
    tenant.head.audiences[0].least_key_set = 4;
    let bytes = tenant.head_bytes();
    let head = UnverifiedHead::parse(&bytes).expect("a head");
    let head = head.authenticate(&tenant.verifier().key_set).expect("authentic");
    let head = head.head();
    assert_eq!((head.current_key_set(), head.least_key_set()), (9, 4));
    assert_eq!((head.sequence(), head.issued_at()), (77, NOW));
    assert_eq!(head.not_after(), NOW.plus(NOT_AFTER_MS));
    assert_eq!(head.state_digest(), tenant.state().digest());
}

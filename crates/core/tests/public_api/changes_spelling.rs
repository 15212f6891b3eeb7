//! The spelling of the head's changes: they have one, and a right tag makes no other good.

use wardkey::{HeadError, UnverifiedHead};

use crate::tenant::{AUDIENCE, Tenant};

/// The body of a head with this log, and its tag.
fn with_log(log: &[u8]) -> Vec<u8> {
    let tenant = Tenant::new();
    let mut bytes = tenant.head_bytes();
    // Count of changes, then the tag.
    let body_len = bytes.len() - 2 - 16;
    bytes.truncate(body_len);
    bytes.extend(log);
    let tag = tenant.secret.list_key(AUDIENCE).tag(&bytes);
    bytes.extend(tag.secret_bytes());
    bytes
}

#[test]
fn a_log_in_another_spelling_is_refused_though_the_tag_is_right() {
    // The usual head's sequence is 5.
    let log = |count: u16, from: u64, rest: &[u8]| {
        [&count.to_be_bytes()[..], &from.to_be_bytes(), rest].concat()
    };
    for good in [
        vec![0, 0],
        log(1, 4, &[1, 0, 0]),
        log(1, 0, &[5, 0, 0]),
        log(2, 2, &[1, 0, 2, 7, 1, 2, 3, 0]),
        log(1, 4, &[1, 0x87, 0xff, 0x7f, 0]),
        log(1, 4, &[1, 0, 1, 0x8f, 0xff, 0xff, 0xff, 0x7f]),
    ] {
        assert!(UnverifiedHead::parse(&with_log(&good)).is_ok(), "{good:?}");
    }
    for (case, bad) in [
        ("step 0", log(1, 5, &[0, 0, 0])),
        ("not the head's sequence", log(1, 3, &[1, 0, 0])),
        ("beyond the head's sequence", log(1, 4, &[2, 0, 0])),
        ("a sequence beyond u64", log(2, u64::MAX, &[6, 0, 0, 1, 0, 0])),
        ("a long spelling of the step", log(1, 4, &[0x80, 1, 0, 0])),
        ("a place twice", log(1, 4, &[1, 0, 2, 7, 0])),
        ("a place beyond u32", log(1, 4, &[1, 0, 1, 0x90, 0x80, 0x80, 0x80, 0])),
        ("places that pass u32", log(1, 4, &[1, 0, 2, 0x8f, 0xff, 0xff, 0xff, 0x7f, 1])),
        ("a rise beyond u32", log(1, 4, &[1, 0x88, 0x80, 0, 0])),
        ("rises that pass u32", log(2, 3, &[1, 0x87, 0xff, 0x7f, 0, 1, 1, 0])),
        (
            "a rise beyond everything",
            log(1, 4, &[1, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]),
        ),
    ] {
        assert_eq!(
            UnverifiedHead::parse(&with_log(&bad)).err(),
            Some(HeadError::Changes),
            "{case}"
        );
    }
    let behind = [log(1, 4, &[1, 0, 0]), vec![0]].concat();
    for (case, bad) in [("a byte behind", behind), ("a byte behind nothing", vec![0, 0, 0])] {
        assert_eq!(UnverifiedHead::parse(&with_log(&bad)).err(), Some(HeadError::Length), "{case}");
    }
    // A head that ends within the log, without even a tag.
    let whole = with_log(&log(1, 4, &[1, 0, 1, 0x81, 0x80, 0]));
    let log_start = whole.len() - 16 - 16;
    for len in log_start..whole.len() {
        assert_eq!(UnverifiedHead::parse(&whole[..len]).err(), Some(HeadError::Length), "{len}");
    }
    // What the log promises is looked for in the tag's bytes, and not found beyond them.
    let endless = log(1, 4, &[1, 0, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    assert!(UnverifiedHead::parse(&with_log(&endless)).is_err());
}

//! Row 6: whether the tag is right, of the base and of every block.

use super::{Row, SECOND, about, allow_fresh, deny, forgery, list_wanting, presenting};
use crate::file::VectorFile;
use crate::key_bytes::{EXPIRES, Fields, ISSUED, Key, block, key, only, until};
use crate::key_set_bytes::{list_key, signing_key};
use crate::spelling::{flipped, tag};

pub(super) fn add(file: &mut VectorFile) {
    forged(&mut Row::new(file, 6));
    forged_blocks(&mut Row::new(file, 6));
}

fn forged(row: &mut Row<'_>) {
    let reason = "bad_tag";
    let (signed, right) = (key().signed(), key().tag());
    for at in 0..16 {
        for bits in [0x01, 0x80] {
            let text = key().text_with(&signed, &flipped(&right, at, bits));
            row.add(
                format!("byte {at} of the tag, changed by {bits:02x}"),
                deny(reason, presenting(text)),
            );
        }
    }
    for (name, bent) in [
        ("tenant stays, status index is another", Key { index: 809, ..key() }),
        ("key id is another", Key { key_id: [0; 8], ..key() }),
        ("issued a second later", Key { issued: ISSUED + 1, ..key() }),
        ("expires a second later", Key { expires: EXPIRES + 1, ..key() }),
        ("acts as another", Key { subject: "svc:billinh".into(), ..key() }),
        ("may do one thing more", Key { scopes: vec![0, 1, 2, 9, 39], ..key() }),
        ("may do one thing less", Key { scopes: vec![0, 1, 2], ..key() }),
        ("has no constraints any more", key()),
    ] {
        let tag = if name.contains("constraints") {
            key().constrained(Fields { not_before: Some(0), ..Fields::default() }).tag()
        } else {
            right
        };
        row.add(
            format!("under its old tag: {name}"),
            deny(reason, presenting(bent.text_with(&bent.signed(), &tag))),
        );
    }
    let whole = |key: &[u8], message: &[u8]| tag(key, message);
    for (name, tag) in [
        ("zeros", [0; 16]),
        ("ones", [255; 16]),
        ("the tag of the other signing key", whole(&signing_key(3), &signed)),
        ("the tag of the list key", whole(&list_key(2), &signed)),
        ("the tag of a key of zeros", whole(&[0; 32], &signed)),
        (
            "a tag over prefix and base",
            whole(&signing_key(1), &[b"example_test_", signed.as_slice()].concat()),
        ),
        ("a tag over the text", whole(&signing_key(1), key().text().as_bytes())),
        ("the last 16 bytes of the HMAC", last_half(&signing_key(1), &signed)),
    ] {
        row.add(format!("under {name}"), deny(reason, presenting(key().text_with(&signed, &tag))));
    }
    let text = forgery(&key());
    row.add(
        "forged, and the list wants a newer key set",
        deny(reason, presenting(text.clone()).with(list_wanting(4))),
    );
    row.add("forged, and no list", deny(reason, presenting(text.clone()).without_list()));
    row.add("forged, and the clock is behind", deny(reason, presenting(text).at(0)));
    let outside = Key { issued: 0, expires: 60, ..key() };
    row.add("forged, outside the window and expired", deny(reason, presenting(forgery(&outside))));
}

/// The 16 bytes of HMAC-SHA-256 that are no tag: by the definition of RFC 2104, over 64-byte blocks.
fn last_half(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    use sha2::{Digest as _, Sha256};
    let pad = |pad: u8| -> Vec<u8> { key.iter().chain(&[0; 32]).map(|byte| byte ^ pad).collect() };
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    let outer = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
    let mut half = [0; 16];
    half.iter_mut().zip(outer.iter().skip(16)).for_each(|(slot, byte)| *slot = *byte);
    half
}

fn forged_blocks(row: &mut Row<'_>) {
    let reason = "bad_tag";
    let (first, second) = (block(&only(&[0, 1]).bytes()), block(&until(SECOND + 9).bytes()));
    let narrowed = key().narrowed(only(&[0, 1])).narrowed(until(SECOND + 9));
    row.add("narrowed twice", allow_fresh(&narrowed, about(&narrowed)));
    let with =
        |signed: &[&[u8]], tag: [u8; 16]| presenting(key().text_with(&signed.concat(), &tag));
    let base = key().base();
    let wide = block(&only(&[0, 1, 2]).bytes());
    for (name, question) in [
        ("the last block is taken off", with(&[&base, &first], narrowed.tag())),
        ("the first block is taken off", with(&[&base, &second], narrowed.tag())),
        ("both blocks are taken off", with(&[&base], narrowed.tag())),
        ("the blocks change places", with(&[&base, &second, &first], narrowed.tag())),
        ("the last block stands twice", with(&[&base, &first, &second, &second], narrowed.tag())),
        ("the first block has another scope", with(&[&base, &wide, &second], narrowed.tag())),
        ("a block is added without a tag", with(&[&base, &first, &second, &wide], narrowed.tag())),
        ("a block under the tag of its base", with(&[&base, &first], key().tag())),
        (
            "a block under a tag of the signing key alone",
            with(&[&base, &first], tag(&signing_key(1), &first)),
        ),
        (
            "a tag of the signing key over base and block",
            with(&[&base, &first], tag(&signing_key(1), &[base.as_slice(), &first].concat())),
        ),
        (
            "a tag over the block without its header",
            with(&[&base, &first], tag(&key().tag(), first.get(2..).unwrap_or_default())),
        ),
        (
            "a tag over the block without its type",
            with(&[&base, &first], tag(&key().tag(), first.get(1..).unwrap_or_default())),
        ),
        (
            "a tag over base and block",
            with(&[&base, &first], tag(&key().tag(), &[base.as_slice(), &first].concat())),
        ),
    ] {
        row.add(name, deny(reason, question));
    }
    // A holder who makes a tag up can narrow from there on, and has gained nothing.
    let chained = tag(&[0; 16], &first);
    row.add("narrowed from a forged key on", deny(reason, with(&[&base, &first], chained)));
    let four = (0..4).fold(key(), |key, nth| key.narrowed(until(SECOND + 9 - nth)));
    row.add("narrowed four times", allow_fresh(&four, about(&four)));
    row.add(
        "narrowed four times, and forged",
        deny(reason, presenting(four.text_with(&four.signed(), &flipped(&four.tag(), 15, 1)))),
    );
}

//! Rows 1 to 8: whether the key is a key, and of whom.

use serde_json::json;

use super::{
    List, Question, Row, SECOND, about, all_of, allow_fresh, ask_refresh, bent, deny, keys,
    keys_of_audience_3, list, list_at, list_of_audience_3, list_telling, usual,
};
use crate::file::VectorFile;
use crate::head_bytes::{Head, audience};
use crate::key_bytes::{EXPIRES, Fields, ISSUED, Key, block, key, only, until};
use crate::key_set_bytes::{Entry, KeySet, entry, list_key, signing_key};
use crate::spelling::{flipped, tag};

pub(super) fn add(file: &mut VectorFile) {
    not_a_key(&mut Row::new(file, 1));
    for_another_audience(&mut Row::new(file, 2));
    of_another_edition(&mut Row::new(file, 3));
    unknown_signing_key(&mut Row::new(file, 4));
    prefix(&mut Row::new(file, 5));
    forged(&mut Row::new(file, 6));
    forged_blocks(&mut Row::new(file, 6));
    old_key_set(&mut Row::new(file, 7));
    windows(&mut Row::new(file, 8));
}

fn presented(key: impl Into<String>) -> Question {
    Question { key: key.into(), ..usual() }
}

/// A list whose least key-set version is this.
fn least(least: u32) -> List {
    list_telling(|head| head.telling(|own| own.least = least))
}

/// A list of audience 3 of the same tenant, which names ours, too.
fn of_another_audience(least: u32) -> List {
    let mut theirs = audience(3);
    theirs.least = least;
    let head = Head { audiences: vec![audience(2), theirs], ..list().head };
    List { head, ..list_of_audience_3() }
}

/// The usual key, forged: its tag is zeros.
fn forgery(key: &Key) -> String {
    key.text_with(&key.signed(), &[0; 16])
}

fn not_a_key(row: &mut Row<'_>) {
    row.add("the usual key", allow_fresh(&key(), usual()));
    let mistyped = key().text().replace("AQAHAg", "AQAHAw");
    let five = (0..5).fold(key(), |key, _| key.narrowed(until(EXPIRES)));
    for (name, text, reason) in [
        ("no text", String::new(), "malformed"),
        ("a word", "key".into(), "malformed"),
        ("five blocks under the right tag", five.text(), "malformed"),
        (
            "a life of 59 s under the right tag",
            Key { expires: ISSUED + 59, ..key() }.text(),
            "malformed",
        ),
        ("a typo", mistyped.clone(), "bad_checksum"),
    ] {
        row.add(name, deny(reason, presented(text.clone())));
        let another = bent(all_of(&["invoice:list"]), "audience", vec![8, 3]);
        let question = presented(text).requiring(another).without_list();
        row.add(format!("{name}, with everything else wrong, too"), deny(reason, question));
    }
    row.add(
        "a typo, at the end of time",
        deny("bad_checksum", presented(mistyped.clone()).at(u64::MAX)),
    );
    row.add("a typo, at 0", deny("bad_checksum", presented(mistyped).at(0)));
}

fn for_another_audience(row: &mut Row<'_>) {
    let reason = "wrong_audience";
    let required = |tenant: u16, audience: u8| {
        bent(all_of(&["invoice:list"]), "audience", json!([tenant, audience]))
    };
    row.add(
        "a requirement for this audience",
        allow_fresh(&key(), usual().requiring(required(7, 2))),
    );
    for (tenant, audience) in
        [(7, 1), (7, 3), (6, 2), (8, 2), (8, 3), (0, 0), (7, 0), (u16::MAX, 255)]
    {
        let question = usual().requiring(required(tenant, audience));
        row.add(
            format!("a requirement for tenant {tenant}, audience {audience}"),
            deny(reason, question),
        );
    }
    let theirs = keys_of_audience_3().hex();
    let built = bent(all_of(&["invoice:list"]), "of_key_set", theirs);
    row.add(
        "a requirement built from another audience's catalog",
        deny(reason, usual().requiring(built)),
    );
    let both = bent(required(7, 3), "version", 9);
    row.add(
        "a requirement for another audience and edition",
        deny(reason, usual().requiring(both)),
    );
    row.add(
        "a forged key, and a requirement for another audience",
        deny(reason, presented(forgery(&key())).requiring(required(7, 3))),
    );
    let unknown = Key { epoch: 9, ..key() };
    row.add(
        "an unknown signing key, and a requirement for another audience",
        deny(reason, about(&unknown).requiring(required(7, 3))),
    );
    row.add(
        "no list, and a requirement for another audience",
        deny(reason, usual().requiring(required(7, 3)).without_list()),
    );
}

fn of_another_edition(row: &mut Row<'_>) {
    let reason = "requirement_outdated";
    let of = |version: u32| usual().requiring(bent(all_of(&["invoice:list"]), "version", version));
    row.around(
        "a requirement of the key set's version",
        [deny(reason, of(2)), allow_fresh(&key(), of(3)), deny(reason, of(4))],
    );
    row.add("a requirement of version 0", deny(reason, of(0)));
    row.add("a requirement of the last version", deny(reason, of(u32::MAX)));
    let older = KeySet { version: 2, ..keys() };
    let built = bent(all_of(&["invoice:list"]), "of_key_set", older.hex());
    row.add("a requirement built from an older catalog", deny(reason, usual().requiring(built)));
    row.add(
        "a forged key, and a requirement of version 2",
        deny(reason, Question { key: forgery(&key()), ..of(2) }),
    );
    let unknown = Key { epoch: 9, ..key() };
    row.add(
        "an unknown signing key, and a requirement of version 2",
        deny(reason, Question { key: unknown.text(), ..of(2) }),
    );
}

fn unknown_signing_key(row: &mut Row<'_>) {
    let reason = "unknown_signing_key";
    for (name, key) in [
        ("epoch 2, between those that are known", Key { epoch: 2, ..key() }),
        ("epoch 4", Key { epoch: 4, ..key() }),
        ("epoch 255", Key { epoch: 255, ..key() }),
        ("tenant 6", Key { tenant: 6, ..key() }),
        ("tenant 8", Key { tenant: 8, ..key() }),
        ("tenant 519, of which one byte is ours", Key { tenant: 0x0207, ..key() }),
        ("audience 1", Key { audience: 1, ..key() }),
        ("audience 3", Key { audience: 3, ..key() }),
        ("audience 0, the administration", Key { audience: 0, ..key() }),
    ] {
        row.add(name, deny(reason, about(&key)));
        row.add(format!("{name}, and no list"), deny(reason, about(&key).without_list()));
        row.add(
            format!("{name}, and the list wants a newer key set"),
            deny("no_key_set", about(&key).with(least(4))),
        );
    }
    let stranger = Key { epoch: 2, ..key() };
    let asked = |list| about(&stranger).with(list);
    row.around(
        "a least version that is the key set's, and an unknown signing key",
        [
            deny(reason, asked(least(2))),
            deny(reason, asked(least(3))),
            deny("no_key_set", asked(least(4))),
        ],
    );
    row.add(
        "an unknown signing key, and the last least version",
        deny("no_key_set", asked(least(u32::MAX))),
    );
    row.add(
        "an unknown signing key, and another audience's list wants a newer key set",
        deny(reason, asked(of_another_audience(9))),
    );
    row.add("an unknown signing key, forged", deny(reason, presented(forgery(&stranger))));
    row.add(
        "an unknown signing key, another prefix",
        deny(reason, about(&stranger.clone().with_prefix("wk_test_"))),
    );
    let expired = Key { issued: 0, expires: 60, ..stranger };
    row.add("an unknown signing key, long expired", deny(reason, about(&expired)));
}

fn prefix(row: &mut Row<'_>) {
    let reason = "prefix_mismatch";
    let third = Key { epoch: 3, signing: signing_key(3), ..key() };
    for prefix in ["wk_test_", "example_live_", "examples_test_", "exampl_test_", "exampld_test_"] {
        row.add(format!("epoch 1 with {prefix}"), deny(reason, about(&key().with_prefix(prefix))));
    }
    let right = third.clone().with_prefix("wk_test_");
    row.add("epoch 3 with its own prefix", allow_fresh(&right, about(&right)));
    row.add("epoch 3 with the prefix of epoch 1", deny(reason, about(&third)));
    row.add("epoch 3 with a longer brand", deny(reason, about(&third.with_prefix("wka_test_"))));
    let other = key().with_prefix("wk_test_");
    row.add("another prefix, and forged", deny(reason, presented(forgery(&other))));
    row.add(
        "another prefix, and the list wants a newer key set",
        deny(reason, about(&other).with(least(4))),
    );
    row.add("another prefix, narrowed", deny(reason, about(&other.narrowed(only(&[0])))));
}

fn forged(row: &mut Row<'_>) {
    let reason = "bad_tag";
    let (signed, right) = (key().signed(), key().tag());
    for at in 0..16 {
        for bits in [0x01, 0x80] {
            let text = key().text_with(&signed, &flipped(&right, at, bits));
            row.add(
                format!("byte {at} of the tag, changed by {bits:02x}"),
                deny(reason, presented(text)),
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
            deny(reason, presented(bent.text_with(&bent.signed(), &tag))),
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
        row.add(format!("under {name}"), deny(reason, presented(key().text_with(&signed, &tag))));
    }
    let text = forgery(&key());
    row.add(
        "forged, and the list wants a newer key set",
        deny(reason, presented(text.clone()).with(least(4))),
    );
    row.add("forged, and no list", deny(reason, presented(text.clone()).without_list()));
    row.add("forged, and the clock is behind", deny(reason, presented(text).at(0)));
    let outside = Key { issued: 0, expires: 60, ..key() };
    row.add("forged, outside the window and expired", deny(reason, presented(forgery(&outside))));
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
    let with = |signed: &[&[u8]], tag: [u8; 16]| presented(key().text_with(&signed.concat(), &tag));
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
        deny(reason, presented(four.text_with(&four.signed(), &flipped(&four.tag(), 15, 1)))),
    );
}

fn old_key_set(row: &mut Row<'_>) {
    let reason = "no_key_set";
    let asked = |list| usual().with(list);
    row.around(
        "a least version that is the key set's",
        [
            allow_fresh(&key(), asked(least(2))),
            allow_fresh(&key(), asked(least(3))),
            deny(reason, asked(least(4))),
        ],
    );
    row.add("the last least version", deny(reason, asked(least(u32::MAX))));
    let newest = list_telling(|head| head.telling(|own| own.current = u32::MAX));
    row.add("a newer current version", allow_fresh(&key(), asked(newest)));
    row.add(
        "another audience's list wants a newer key set",
        ask_refresh(asked(of_another_audience(9))),
    );
    let outside = Key { issued: ISSUED - 3_601, ..key() };
    row.add("outside the window, too", deny(reason, about(&outside).with(least(4))));
    let expired = Key { expires: SECOND, ..key() };
    row.add("expired, too", deny(reason, about(&expired).with(least(4))));
    row.add("the clock is behind, too", deny(reason, asked(least(4)).at(0)));
    row.add(
        "for a strict scope, too",
        deny(reason, asked(least(4)).requiring(all_of(&["invoice:void"]))),
    );
    row.add("the list is stale, too", deny(reason, asked(least(4)).at(super::NOW + 3_600_001)));
}

fn windows(row: &mut Row<'_>) {
    let reason = "outside_window";
    let issued = |issued| Key { issued, ..key() };
    let keys_of = |issued| (key_of(issued), about(&key_of(issued)));
    let good = |(key, question): (Key, Question)| allow_fresh(&key, question);
    row.around(
        "issued at mint-from",
        [
            deny(reason, about(&issued(ISSUED - 3_601))),
            good(keys_of(ISSUED - 3_600)),
            good(keys_of(ISSUED - 3_599)),
        ],
    );
    // Later, so that such a key is not from ahead of the clock.
    let now = u64::from(ISSUED + 4_000) * 1_000;
    let later = |(key, question): (Key, Question)| (key, question.with(list_at(now)).at(now));
    row.around(
        "issued at mint-until",
        [
            good(later(keys_of(ISSUED + 3_599))),
            good(later(keys_of(ISSUED + 3_600))),
            deny(reason, later(keys_of(ISSUED + 3_601)).1),
        ],
    );
    let expiring = |expires| {
        let key = Key { expires, ..key() };
        (key.clone(), about(&key))
    };
    row.around(
        "expires at verify-until",
        [
            good(expiring(ISSUED + 86_399)),
            good(expiring(ISSUED + 86_400)),
            deny(reason, expiring(ISSUED + 86_401).1),
        ],
    );
    let narrowed = Key { expires: ISSUED + 86_401, ..key() }.narrowed(until(EXPIRES));
    row.add("expires past verify-until, but for a block", deny(reason, about(&narrowed)));
    let with = |mint_from, mint_until, verify_until| {
        let entries = vec![Entry { mint_from, mint_until, verify_until, ..entry(1) }];
        usual().under(KeySet { entries, ..keys() })
    };
    row.add("a window of one second", allow_fresh(&key(), with(ISSUED, ISSUED, EXPIRES)));
    row.add(
        "a window that ends before it begins",
        deny(reason, with(ISSUED + 1, ISSUED - 1, EXPIRES)),
    );
    row.add("a window that holds nothing", deny(reason, with(u32::MAX, 0, 0)));
    row.add("a window without an end of its keys", deny(reason, with(0, u32::MAX, 0)));
    let expired = Key { issued: ISSUED - 3_601, expires: SECOND, ..key() };
    row.add("outside the window, and expired", deny(reason, about(&expired)));
    row.add("outside the window, and the clock is behind", deny(reason, about(&expired).at(0)));
    row.add("outside the window, and no list", deny(reason, about(&expired).without_list()));
}

fn key_of(issued: u32) -> Key {
    Key { issued, ..key() }
}

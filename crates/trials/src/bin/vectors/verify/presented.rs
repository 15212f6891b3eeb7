//! Rows 1 to 5: whether what is presented is a key, and whether the key set knows what is required and who signed it.

use serde_json::json;

use super::{
    Question, Row, about, all_of, allow_fresh, bent, deny, forgery, keys, keys_of_audience_3,
    list_of_audience_3_wanting, list_wanting, presenting, usual,
};
use crate::file::VectorFile;
use crate::key::replaced;
use crate::key_bytes::{EXPIRES, ISSUED, Key, key, only, until};
use crate::key_set_bytes::{KeySet, signing_key};

pub(super) fn add(file: &mut VectorFile) {
    not_a_key(&mut Row::new(file, 1));
    for_another_audience(&mut Row::new(file, 2));
    of_another_edition(&mut Row::new(file, 3));
    unknown_signing_key(&mut Row::new(file, 4));
    prefix(&mut Row::new(file, 5));
}

fn not_a_key(row: &mut Row<'_>) {
    // Whoever takes two foreign characters for none reads the very key, tag and all.
    for (byte, digits) in [(0, "AAAA"), (255, "____")] {
        let key = Key { key_id: [byte; 8], ..key() };
        row.add(format!("a key with the digits {digits}"), allow_fresh(&key, about(&key)));
        let at = key.text().find(digits).unwrap_or_default();
        for (first, second) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            let text = replaced(&key.text(), &[at + first, at + second], '@');
            row.add(
                format!("foreign characters at places {first} and {second} of {digits}"),
                deny("malformed", presenting(text)),
            );
        }
    }
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
        row.add(name, deny(reason, presenting(text.clone())));
        let another = bent(all_of(&["invoice:list"]), "audience", vec![8, 3]);
        let question = presenting(text).requiring(another).without_list();
        row.add(format!("{name}, with everything else wrong, too"), deny(reason, question));
    }
    row.add(
        "a typo, at the end of time",
        deny("bad_checksum", presenting(mistyped.clone()).at(u64::MAX)),
    );
    row.add("a typo, at 0", deny("bad_checksum", presenting(mistyped).at(0)));
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
        deny(reason, presenting(forgery(&key())).requiring(required(7, 3))),
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
            deny("no_key_set", about(&key).with(list_wanting(4))),
        );
    }
    let stranger = Key { epoch: 2, ..key() };
    let asked = |list| about(&stranger).with(list);
    row.around(
        "a least version that is the key set's, and an unknown signing key",
        [
            deny(reason, asked(list_wanting(2))),
            deny(reason, asked(list_wanting(3))),
            deny("no_key_set", asked(list_wanting(4))),
        ],
    );
    row.add(
        "an unknown signing key, and the last least version",
        deny("no_key_set", asked(list_wanting(u32::MAX))),
    );
    row.add(
        "an unknown signing key, and another audience's list wants a newer key set",
        deny(reason, asked(list_of_audience_3_wanting(9))),
    );
    row.add("an unknown signing key, forged", deny(reason, presenting(forgery(&stranger))));
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
    row.add("another prefix, and forged", deny(reason, presenting(forgery(&other))));
    row.add(
        "another prefix, and the list wants a newer key set",
        deny(reason, about(&other).with(list_wanting(4))),
    );
    row.add("another prefix, narrowed", deny(reason, about(&other.narrowed(only(&[0])))));
}

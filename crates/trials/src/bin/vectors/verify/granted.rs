//! Rows 15 and 16: whether the key may do what is asked.

use serde_json::json;

use super::{
    LAST, LIST, PRINT, Question, READ, Row, VOID, WRITE, about, all_of, allow_fresh, any_of, deny,
    usual,
};
use crate::file::VectorFile;
use crate::key_bytes::{Key, from, key, only, until, within};

pub(super) fn add(file: &mut VectorFile) {
    requirements(file);
    missing(&mut Row::new(file, 15));
    narrowed(&mut Row::new(file, 16));
}

/// A requirement that cannot be built is no denial.
fn requirements(file: &mut VectorFile) {
    for (name, required) in [
        ("all of no scope", all_of(&[])),
        ("any of no scope", any_of(&[])),
        ("a scope that the catalog does not name", all_of(&["invoice:burn"])),
        ("such a scope among others", any_of(&[LIST, "invoice:burn"])),
        ("a scope by the beginning of its name", all_of(&["invoice:lis"])),
        ("a scope in capitals", all_of(&["INVOICE:LIST"])),
        ("a scope by its number", all_of(&["0"])),
        ("a scope without a name", all_of(&[""])),
    ] {
        let case = usual().requiring(required).case();
        file.add("5 requirement", name, json!({ "error": "requirement" }), case);
    }
}

fn missing(row: &mut Row<'_>) {
    let reason = "scope_missing";
    let with = |scopes: &[u8]| Key { scopes: scopes.to_vec(), ..key() };
    for (scopes, required, met) in [
        (&[0][..], all_of(&[LIST]), true),
        (&[0], all_of(&[READ]), false),
        (&[0], all_of(&[LIST, READ]), false),
        (&[1], all_of(&[LIST, READ]), false),
        (&[0, 1], all_of(&[LIST, READ]), true),
        (&[0, 1], all_of(&[READ, LIST, READ]), true),
        (&[0], any_of(&[LIST, READ]), true),
        (&[1], any_of(&[LIST, READ]), true),
        (&[2], any_of(&[LIST, READ]), false),
        (&[39], all_of(&[PRINT]), true),
        (&[38], all_of(&[PRINT]), false),
        (&[40], all_of(&[PRINT]), false),
        (&[38, 40], any_of(&[PRINT]), false),
        (&[0, 1, 2, 9, 255], all_of(&[PRINT]), false),
        (&[255], all_of(&[LAST]), true),
        (&[254], all_of(&[LAST]), false),
        (&[247], all_of(&[LAST]), false),
        (&[0], all_of(&[LIST, LAST]), false),
        (&[0, 255], all_of(&[LIST, PRINT, LAST]), false),
        (&[0, 39, 255], all_of(&[LIST, PRINT, LAST]), true),
        (&[8], all_of(&[LIST]), false),
    ] {
        let key = with(scopes);
        let name = format!("scopes {scopes:?} for {required}");
        let question = about(&key).requiring(required);
        row.add(name, if met { allow_fresh(&key, question) } else { deny(reason, question) });
    }
    // Numbers that the catalog does not name grant nothing, and an allow tells them all the same.
    let more = with(&[0, 3, 200]);
    row.add("scopes that the catalog does not name", allow_fresh(&more, about(&more)));
    let strict = about(&with(&[0])).requiring(all_of(&[VOID]));
    row.add("a strict scope that is missing: nobody is asked", deny(reason, strict.clone()));
    let failed = Question { registry: json!("failed"), ..strict };
    row.add(
        "a strict scope that is missing, and the registry did not answer",
        deny(reason, failed),
    );
    let narrowed = with(&[1]).narrowed(only(&[0]));
    row.add("a block gives nothing", deny(reason, about(&narrowed)));
    let neither = with(&[1]).narrowed(only(&[2]));
    row.add("missing in base and block", deny(reason, about(&neither)));
    let elsewhere = with(&[1]).constrained(within(&["10.0.0.0/8"]));
    row.add("missing, and the caller is unknown", deny(reason, about(&elsewhere)));
}

fn narrowed(row: &mut Row<'_>) {
    let reason = "narrowed";
    let by = |blocks: &[&[u8]]| blocks.iter().fold(key(), |key, scopes| key.narrowed(only(scopes)));
    for (blocks, required, met) in [
        (&[&[0][..]][..], all_of(&[LIST]), true),
        (&[&[1]], all_of(&[LIST]), false),
        (&[&[1]], all_of(&[LIST, READ]), false),
        (&[&[1]], any_of(&[LIST, READ]), true),
        (&[&[2]], any_of(&[LIST, READ]), false),
        (&[&[200]], all_of(&[LIST]), false),
        (&[&[0, 1], &[1, 2]], all_of(&[READ]), true),
        (&[&[0, 1], &[1, 2]], all_of(&[LIST]), false),
        (&[&[0, 1], &[1, 2]], any_of(&[LIST, WRITE]), false),
        (&[&[0], &[1]], any_of(&[LIST, READ]), false),
        (&[&[0, 1, 2, 9, 39]], all_of(&[LIST, READ, WRITE]), true),
        (&[&[0], &[0, 1, 2], &[0], &[0, 255]], all_of(&[LIST]), true),
        (&[&[0], &[0], &[0], &[1]], all_of(&[LIST]), false),
        (&[&[1], &[0], &[0], &[0]], all_of(&[LIST]), false),
    ] {
        let key = by(blocks);
        let name = format!("blocks {blocks:?} for {required}");
        let question = about(&key).requiring(required);
        row.add(name, if met { allow_fresh(&key, question) } else { deny(reason, question) });
    }
    let both = by(&[&[1]]);
    Row::new(row.file, 15).add(
        "one scope missing, one taken away",
        deny("scope_missing", about(&both).requiring(all_of(&[LIST, PRINT]))),
    );
    row.add(
        "any of one missing and one taken away",
        deny(reason, about(&both).requiring(any_of(&[LIST, PRINT]))),
    );
    row.add(
        "a strict scope that was taken away: nobody is asked",
        deny(reason, about(&both).requiring(all_of(&[VOID]))),
    );
    let elsewhere = both.narrowed(within(&["10.0.0.0/8"]));
    row.add("taken away, and the caller is unknown", deny(reason, about(&elsewhere)));
    let others =
        key().narrowed(until(u32::MAX)).narrowed(from(0)).narrowed(within(&["::/0", "0.0.0.0/0"]));
    let others = Key { blocks: others.blocks.into_iter().take(2).collect(), ..key() };
    row.add("blocks of other fields leave all scopes", allow_fresh(&others, about(&others)));
}

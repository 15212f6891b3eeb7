//! Bootstrap tokens: two numbers and a random part.

use super::{KEY, TOKEN, finds, is, nothing_in};
use crate::file::VectorFile;
use crate::key_bytes::key;

/// 50 digits of base64url, of which a token has 43.
const RANDOM: &str = "Zm9yLXRlc3RzLW9ubHktYW5kLW5vLXNlY3JldC1hdC1hbGwtX_";

fn token(tenant: &str, second: &str, random: usize) -> String {
    let random: String = RANDOM.chars().take(random).collect();
    format!("wkboot_{tenant}_{second}_{random}")
}

pub(super) fn add(file: &mut VectorFile) {
    let whole = token("7", "1800000000", 43);
    super::add(file, "a bootstrap token", is(TOKEN, &whole));
    for tenant in ["0", "65535", "99999"] {
        let token = token(tenant, "1800000000", 43);
        super::add(file, &format!("a bootstrap token of tenant {tenant}"), is(TOKEN, &token));
    }
    for (name, before, behind) in [
        ("in JSON", "{\"token\":\"", "\"}"),
        ("in a sentence", "Use ", "."),
        ("behind a letter", "x", ""),
        ("behind an underscore", "_", ""),
        ("with a word behind", "", "_x"),
        ("with digits behind", "", "AAAA"),
        ("with a letter outside ASCII behind", "", "\u{e9}"),
    ] {
        let all = format!("{before}{whole}{behind}");
        let case = finds(&all, &[(before.len(), TOKEN, &whole)]);
        super::add(file, &format!("a bootstrap token {name}"), case);
    }
    let text = key().text();
    let all = format!("{whole} {text}");
    let found = [(0, TOKEN, whole.as_str()), (whole.len() + 1, KEY, &text)];
    super::add(file, "a bootstrap token and a key", finds(&all, &found));
    let all = format!("{text} {whole}");
    let found = [(0, KEY, text.as_str()), (text.len() + 1, TOKEN, &whole)];
    super::add(file, "a key and a bootstrap token", finds(&all, &found));
    for (name, text) in [
        ("of another word", whole.replace("wkboot", "wkroot")),
        ("of a known word in capitals", whole.replace("wkboot", "WKBOOT")),
        ("without its last number", "wkboot_7_Zm9yLXRl".into()),
        ("of a tenant that is no number", token("x", "1800000000", 8)),
        ("of a second that is no number", token("7", "180000000x", 8)),
    ] {
        super::add(file, &format!("no bootstrap token: {name}"), nothing_in(&text));
    }
    bounds(file);
}

fn bounds(file: &mut VectorFile) {
    let is_token = |tenant, second, random| is(TOKEN, &token(tenant, second, random));
    let none = |tenant, second, random| nothing_in(&token(tenant, second, random));
    const SECOND: &str = "1800000000";
    file.around(
        "6",
        "a token's random part of 8 characters",
        [none("7", SECOND, 7), is_token("7", SECOND, 8), is_token("7", SECOND, 9)],
    );
    let (whole, longer) = (token("7", SECOND, 43), token("7", SECOND, 44));
    file.around(
        "6",
        "a token's random part of 43 characters",
        [is_token("7", SECOND, 42), is(TOKEN, &whole), finds(&longer, &[(0, TOKEN, &whole)])],
    );
    file.around(
        "6",
        "a token's tenant of 1 digit",
        [none("", SECOND, 8), is_token("7", SECOND, 8), is_token("77", SECOND, 8)],
    );
    file.around(
        "6",
        "a token's tenant of 5 digits",
        [is_token("6553", SECOND, 8), is_token("65535", SECOND, 8), none("655350", SECOND, 8)],
    );
    file.around(
        "6",
        "a token's second of 1 digit",
        [none("7", "", 43), is_token("7", "1", 43), is_token("7", "18", 43)],
    );
    file.around(
        "6",
        "a token's second of 10 digits",
        [is_token("7", "180000000", 43), is_token("7", SECOND, 43), none("7", "18000000000", 43)],
    );
}

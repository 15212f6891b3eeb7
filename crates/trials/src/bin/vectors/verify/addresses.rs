//! Row 17: whether the key may be used from where it is.

use serde_json::json;

use super::{Question, Row, VOID, about, all_of, allow_fresh, deny, usual};
use crate::file::VectorFile;
use crate::key_bytes::{key, within};

pub(super) fn add(file: &mut VectorFile) {
    addresses(&mut Row::new(file, 17));
    sets_of_networks(&mut Row::new(file, 17));
}

/// Which network holds which address.
fn addresses(row: &mut Row<'_>) {
    for (network, inside, outside) in [
        (
            "0.0.0.0/0",
            &["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"][..],
            &["::", "::1", "2001:db8::1"][..],
        ),
        (
            "::/0",
            &["::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            &["1.2.3.4", "::ffff:1.2.3.4"],
        ),
        ("128.0.0.0/1", &["128.0.0.0", "255.255.255.255"], &["127.255.255.255", "0.0.0.0"]),
        (
            "10.0.0.0/8",
            &["10.0.0.0", "10.1.2.3", "10.255.255.255", "::ffff:10.1.2.3", "::ffff:a01:203"],
            &["9.255.255.255", "11.0.0.0", "::10.1.2.3", "::fffe:10.1.2.3", "a00::"],
        ),
        ("192.0.2.128/25", &["192.0.2.128", "192.0.2.255"], &["192.0.2.127", "192.0.3.0"]),
        ("192.0.2.6/31", &["192.0.2.6", "192.0.2.7"], &["192.0.2.5", "192.0.2.8"]),
        ("192.0.2.7/32", &["192.0.2.7", "::ffff:192.0.2.7"], &["192.0.2.6", "192.0.2.8"]),
        ("8000::/1", &["8000::", "ffff::"], &["7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
        (
            "2001:db8::/32",
            &["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
            &["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "32.1.13.184"],
        ),
        ("2001:db8:8000::/33", &["2001:db8:8000::"], &["2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"]),
        ("2001:db8::6/127", &["2001:db8::6", "2001:db8::7"], &["2001:db8::5", "2001:db8::8"]),
        ("2001:db8::7/128", &["2001:db8::7"], &["2001:db8::6", "2001:db8::8"]),
        // It holds the mapped addresses' numbers, but such callers count as IPv4.
        ("::/80", &["::1", "::fffe:ffff:ffff"], &["0:0:0:0:1::", "::ffff:10.0.0.1", "10.0.0.1"]),
        ("::fffe:0:0/96", &["::fffe:a00:1"], &["::ffff:10.0.0.1", "10.0.0.1"]),
    ] {
        let key = key().constrained(within(&[network]));
        let from = |caller| Question { caller: Some(caller), ..about(&key) };
        for caller in inside {
            row.add(format!("{network} holds {caller}"), allow_fresh(&key, from(caller)));
        }
        for caller in outside {
            row.add(
                format!("{network} does not hold {caller}"),
                deny("address_not_allowed", from(caller)),
            );
        }
    }
}

fn sets_of_networks(row: &mut Row<'_>) {
    let reason = "address_not_allowed";
    let everywhere = key().constrained(within(&["0.0.0.0/0", "::/0"]));
    row.add("from everywhere, and the caller is unknown", deny(reason, about(&everywhere)));
    for caller in
        ["", "example.org", "10.0.0", "10.0.0.256", "10.0.0.1/32", "::1::", "2001:db8::1%1"]
    {
        let question = Question { caller: Some(caller), ..about(&everywhere) };
        row.add(format!("from everywhere, and the caller is {caller:?}"), deny(reason, question));
    }
    row.add("no networks, and the caller is unknown", allow_fresh(&key(), usual()));
    let known = Question { caller: Some("10.0.0.1"), ..usual() };
    row.add("no networks, and the caller is known", allow_fresh(&key(), known));
    let sets = |base: &[&'static str], blocks: &[&[&'static str]]| {
        let key = if base.is_empty() { key() } else { key().constrained(within(base)) };
        blocks.iter().fold(key, |key, networks| key.narrowed(within(networks)))
    };
    const A: &str = "10.0.0.0/8";
    const B: &str = "10.1.0.0/16";
    const C: &str = "2001:db8::/32";
    for (name, key, inside, outside) in [
        (
            "any of a set",
            sets(&[A, C], &[]),
            &["10.9.9.9", "2001:db8::9"][..],
            &["11.0.0.0", "2001:db9::"][..],
        ),
        ("a block's set", sets(&[], &[&[A, C]]), &["10.9.9.9", "2001:db8::9"], &["11.0.0.0"]),
        ("base and block", sets(&[A], &[&[B]]), &["10.1.0.0"], &["10.2.0.0", "11.1.0.0"]),
        ("a block that is wider", sets(&[B], &[&[A]]), &["10.1.0.0"], &["10.2.0.0"]),
        ("two blocks", sets(&[], &[&[A, C], &[B, C]]), &["10.1.0.0", "2001:db8::"], &["10.2.0.0"]),
        ("two that have nothing in common", sets(&[A], &[&[C]]), &[], &["10.1.0.0", "2001:db8::"]),
        ("five sets", sets(&[A], &[&[A], &[B], &[A], &[A]]), &["10.1.0.0"], &["10.2.0.0"]),
    ] {
        for caller in inside {
            let question = Question { caller: Some(caller), ..about(&key) };
            row.add(format!("{name}: from {caller}"), allow_fresh(&key, question));
        }
        for caller in outside {
            let question = Question { caller: Some(caller), ..about(&key) };
            row.add(format!("{name}: not from {caller}"), deny(reason, question));
        }
        row.add(format!("{name}: not from an unknown caller"), deny(reason, about(&key)));
    }
    let strict = about(&sets(&[A], &[])).requiring(all_of(&[VOID]));
    let failed = Question { registry: json!("failed"), ..strict.clone() };
    row.add("for a strict scope from elsewhere: nobody is asked", deny(reason, strict));
    row.add(
        "for a strict scope from elsewhere, and the registry did not answer",
        deny(reason, failed),
    );
}

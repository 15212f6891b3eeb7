//! Keys that are allowed: the row that all is about, and how it grows.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use anyhow::{Result, ensure};
use wardkey::{
    Base, Decision, Narrowing, Network, Networks, Requirement, ScopeSet, StatusIndex, Subject,
    UnixSeconds,
};

use crate::bare_mac::UNIT;
use crate::claims::{KEYS, SCOPES};
use crate::issuer::{FLOOR, ISSUED, Issuer, Verifier};
use crate::rounds::{Chance, Row, repeated};

/// Every accept.
pub(crate) fn rows() -> Result<Vec<Row>> {
    let issuer = Issuer::new(2)?;
    let parts = issuer.list(LIST)?;
    let verifier = issuer.verifier(Some(&parts))?.shared();
    let mut rows = vec![accept(
        VERIFY,
        "allow: one of eight scopes asked, one block of SHA-256, list of a million indexes",
        UNIT,
        &verifier,
        keys(&issuer, |_| Ok(()))?,
    )?];
    rows.extend(of_lengths(&issuer, &verifier)?);
    rows.extend(of_scopes(&issuer, &verifier)?);
    let all = issuer.required(|catalog| Ok(Requirement::all_of(catalog, SCOPES)?))?;
    let all_of = Verifier { required: all, ..issuer.verifier(Some(&parts))? }.shared();
    rows.push(accept(
        "native.growth.required_8",
        "eight of eight scopes asked",
        VERIFY,
        &all_of,
        keys(&issuer, |_| Ok(()))?,
    )?);
    for blocks in 1..=4 {
        rows.push(accept(
            &accept_id(blocks),
            &format!("narrowed: {blocks} of 4 blocks"),
            VERIFY,
            &verifier,
            narrowed(keys(&issuer, |_| Ok(()))?, blocks)?,
        )?);
    }
    for count in [1, 2, 4, 8] {
        let issuer = Issuer::new(count)?;
        rows.push(accept(
            &format!("native.growth.signing_keys_{count}"),
            &format!("signed by the last signing key of {count}"),
            VERIFY,
            &issuer.verifier(Some(&issuer.list(LIST)?))?.shared(),
            keys(&issuer, |_| Ok(()))?,
        )?);
    }
    for (name, bit_count) in crate::list::SIZES {
        rows.push(accept(
            &format!("native.growth.list_{name}"),
            &format!("4,096 keys, anywhere in a list of {name} indexes"),
            VERIFY,
            &issuer.verifier(Some(&issuer.list(bit_count)?))?.shared(),
            spread(&issuer, bit_count)?,
        )?);
    }
    Ok(rows)
}

/// The accept with as many blocks.
pub(crate) fn accept_id(blocks: usize) -> String {
    match blocks {
        0 => VERIFY.to_owned(),
        _ => format!("native.growth.blocks_{blocks}"),
    }
}

/// Different keys, each changed by `change`.
pub(crate) fn keys(
    issuer: &Issuer,
    change: impl Fn(&mut Base) -> Result<()>,
) -> Result<Vec<String>> {
    let key = |number| {
        let mut base = issuer.base(number)?;
        change(&mut base)?;
        issuer.key(&base)
    };
    (0..KEYS).map(key).collect()
}

/// Keys after so many narrowings, each of which takes a second of their life.
pub(crate) fn narrowed(mut keys: Vec<String>, blocks: usize) -> Result<Vec<String>> {
    for block in 0..blocks {
        let expires_at = Some(UnixSeconds(ISSUED + 7_199 - block as u32));
        let narrowing = Narrowing { expires_at, ..Narrowing::default() };
        for key in &mut keys {
            *key = wardkey::narrow(key, &narrowing)?.secret_str().to_owned();
        }
    }
    Ok(keys)
}

/// Bases from short to the longest. One block of SHA-256 takes 55 bytes, each further one 64.
fn of_lengths(issuer: &Issuer, verifier: &Rc<Verifier>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (length, subject, last_scope, networks) in [
        (30, 2, 7, 0),
        (55, 27, 7, 0),
        (56, 28, 7, 0),
        (91, 63, 7, 0),
        (119, 63, 231, 0),
        (120, 63, 239, 0),
        (183, 63, 239, 10),
        (251, 63, 255, 21),
    ] {
        let keys = keys(issuer, |base| {
            base.subject = Subject::new(&"s".repeat(subject))?;
            base.scopes.insert(last_scope);
            if networks > 0 {
                let network = |n| Network::new(IpAddr::V4(Ipv4Addr::new(192, n, 2, 0)), 24);
                let all = (0..networks).map(network).collect::<Result<Vec<_>, _>>()?;
                base.constraints.networks = Some(Networks::new(all)?);
            }
            let len = base.encode(&mut [0; wardkey::MAX_BASE_LEN])?;
            ensure!(len == length, "a base of {len} bytes and not of {length}");
            Ok(())
        })?;
        let with = if networks > 0 { ", with networks" } else { "" };
        rows.push(accept(
            &format!("native.growth.base_{length}"),
            &format!("a base of {length} bytes{with}"),
            VERIFY,
            verifier,
            keys,
        )?);
    }
    Ok(rows)
}

/// Keys that hold one scope or all there can be.
fn of_scopes(issuer: &Issuer, verifier: &Rc<Verifier>) -> Result<Vec<Row>> {
    let asked = SCOPES.iter().position(|scope| *scope == crate::claims::ASKED);
    let asked = asked.unwrap_or_default() as u8;
    let mut rows = Vec::new();
    for count in [1_u16, 8, 40, 256] {
        let held: ScopeSet = match count {
            1 => [asked].into_iter().collect(),
            _ => (0..=(count - 1) as u8).collect(),
        };
        let keys = keys(issuer, |base| {
            base.scopes = held;
            Ok(())
        })?;
        rows.push(accept(
            &format!("native.growth.scopes_{count}"),
            &format!("{count} scopes held"),
            VERIFY,
            verifier,
            keys,
        )?);
    }
    Ok(rows)
}

/// More keys, with indexes anywhere in a list of so many.
fn spread(issuer: &Issuer, bit_count: u32) -> Result<Vec<String>> {
    let mut chance = Chance(3);
    let key = |number| {
        let index = chance.below(bit_count) | 1;
        issuer.key(&Base { status_index: StatusIndex(FLOOR + index), ..issuer.base(number)? })
    };
    (0..4_096).map(key).collect()
}

fn accept(
    id: &str,
    what: &str,
    base: &str,
    verifier: &Rc<Verifier>,
    keys: Vec<String>,
) -> Result<Row> {
    for key in &keys {
        let decision = verifier.decide(key);
        ensure!(matches!(decision, Decision::Allow(_)), "{id}: not allowed");
    }
    ensure!(keys.len().is_power_of_two(), "{id}: {} keys", keys.len());
    let (verifier, mask) = (Rc::clone(verifier), keys.len() - 1);
    let time = repeated(move |number| keys.get(number & mask).map(|key| verifier.decide(key)));
    let (id, what) = (id.to_owned(), what.to_owned());
    Ok(Row { id, what, base: Some(base.to_owned()), peer_version: None, time })
}

/// The row that all is about.
pub(crate) const VERIFY: &str = "native.verify";
/// Indexes of the list, where nothing else is said.
pub(crate) const LIST: u32 = 1_000_000;

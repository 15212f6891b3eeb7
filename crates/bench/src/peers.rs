//! Others' keys with the same claims, verified as their libraries mean it.

mod biscuit;
mod claims;
mod jsonwebtoken;
mod macaroon;
mod paseto;
mod ring;

use anyhow::{Context, Result, ensure};

use self::claims::{Claims, EXPIRED};
use crate::bare_mac::UNIT;
use crate::claims::{ASKED, KEYS, SCOPES};
use crate::rounds::{Row, repeated};

/// What is read out of a key: subject and key id.
type Read = (String, String);

/// One library, set up.
struct Peer<I, V> {
    id: &'static str,
    what: &'static str,
    package: &'static str,
    /// Makes a key; another issuer's if that is asked for.
    issue: I,
    /// Verifies one: expiry and the scope asked, too.
    verify: V,
}

/// Who makes a key.
#[derive(Clone, Copy)]
enum Issuer {
    Known,
    Foreign,
}

/// Every peer, each shown to tell good from bad.
pub(crate) fn rows() -> Result<Vec<Row>> {
    Ok(vec![
        ring::peer()?,
        jsonwebtoken::peer()?,
        paseto::peer()?,
        macaroon::peer()?,
        biscuit::peer()?,
    ])
}

impl<I, V> Peer<I, V>
where
    I: Fn(&Claims, Issuer) -> Result<String>,
    V: Fn(&str) -> Option<Read> + 'static,
{
    fn row(self) -> Result<Row> {
        let mut tokens = Vec::with_capacity(KEYS);
        for number in 0..KEYS {
            let claims = Claims::numbered(number);
            let token = (self.issue)(&claims, Issuer::Known)?;
            let read = (self.verify)(&token).with_context(|| format!("{}: a good key", self.id))?;
            ensure!(read == (claims.subject, claims.key_id), "{}: other claims", self.id);
            tokens.push(token);
        }
        let claims = Claims::numbered(0);
        let lacking = SCOPES.into_iter().filter(|scope| *scope != ASKED).collect();
        for (wrong, claims, issuer) in [
            ("forged", claims.clone(), Issuer::Foreign),
            ("expired", Claims { expires: EXPIRED, ..claims.clone() }, Issuer::Known),
            ("unscoped", Claims { scopes: lacking, ..claims }, Issuer::Known),
        ] {
            let token = (self.issue)(&claims, issuer)?;
            ensure!((self.verify)(&token).is_none(), "{}: the {wrong} key is not refused", self.id);
        }
        let verify = self.verify;
        Ok(Row {
            id: format!("native.peer.{}", self.id),
            what: self.what.to_owned(),
            base: Some(UNIT.to_owned()),
            peer_version: Some(pinned(self.package)?),
            time: repeated(move |number| tokens.get(number % KEYS).map(|token| verify(token))),
        })
    }
}

/// Name and version of a package, as the manifest pins it.
fn pinned(package: &str) -> Result<String> {
    let manifest = include_str!("../Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{package} = ")));
    let (_, rest) = line.and_then(|line| line.split_once("\"=")).context("not pinned")?;
    let (version, _) = rest.split_once('"').context("not pinned")?;
    Ok(format!("{package} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_that_takes_what_it_should_not_is_no_peer() {
        let peer = |forgets: usize| {
            Peer {
                id: "careless",
                what: "",
                package: "ring",
                issue: |claims: &Claims, issuer| {
                    let known = matches!(issuer, Issuer::Known);
                    let (expires, scopes) = (claims.expires.0, claims.scopes.join(","));
                    let Claims { subject, key_id, .. } = claims;
                    Ok(format!("{subject} {key_id} {known} {expires} {scopes}"))
                },
                verify: move |token: &str| {
                    let words: Vec<&str> = token.split(' ').collect();
                    let checks = [
                        words[2] == "true",
                        words[3].parse::<u64>().ok()? > EXPIRED.0,
                        words[4].split(',').any(|scope| scope == ASKED),
                    ];
                    let passes = (0..3).all(|check| check == forgets || checks[check]);
                    passes.then(|| (words[0].to_owned(), words[1].to_owned()))
                },
            }
            .row()
            .err()
            .map(|error| error.to_string())
        };
        for (check, wrong) in ["forged", "expired", "unscoped"].into_iter().enumerate() {
            let expected = format!("careless: the {wrong} key is not refused");
            assert_eq!(peer(check), Some(expected));
        }
        assert_eq!(peer(3), None);
    }

    #[test]
    fn what_is_told_is_what_is_locked() {
        for package in ["ring", "jsonwebtoken", "rusty_paseto", "macaroon", "biscuit-auth"] {
            let pinned = pinned(package).unwrap();
            let (name, version) = pinned.split_once(' ').unwrap();
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            assert!(include_str!("../Cargo.lock").contains(&entry), "{pinned}");
        }
        assert!(pinned("anyhow").is_err());
    }
}

//! Macaroons with three caveats.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use macaroon::{ByteString, Caveat, Format, Macaroon, MacaroonKey, Verifier};

use super::{Claims, Issuer, Peer};
use crate::claims::ASKED;
use crate::rounds::Row;

pub(super) fn peer() -> Result<Row> {
    macaroon::initialize().map_err(|error| anyhow!("{error}"))?;
    let key = MacaroonKey::from([1; 32]);
    let mut verifier = Verifier::default();
    verifier.satisfy_general(|caveat| told(caveat, "sub = ").is_some());
    verifier.satisfy_general(|caveat| {
        told(caveat, "scope = ").is_some_and(|scopes| scopes.split(' ').any(|scope| scope == ASKED))
    });
    verifier.satisfy_general(|caveat| {
        let until = told(caveat, "time < ").and_then(|until| until.parse::<u64>().ok());
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        until.zip(now.ok()).is_some_and(|(until, now)| now.as_secs() < until)
    });
    Peer {
        id: "macaroon",
        what: "macaroon, three caveats: subject, scopes, time",
        package: "macaroon",
        issue: |claims: &Claims, issuer| {
            let key = MacaroonKey::from(match issuer {
                Issuer::Known => [1; 32],
                Issuer::Foreign => [2; 32],
            });
            let id = claims.key_id.as_str().into();
            let made = Macaroon::create(Some("wardkey".to_owned()), &key, id);
            let mut macaroon = made.map_err(|error| anyhow!("{error}"))?;
            for caveat in [
                format!("sub = {}", claims.subject),
                format!("scope = {}", claims.scopes.join(" ")),
                format!("time < {}", claims.expires.0),
            ] {
                macaroon.add_first_party_caveat(caveat.into());
            }
            macaroon.serialize(Format::V2).map_err(|error| anyhow!("{error}"))
        },
        verify: move |token: &str| {
            let macaroon = Macaroon::deserialize(token).ok()?;
            verifier.verify(&macaroon, &key, Vec::new()).ok()?;
            let subject = macaroon.first_party_caveats().into_iter().find_map(|caveat| {
                let Caveat::FirstParty(caveat) = caveat else { return None };
                told(&caveat.predicate(), "sub = ").map(str::to_owned)
            });
            let id = macaroon.identifier();
            Some((subject?, std::str::from_utf8(id.as_ref()).ok()?.to_owned()))
        },
    }
    .row()
}

/// What a caveat says behind its name.
fn told<'c>(caveat: &'c ByteString, name: &str) -> Option<&'c str> {
    std::str::from_utf8(caveat.as_ref()).ok()?.strip_prefix(name)
}

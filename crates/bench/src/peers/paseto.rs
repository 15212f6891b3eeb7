//! PASETO v4.local: symmetric, encrypted.

use anyhow::Result;
use rusty_paseto::prelude::{
    CustomClaim, ExpirationClaim, Key, Local, PasetoBuilder, PasetoParser, PasetoSymmetricKey,
    SubjectClaim, TokenIdentifierClaim, V4,
};

use super::{Claims, Issuer, Peer};
use crate::claims::ASKED;
use crate::rounds::Row;

pub(super) fn peer() -> Result<Row> {
    let symmetric = |byte| PasetoSymmetricKey::<V4, Local>::from(Key::<32>::from([byte; 32]));
    let key = symmetric(1);
    Peer {
        id: "rusty_paseto",
        what: "rusty_paseto, v4.local (encrypted)",
        package: "rusty_paseto",
        issue: move |claims: &Claims, issuer| {
            let key = match issuer {
                Issuer::Known => symmetric(1),
                Issuer::Foreign => symmetric(2),
            };
            let scope = claims.scopes.join(" ");
            Ok(PasetoBuilder::<V4, Local>::default()
                .set_claim(SubjectClaim::from(claims.subject.as_str()))
                .set_claim(TokenIdentifierClaim::from(claims.key_id.as_str()))
                .set_claim(ExpirationClaim::try_from(claims.expires.1)?)
                .set_claim(CustomClaim::try_from(("scope", scope.as_str()))?)
                .build(&key)?)
        },
        verify: move |token: &str| {
            let claims = PasetoParser::<V4, Local>::default().parse(token, &key).ok()?;
            let claim = |name: &str| claims.get(name)?.as_str();
            let held = claim("scope")?.split(' ').any(|scope| scope == ASKED);
            held.then_some((claim("sub")?.to_owned(), claim("jti")?.to_owned()))
        },
    }
    .row()
}

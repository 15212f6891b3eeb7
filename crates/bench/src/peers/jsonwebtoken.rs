//! JSON Web Tokens, HS256.

use anyhow::Result;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::{Claims, Issuer, Peer};
use crate::claims::ASKED;
use crate::rounds::Row;

#[derive(Deserialize, Serialize)]
struct JwtClaims {
    sub: String,
    jti: String,
    /// With spaces between, as RFC 9068 says.
    scope: String,
    exp: u64,
}

pub(super) fn peer() -> Result<Row> {
    let key = DecodingKey::from_secret(&[1; 32])?;
    let validation = Validation::new(Algorithm::HS256);
    Peer {
        id: "jsonwebtoken",
        what: "jsonwebtoken with rust_crypto, HS256",
        package: "jsonwebtoken",
        issue: |claims: &Claims, issuer| {
            let secret = match issuer {
                Issuer::Known => [1; 32],
                Issuer::Foreign => [2; 32],
            };
            let claims = JwtClaims {
                sub: claims.subject.clone(),
                jti: claims.key_id.clone(),
                scope: claims.scopes.join(" "),
                exp: claims.expires.0,
            };
            let key = EncodingKey::from_secret(&secret)?;
            Ok(encode(&Header::new(Algorithm::HS256), &claims, &key)?)
        },
        verify: move |token: &str| {
            let JwtClaims { sub, jti, scope, .. } =
                decode::<JwtClaims>(token, &key, &validation).ok()?.claims;
            scope.split(' ').any(|scope| scope == ASKED).then_some((sub, jti))
        },
    }
    .row()
}

//! Biscuits: Ed25519, facts, a check of the time, one policy, one query.

use std::time::Duration;

use anyhow::Result;
use biscuit_auth::builder::{Policy, Rule};
use biscuit_auth::{AuthorizerBuilder, AuthorizerLimits, Biscuit, KeyPair};

use super::{Claims, Issuer, Peer};
use crate::claims::ASKED;
use crate::rounds::Row;

pub(super) fn peer() -> Result<Row> {
    let (root, foreign) = (KeyPair::new(), KeyPair::new());
    let key = root.public();
    // Parsed once: what does not change from one verification to the next.
    let policy: Policy = format!("allow if scope(\"{ASKED}\")").as_str().try_into()?;
    let read: Rule = "claims($sub, $jti) <- subject($sub), key($jti)".try_into()?;
    // Its own limit of 1 ms is met on a busy machine.
    let limits =
        AuthorizerLimits { max_time: Duration::from_secs(1), ..AuthorizerLimits::default() };
    Peer {
        id: "biscuit",
        what: "biscuit-auth, Ed25519: facts, a check of the time, one policy, one query",
        package: "biscuit-auth",
        issue: move |claims: &Claims, issuer| {
            let root = match issuer {
                Issuer::Known => &root,
                Issuer::Foreign => &foreign,
            };
            let Claims { subject, key_id, expires: (_, until), .. } = claims;
            let mut code = format!("subject(\"{subject}\"); key(\"{key_id}\");");
            for scope in &claims.scopes {
                code += &format!("scope(\"{scope}\");");
            }
            code += &format!("check if time($now), $now < {until};");
            Ok(Biscuit::builder().code(code)?.build(root)?.to_base64()?)
        },
        verify: move |token: &str| {
            let biscuit = Biscuit::from_base64(token, key).ok()?;
            let builder = AuthorizerBuilder::new().policy(policy.clone()).ok()?;
            let builder = builder.time().set_limits(limits.clone());
            let mut authorizer = builder.build(&biscuit).ok()?;
            authorizer.authorize().ok()?;
            let claims: Vec<(String, String)> =
                authorizer.query_with_limits(read.clone(), limits.clone()).ok()?;
            claims.into_iter().next()
        },
    }
    .row()
}

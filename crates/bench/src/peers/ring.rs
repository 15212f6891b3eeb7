//! Ring's bare HMAC.

use anyhow::Result;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};

use super::pinned;
use crate::bare_mac::{UNIT, messages, secret};
use crate::claims::KEYS;
use crate::rounds::{Row, repeated};

pub(super) fn peer() -> Result<Row> {
    let key = Key::new(HMAC_SHA256, &secret());
    let signed = messages().map(|message| (message, sign(&key, &message)));
    Ok(Row {
        id: "native.peer.ring".to_owned(),
        what: "ring, hmac::verify over 128 bytes: the bare MAC".to_owned(),
        base: Some(UNIT.to_owned()),
        peer_version: Some(pinned("ring")?),
        time: repeated(move |number| {
            let signed = signed.get(number % KEYS);
            signed.map(|(message, tag)| verify(&key, message, tag.as_ref()))
        }),
    })
}

//! Bare HMACs over 128 bytes: no key is parsed, nothing is judged. One of them is the unit of ratios.

use anyhow::{Result, anyhow};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::claims::KEYS;
use crate::rounds::{Chance, Row, Timer, repeated};

/// The unit of ratios.
pub const UNIT: &str = "native.unit";

/// The unit, and the same with its key set up each time.
///
/// # Errors
/// None in practice: the key is of a length that HMAC takes.
pub fn rows() -> Result<Vec<Row>> {
    let keyed: Hmac<Sha256> =
        Hmac::new_from_slice(&secret()).map_err(|error| anyhow!("{error}"))?;
    let ready = messages();
    let unit = repeated(move |number| {
        let message = ready.get(number % KEYS)?;
        Some(keyed.clone().chain_update(message).finalize().into_bytes())
    });
    let (ready, secret) = (messages(), secret());
    let anew = repeated(move |number| {
        let keyed: Hmac<Sha256> = Hmac::new_from_slice(&secret).ok()?;
        let message = ready.get(number % KEYS)?;
        Some(keyed.chain_update(message).finalize().into_bytes())
    });
    let row = |id: &str, what: &str, time: Timer| Row {
        id: id.to_owned(),
        what: what.to_owned(),
        base: Some(UNIT.to_owned()),
        peer_version: None,
        time,
    };
    Ok(vec![
        row(UNIT, "Hmac::clone (hmac 0.13) over 128 bytes: the unit, a bare MAC", unit),
        row("native.peer.hmac_anew", "hmac 0.13, its key set up each time: the bare MAC", anew),
    ])
}

/// What is MAC'd.
pub fn messages() -> [[u8; 128]; KEYS] {
    let mut chance = Chance(1);
    [(); KEYS].map(|()| [(); 128].map(|()| chance.draw() as u8))
}

/// What it is MAC'd with.
pub fn secret() -> [u8; 32] {
    let mut chance = Chance(2);
    [(); 32].map(|()| chance.draw() as u8)
}

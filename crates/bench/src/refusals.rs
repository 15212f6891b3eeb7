//! Each kind of refusal, beside the accept with as many blocks.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use anyhow::{Result, ensure};
use wardkey::{
    Ask, Constraints, Cutoff, Decision, Environment, Epoch, KeyText, Narrowing, Network, Networks,
    Prefix, Query, Reason, Refresh, Registry, Requirement, ScopeSet, SigningKey, StatusIndex,
    UnixMillis, UnixSeconds,
};

use crate::accepts::{LIST, accept_id, keys, narrowed};
use crate::claims::{ASKED, KEYS};
use crate::issuer::{CALLER, FLOOR, ISSUED, Issuer, NOW, Verifier};
use crate::rounds::{Chance, Row, repeated};

/// One kind, with keys that are all refused so.
pub(crate) struct Refusal {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) keys: Vec<String>,
    /// Blocks of the accept that it is held against.
    pub(crate) blocks: usize,
    /// The reason, or what is asked.
    pub(crate) expected: &'static str,
    verifier: Rc<Verifier>,
    now: UnixMillis,
    refresh: Refresh,
    registry_failed: bool,
}

/// Every refusal.
pub(crate) fn rows() -> Result<Vec<Row>> {
    let issuer = Issuer::new(2)?;
    let parts = issuer.list(LIST)?;
    let verifier = issuer.verifier(Some(&parts))?.shared();
    let mut all = by_the_key(&issuer, &verifier)?;
    all.extend(beside_the_key(&issuer, &verifier)?);
    all.into_iter().map(Refusal::row).collect()
}

/// Those that a verifier with a fresh list finds in the key itself.
pub(crate) fn by_the_key(issuer: &Issuer, verifier: &Rc<Verifier>) -> Result<Vec<Refusal>> {
    let mut all = texts(issuer, verifier)?;
    all.extend(forgeries(issuer, verifier)?);
    all.extend(authentic(issuer, verifier)?);
    Ok(all)
}

/// What is refused before any MAC.
fn texts(issuer: &Issuer, verifier: &Rc<Verifier>) -> Result<Vec<Refusal>> {
    let good = keys(issuer, |_| Ok(()))?;
    let of = |name, what, expected, keys| Refusal::of(verifier, name, what, expected, keys);
    let changed = |change: &dyn Fn(&str) -> String| good.iter().map(|key| change(key)).collect();
    let mut chance = Chance(2);
    let mut garbage = |key: &String| {
        let mut text = issuer.prefix.as_str().to_owned();
        while text.len() < key.len() - 1 {
            let place = chance.below(ALPHABET.len() as u32) as usize;
            text.extend(ALPHABET.get(place).map(|byte| char::from(*byte)));
        }
        // Spare bits of the last character are zero: only the checksum is wrong.
        text + "A"
    };
    Ok(vec![
        of(
            "garbage",
            "random base64url behind the right prefix, as long as a key",
            Reason::BadChecksum.as_str(),
            good.iter().map(&mut garbage).collect(),
        ),
        of("empty", "no character", "malformed", vec![String::new(); KEYS]),
        of(
            "other_prefix",
            "no prefix of a key",
            "malformed",
            changed(&|key| key.replace('_', "-")),
        ),
        of(
            "other_character",
            "the last character is none of base64url",
            "malformed",
            changed(&|key| format!("{}!", key.get(..key.len() - 1).unwrap_or_default())),
        ),
        of("too_long", "600 characters", "malformed", changed(&|key| format!("{key:A<600}"))),
        of(
            "bad_checksum",
            "a good key with a letter of it in the other case",
            "bad_checksum",
            changed(&one_letter_changed),
        ),
    ])
}

/// A key as somebody types it wrong.
fn one_letter_changed(key: &str) -> String {
    let place = key.char_indices().skip(20).find(|(_, letter)| letter.is_ascii_alphabetic());
    let mut letters: Vec<char> = key.chars().collect();
    if let Some(letter) = place.and_then(|(place, _)| letters.get_mut(place)) {
        let other = if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        };
        *letter = other;
    }
    letters.into_iter().collect()
}

/// What no issuer of these keys has made.
fn forgeries(issuer: &Issuer, verifier: &Rc<Verifier>) -> Result<Vec<Refusal>> {
    let of = |name, what, expected, keys| Refusal::of(verifier, name, what, expected, keys);
    let unknown = Epoch::new(9).unwrap_or(Epoch::FIRST);
    let unknown = keys(issuer, |base| {
        base.signing_key = issuer.signing_key_id(unknown);
        Ok(())
    })?;
    let test = Prefix::new("wk", Environment::Test)?;
    let signing_key = issuer.secret.signing_key(issuer.base(0)?.signing_key);
    let signed = |prefix: &Prefix, key: &SigningKey| -> Result<Vec<String>> {
        let text =
            |number| Ok(KeyText::sign(prefix, &issuer.base(number)?, key)?.secret_str().to_owned());
        (0..KEYS).map(text).collect()
    };
    let forged: Vec<_> =
        (0..KEYS).map(|number| issuer.forged(&issuer.base(number)?)).collect::<Result<_>>()?;
    let mut all = vec![
        of(
            "unknown_signing_key",
            "an epoch that is not in the key set",
            "unknown_signing_key",
            unknown,
        ),
        of(
            "prefix_mismatch",
            "the other environment's prefix",
            "prefix_mismatch",
            signed(&test, &signing_key)?,
        ),
        of("forged", "a wrong tag under a right checksum", "bad_tag", forged.clone()),
    ];
    for (blocks, name) in
        (1..).zip(["forged_1_block", "forged_2_blocks", "forged_3_blocks", "forged_4_blocks"])
    {
        let keys = narrowed(forged.clone(), blocks)?;
        all.push(Refusal {
            blocks,
            ..of(name, "a wrong tag behind as many blocks", "bad_tag", keys)
        });
    }
    Ok(all)
}

/// What is authentic, and refused for what it says.
fn authentic(issuer: &Issuer, verifier: &Rc<Verifier>) -> Result<Vec<Refusal>> {
    let of = |name, what, expected, keys| Refusal::of(verifier, name, what, expected, keys);
    let elsewhere = Networks::new([Network::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0)), 24)?])?;
    let only_first = Narrowing { scopes: Some(ScopeSet::from_iter([0])), ..Narrowing::default() };
    let narrowed: Vec<String> = keys(issuer, |_| Ok(()))?
        .iter()
        .map(|key| Ok(wardkey::narrow(key, &only_first)?.secret_str().to_owned()))
        .collect::<Result<_>>()?;
    Ok(vec![
        of(
            "outside_window",
            "issued before its signing key might sign",
            "outside_window",
            keys(issuer, |base| {
                base.issued_at = UnixSeconds(ISSUED - 4_000);
                Ok(())
            })?,
        ),
        of(
            "expired",
            "expired",
            "expired",
            keys(issuer, |base| {
                base.expires_at = UnixSeconds(ISSUED + 900);
                Ok(())
            })?,
        ),
        of(
            "not_yet_valid",
            "not valid before an hour from now",
            "not_yet_valid",
            keys(issuer, |base| {
                let not_before = Some(UnixSeconds(ISSUED + 4_600));
                base.constraints = Constraints { not_before, networks: None };
                Ok(())
            })?,
        ),
        of(
            "inactive",
            "dead by the list: below its floor",
            "inactive",
            keys(issuer, |base| {
                base.status_index = StatusIndex(FLOOR - 1);
                Ok(())
            })?,
        ),
        of(
            "scope_missing",
            "without the scope that is asked",
            "scope_missing",
            keys(issuer, |base| {
                base.scopes = ScopeSet::from_iter([0, 1]);
                Ok(())
            })?,
        ),
        Refusal {
            blocks: 1,
            ..of("narrowed", "a holder took the scope away", "narrowed", narrowed)
        },
        of(
            "address_not_allowed",
            "from another network",
            "address_not_allowed",
            keys(issuer, |base| {
                base.constraints = Constraints { not_before: None, networks: Some(elsewhere) };
                Ok(())
            })?,
        ),
    ])
}

/// Good keys that cannot be judged as the verifier stands.
fn beside_the_key(issuer: &Issuer, verifier: &Rc<Verifier>) -> Result<Vec<Refusal>> {
    let good = keys(issuer, |_| Ok(()))?;
    let parts = issuer.list(LIST)?;
    let of = |verifier: &Rc<Verifier>, name, what, expected| {
        Refusal::of(verifier, name, what, expected, good.clone())
    };
    let strict = issuer.required(|catalog| Ok(Requirement::all_of(catalog, [ASKED])?.strict()))?;
    let strict = Verifier { required: strict, ..issuer.verifier(Some(&parts))? }.shared();
    let none = issuer.verifier(None)?.shared();
    let mut newer = issuer.list(LIST)?;
    newer.head.audiences.iter_mut().for_each(|audience| {
        audience.current_key_set += 1;
        audience.least_key_set += 1;
    });
    let outdated = issuer.verifier(Some(&newer))?.shared();
    let mut cut = issuer.list(LIST)?;
    cut.head.cutoff = Cutoff(UnixSeconds(ISSUED));
    let cut = issuer.verifier(Some(&cut))?.shared();
    Ok(vec![
        of(&cut, "cut_off", "dead by the list: a cut-off of all", "inactive"),
        of(&none, "ask_refresh", "no list yet: a refresh is owed", "ask_refresh"),
        Refusal {
            refresh: Refresh::Failed,
            ..of(&none, "list_stale", "no list, and the refresh failed", "list_stale")
        },
        Refusal {
            now: UnixMillis(NOW.0 - 60_000),
            ..of(verifier, "clock_behind", "a clock a minute behind the list", "clock_behind")
        },
        of(&outdated, "no_key_set", "a key set older than the list accepts", "no_key_set"),
        of(&strict, "ask_registry", "a strict scope: the registry is owed", "ask_registry"),
        Refusal {
            registry_failed: true,
            ..of(&strict, "registry_unavailable", "and it did not answer", "registry_unavailable")
        },
    ])
}

impl Refusal {
    fn of(
        verifier: &Rc<Verifier>,
        name: &'static str,
        what: &'static str,
        expected: &'static str,
        keys: Vec<String>,
    ) -> Self {
        Self {
            name,
            what,
            verifier: Rc::clone(verifier),
            now: NOW,
            refresh: Refresh::NotTried,
            registry_failed: false,
            keys,
            blocks: 0,
            expected,
        }
    }

    fn row(self) -> Result<Row> {
        let id = format!("native.reject.{}", self.name);
        for key in &self.keys {
            let found = word(&self.decide(key));
            ensure!(found == self.expected, "{id}: {found} and not {}", self.expected);
        }
        ensure!(self.keys.len() == KEYS, "{id}: {} keys", self.keys.len());
        let (what, base) = (self.what.to_owned(), Some(accept_id(self.blocks)));
        let time = repeated(move |number| self.keys.get(number % KEYS).map(|key| self.decide(key)));
        Ok(Row { id, what, base, peer_version: None, time })
    }

    fn decide(&self, key: &str) -> Decision {
        let registry = if self.registry_failed { Registry::Failed } else { Registry::NotAsked };
        let query = Query {
            required: &self.verifier.required,
            now: self.now,
            caller: Some(CALLER),
            refresh: self.refresh,
            registry,
        };
        wardkey::verify(&self.verifier.key_set, self.verifier.list.as_ref(), key, query)
    }
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allow(_) => "allow",
        Decision::Ask(Ask::Refresh) => "ask_refresh",
        Decision::Ask(Ask::Registry(_)) => "ask_registry",
        Decision::Deny(denial) => denial.reason.as_str(),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

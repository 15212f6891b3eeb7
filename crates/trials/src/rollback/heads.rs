//! Lists that may be in force, and heads that may come: right, old, cut, others' and forged ones.

use wardkey::{Environment, Epoch, KeySet, NOT_AFTER_MS, Prefix, RiskLevel, UnixMillis};

use super::model::{Bits, CHUNK_BITS, Change, Log, Says};
use crate::issuer::{HeadWords, Issuer, Scope, Signer};

/// A head's bytes, and what the model makes of them.
pub(super) struct Incoming {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// What it says, or the word of section 4.4.
    pub(super) read: Result<Says, &'static str>,
}

/// What is in force before: for the model and for the core.
pub(super) struct Before {
    pub(super) says: Option<Says>,
    pub(super) head: Vec<u8>,
    pub(super) state: Vec<u8>,
    /// The key set whose list key proved it.
    pub(super) key_set: KeySet,
    /// Its issued-at, around which times are chosen.
    pub(super) at: u64,
}

impl Before {
    pub(super) fn has_wide_state(&self) -> bool {
        self.says.as_ref().is_some_and(|says| says.state.is_wide())
    }
}

impl Incoming {
    pub(super) fn has_wide_state(&self) -> bool {
        self.read.as_ref().is_ok_and(|says| says.state.is_wide())
    }
}

/// Whoever makes heads for the tenant, its two audiences, and strangers.
pub(super) struct Registry {
    pub(super) issuer: Issuer,
    other_audience: Issuer,
    other_tenant: Issuer,
}

impl Registry {
    pub(super) fn new() -> Option<Self> {
        let signer = |epoch, secret, mint_from, mint_until| {
            Some(Signer {
                epoch: Epoch::new(epoch)?,
                secret: [secret; 32],
                prefix: Prefix::new("wk", Environment::Live).ok()?,
                mint_from,
                mint_until,
                verify_until: mint_until,
            })
        };
        let scope = |risk: RiskLevel| Scope {
            number: risk.number(),
            risk,
            name: format!("thing:{}", risk.as_str()),
        };
        let issuer = Issuer {
            tenant: 7,
            audience: 2,
            version: VERSION,
            bounds: [5_000, 30_000, 300_000, 3_600_000, 7_000],
            list_key: [3; 32],
            // The second one may hardly sign anything.
            signers: vec![signer(1, 1, 0, u32::MAX)?, signer(2, 2, 5, 6)?],
            catalog: RiskLevel::ALL.map(scope).into(),
        };
        let other_audience = Issuer { audience: 3, list_key: [4; 32], ..issuer.clone() };
        let other_tenant = Issuer { tenant: 8, list_key: [5; 32], ..issuer.clone() };
        Some(Self { issuer, other_audience, other_tenant })
    }

    /// The lists in force of the matrix, one for each case number below [`BEFORE`].
    pub(super) fn before(&self, number: u64) -> Option<Before> {
        let key_set = |issuer: &Issuer| {
            KeySet::parse(&issuer.key_set_bytes()).ok().map(|(key_set, _)| key_set)
        };
        let of = |issuer: &Issuer, says: Says| {
            let says = Says { own: issuer.list_key == self.issuer.list_key, ..says };
            let head = words(&says, issuer)?.bytes(&[issuer.list_key]);
            let (state, key_set, at) = (says.state.bytes(), key_set(issuer)?, says.issued_at);
            Some(Before { says: Some(says), head, state, key_set, at })
        };
        let usual = says(USUAL, NOT_AFTER_MS);
        // It kills the keys that were issued first and those of one epoch.
        let severe = Says { cutoff: 1, epoch_dead: true, ..usual.clone() };
        match number {
            0 => Some(Before { says: None, ..of(&self.issuer, usual)? }),
            1 => of(&self.issuer, usual),
            // Stale by its not-after long before it is by its age.
            2 => of(&self.issuer, says(USUAL, 20_000)),
            3 => of(&self.issuer, says(0, NOT_AFTER_MS)),
            4 => of(&self.issuer, says(u64::MAX - 100_000, 100_000)),
            5 => of(&self.other_audience, usual),
            6 => of(&self.other_tenant, usual),
            7 => of(&self.issuer, severe),
            8 => of(&self.issuer, Says { least: VERSION + 1, ..severe }),
            9 => of(&self.issuer, Says { state: wide_state(), ..usual }),
            _ => None,
        }
    }

    /// The heads that come while this list is in force.
    pub(super) fn incoming(&self, before: &Before) -> Option<Vec<Incoming>> {
        let at = before.at;
        let first = before.says.as_ref().map_or_else(first_state, |says| says.state.clone());
        let own = Says { state: first.clone(), ..says(at, NOT_AFTER_MS.min(u64::MAX - at)) };
        let later = at + 60_000;
        let newer = Says {
            sequence: SEQUENCE + 1,
            issued_at: later,
            not_after: later + NOT_AFTER_MS.min(u64::MAX - later),
            state: newer_state(&first),
            ..own.clone()
        };
        let mut good = heads_without_changes(&own, &newer);
        good.extend(heads_with_changes(&first, &newer)?);
        if let Some(says) = &before.says {
            let very = Says { own: true, ..says.clone() };
            good.extend([
                (
                    "the head in force, another least version",
                    Says { least: very.least + 1, ..very.clone() },
                ),
                (
                    "the head in force, another dead epoch",
                    Says { epoch_dead: !very.epoch_dead, ..very.clone() },
                ),
                ("the head in force", very),
            ]);
        }
        let mut incoming = vec![];
        for (name, says) in good {
            let bytes = words(&says, &self.issuer)?.bytes(&[self.issuer.list_key]);
            incoming.push(Incoming { name, bytes, read: Ok(says) });
        }
        self.add_bad(&newer, &mut incoming)?;
        Some(incoming)
    }

    /// Heads that are newer than any, and no heads of the verifier's.
    fn add_bad(&self, newer: &Says, incoming: &mut Vec<Incoming>) -> Option<()> {
        let keys = [self.issuer.list_key, self.other_audience.list_key];
        let mut both = words(newer, &self.issuer)?;
        both.audiences.push((self.other_audience.audience, VERSION, VERSION, 0));
        let good = both.bytes(&keys);
        incoming.push(Incoming {
            name: "for two audiences",
            bytes: good.clone(),
            read: Ok(newer.clone()),
        });
        let mut bad = |name, bytes, word| incoming.push(Incoming { name, bytes, read: Err(word) });
        bad("tags swapped", both.bytes(&[keys[1], keys[0]]), "tag");
        let one = words(newer, &self.issuer)?;
        bad("signed with a signing key", one.bytes(&[[1; 32]]), "tag");
        bad("signed with another audience's list key", one.bytes(&[keys[1]]), "tag");
        let tenant = words(newer, &self.other_tenant)?;
        bad("another tenant's", tenant.bytes(&[self.other_tenant.list_key]), "tenant");
        let audience = words(newer, &self.other_audience)?;
        bad("another audience's", audience.bytes(&[keys[1]]), "audience");
        let mut zeroed = good.clone();
        zeroed.iter_mut().rev().take(32).for_each(|byte| *byte = 0);
        bad("tags zeroed", zeroed, "tag");
        bad("a byte more", [&good[..], &[0]].concat(), "length");
        for len in 0..good.len() {
            bad("cut", good.get(..len)?.to_vec(), "length");
        }
        // A bit of every byte that is a number that may be anything.
        for (place, name) in [
            (10, "sequence bent"),
            (20, "digest bent"),
            (62, "cut-off bent"),
            (66, "current version bent"),
            (72, "least version bent"),
        ] {
            let mut bent = good.clone();
            *bent.get_mut(place)? ^= 1;
            bad(name, bent, "tag");
        }
        Some(())
    }
}

/// What a head in force says.
fn says(at: u64, usable_ms: u64) -> Says {
    Says {
        own: true,
        sequence: SEQUENCE,
        issued_at: at,
        not_after: at + usable_ms,
        cutoff: 0,
        least: VERSION,
        epoch_dead: false,
        state: first_state(),
        log: None,
    }
}

/// As the issuer's registry would write it.
fn words(says: &Says, issuer: &Issuer) -> Option<HeadWords> {
    let changes = says.log.as_ref().map_or(vec![], Log::bytes);
    // Half of them say it of the audience, half of the tenant.
    let whole_tenant = says.sequence.is_multiple_of(2);
    let (tenant_cutoff, cutoff) = if whole_tenant { (says.cutoff, 0) } else { (0, says.cutoff) };
    let words = issuer.head(says.sequence, UnixMillis(0), &says.state.bytes())?;
    Some(HeadWords {
        issued_at: says.issued_at,
        not_after: says.not_after,
        digest: says.state.digest()?,
        cutoff: tenant_cutoff,
        audiences: vec![(issuer.audience, VERSION, says.least, cutoff)],
        dead: if says.epoch_dead { vec![(issuer.audience, 1)] } else { vec![] },
        changes,
        ..words
    })
}

/// The state of the list in force: one index is dead.
fn first_state() -> Bits {
    let mut dead = vec![false; 20];
    dead.splice(3..4, [true]).for_each(drop);
    Bits { floor: FLOOR, dead }
}

/// A state of two chunks and some more, with dead indexes at their ends.
fn wide_state() -> Bits {
    let chunk = CHUNK_BITS as usize;
    let ends = [0, 3, chunk - 1, chunk, 2 * chunk - 1, 2 * chunk, 2 * chunk + 99];
    Bits { floor: FLOOR, dead: (0..2 * chunk + 100).map(|place| ends.contains(&place)).collect() }
}

/// The state of newer heads: one more is dead.
fn newer_state(first: &Bits) -> Bits {
    let mut bits = first.clone();
    bits.dead.splice(BIT_OF_NEWER as usize..=BIT_OF_NEWER as usize, [true]).for_each(drop);
    bits
}

fn heads_without_changes(own: &Says, newer: &Says) -> Vec<(&'static str, Says)> {
    let at = own.issued_at;
    let earlier = at.saturating_sub(1);
    vec![
        ("the same again", own.clone()),
        ("an older sequence", Says { sequence: SEQUENCE - 1, ..newer.clone() }),
        (
            "an older sequence and another state",
            Says { sequence: SEQUENCE - 1, state: newer.state.clone(), ..own.clone() },
        ),
        (
            "the same sequence, another time",
            Says { issued_at: earlier, not_after: at + 9, ..own.clone() },
        ),
        ("the same sequence and time, another cut-off", Says { cutoff: 9, ..own.clone() }),
        (
            "the same sequence and time, another not-after",
            Says { not_after: at + 5, ..own.clone() },
        ),
        (
            "the same sequence and time, another state",
            Says { state: newer.state.clone(), ..own.clone() },
        ),
        (
            "the same sequence, later",
            Says { sequence: SEQUENCE, state: own.state.clone(), ..newer.clone() },
        ),
        ("a newer sequence, the same state", Says { state: own.state.clone(), ..newer.clone() }),
        ("a newer sequence and state", newer.clone()),
        (
            "one that is older in time only",
            Says { issued_at: earlier, not_after: at + 9, ..newer.clone() },
        ),
        ("the last sequence there is", Says { sequence: u64::MAX, ..newer.clone() }),
        ("one for newer key sets only", Says { least: VERSION + 1, ..newer.clone() }),
        ("one that kills the epoch", Says { epoch_dead: true, ..newer.clone() }),
        ("one that kills what was issued", Says { cutoff: ISSUED, ..newer.clone() }),
    ]
}

/// Heads with a log; each names the state that its changes lead to, or else the usual newer one.
fn heads_with_changes(first: &Bits, newer: &Says) -> Option<Vec<(&'static str, Says)>> {
    let bit = BIT_OF_NEWER;
    let logged = |from, changes: &[(u64, u32, &[u32])]| {
        let change = |(sequence, rise, flips): &(u64, u32, &[u32])| Change {
            sequence: *sequence,
            rise: *rise,
            flips: flips.to_vec(),
        };
        Log { from, changes: changes.iter().map(change).collect() }
    };
    let after = |log: Log| {
        let sequence = log.changes.last()?.sequence;
        let state = log.applied(None, SEQUENCE, first)?;
        Some(Says { sequence, state, log: Some(log), ..newer.clone() })
    };
    let elsewhere = |log: Log| {
        let sequence = log.changes.last()?.sequence;
        Some(Says { sequence, log: Some(log), ..newer.clone() })
    };
    let (now, next) = (SEQUENCE, SEQUENCE + 1);
    Some(vec![
        ("with the change to its state", after(logged(now, &[(next, 0, &[bit])]))?),
        (
            "with three changes",
            after(logged(
                now,
                &[(next, 0, &[bit]), (next + 1, 0, &[2, 30]), (next + 500, 0, &[2])],
            ))?,
        ),
        (
            "with changes from before the list in force",
            after(logged(now - 2, &[(now - 1, 0, &[7]), (now, 1, &[8]), (next, 0, &[bit])]))?,
        ),
        ("with a change that grows the state", after(logged(now, &[(next, 0, &[bit, 40_000])]))?),
        ("with a change that raises the floor", after(logged(now, &[(next, 1, &[bit])]))?),
        (
            "with changes that raise the floor twice",
            after(logged(
                now,
                &[(next, 0, &[3, 40]), (next + 1, 1, &[0, 40_000]), (next + 2, 1, &[9])],
            ))?,
        ),
        (
            "with a change that raises the floor past the last chunk",
            after(logged(now, &[(next, 5, &[])]))?,
        ),
        // It would kill the usual key.
        ("with a change to another state", elsewhere(logged(now, &[(next, 0, &[0])]))?),
        (
            "with changes to another state, the floor raised",
            elsewhere(logged(now, &[(next, 1, &[0]), (next + 1, 0, &[0])]))?,
        ),
        ("with a change from another sequence", elsewhere(logged(now - 1, &[(next, 0, &[bit])]))?),
        (
            "with changes that leave out the sequence in force",
            elsewhere(logged(now - 2, &[(now - 1, 0, &[7]), (next, 0, &[bit])]))?,
        ),
        (
            "the same sequence, later, with the change to it",
            elsewhere(logged(now - 1, &[(now, 0, &[bit])]))?,
        ),
        (
            "with a change that grows the state too far",
            elsewhere(logged(now, &[(next, 0, &[bit, 259 * CHUNK_BITS])]))?,
        ),
        (
            "with a change past the last index",
            elsewhere(logged(now, &[(next, 131_071, &[40_000])]))?,
        ),
    ])
}

impl Log {
    /// Its bytes (FORMAT.md sections 4.2 and 4.3).
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = (self.changes.len() as u16).to_be_bytes().to_vec();
        bytes.extend(self.from.to_be_bytes());
        let mut before = self.from;
        for Change { sequence, rise, flips } in &self.changes {
            bytes.extend(var(sequence - before));
            bytes.extend(var(u64::from(*rise)));
            bytes.extend(var(flips.len() as u64));
            let mut last = 0;
            for place in flips {
                bytes.extend(var(u64::from(place - last)));
                last = *place;
            }
            before = *sequence;
        }
        bytes
    }
}

/// A number in groups of seven bits.
fn var(number: u64) -> Vec<u8> {
    let groups = (u64::BITS - number.leading_zeros()).div_ceil(7).max(1);
    let group = |place: u32| (number >> (7 * place)) as u8 & 0x7f | u8::from(place > 0) << 7;
    (0..groups).rev().map(group).collect()
}

/// Lists that may be in force.
pub(super) const BEFORE: u64 = 10;
/// When most of them were made: a second that keys can name.
pub(super) const USUAL: u64 = 1_700_001_000_000;
/// When the usual key was issued, in seconds.
pub(super) const ISSUED: u32 = 1_700_000_000;
pub(super) const FLOOR: u32 = 800;
/// What newer lists revoke, counted from the floor.
pub(super) const BIT_OF_NEWER: u32 = 11;
const SEQUENCE: u64 = 100;
const VERSION: u32 = 3;

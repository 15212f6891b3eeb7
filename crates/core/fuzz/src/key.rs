//! A key's text, from the first character to the decision.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use wardkey::{
    Ask, Base, Decision, Echo, KeyBuffer, MAX_BASE_LEN, Reason, Refresh, Registry, RegistryVerdict,
    Requirement, RiskLevel, UnverifiedKey, Zone, inspect, narrow,
};

use crate::input::Input;
use crate::key_form::{FIXED_LEN, KeyForm, bits, blocks, has, holds};
use crate::spelling;
use crate::word::is_prefix;
use crate::world::{
    ISSUED, ListCase, MAX_SKEW_MS, NOW, PREFIX, STATE, VERIFY_UNTIL, VERSION, WINDOW, chain,
    decide, max_staleness, named, requirement, signing_key, word, world,
};

/// Judges one input: text as it is, a payload under a right checksum, or base and blocks under a right
/// tag, which is the way to the stages behind the tag. Tells how far it got.
///
/// # Panics
/// On a key that is read and has another spelling, one that is allowed though it is forged, or an
/// answer that its own words do not bear out.
pub fn run(data: &[u8]) -> &'static str {
    let mut input = Input::new(data);
    match input.u8() % 3 {
        0 => match str::from_utf8(input.rest()) {
            Ok(text) => unsigned(text),
            Err(_) => "not_text",
        },
        1 => unsigned(&spelling::text(PREFIX, input.rest())),
        _ => signed(input),
    }
}

/// A text that nobody is known to have signed.
fn unsigned(text: &str) -> &'static str {
    let world = world();
    let form = read(text);
    let required = requirement(0);
    let list = world.lists[1].list.as_ref();
    let of = |key_set| {
        let done = (Refresh::Failed, Registry::NotAsked);
        decide(key_set, list, text, &required, NOW, None, done)
    };
    forged(&of(&world.stranger), text);
    // It may be a key that this world did sign: a seed is. Then its tag shows that.
    let decision = of(&world.key_set);
    let authentic = !matches!(decision, Decision::Deny(denial) if denial.authentic.is_none());
    if authentic {
        let (_, payload) = spelling::read(text).expect("it was parsed");
        let form = form.expect("it was parsed");
        let checked = &payload[..payload.len() - 4];
        assert_eq!(form.tag, tag_of(&checked[..checked.len() - 16], form.base_len), "{text}");
    }
    word(&decision)
}

/// Base and blocks as the fuzzer wants them, signed, and asked about in every way.
fn signed(mut input: Input<'_>) -> &'static str {
    let ways = Ways::of(&mut input);
    let base_len = usize::from(input.u8());
    let mut base = input.take(base_len).to_vec();
    if ways.flags & 0x10 != 0 && base.len() >= FIXED_LEN {
        // The id of a signing key that there is, so that not every try must find it.
        let epoch = 1 + (base[4] & 1);
        base[..5].copy_from_slice(&[1, 0, 7, 2, epoch]);
    }
    let blocks = blocks(input.rest());
    let decision = decide_signed(&ways, &base, &blocks);
    if matches!(decision, Decision::Allow(_)) {
        // Whatever is taken away again, the answer stays: a block only narrows.
        for fewer in 0..blocks.len() {
            let wider = decide_signed(&ways, &base, &blocks[..fewer]);
            assert!(matches!(wider, Decision::Allow(_)), "{fewer} blocks: {wider:?}");
        }
        let unsigned = [base.as_slice(), &blocks.concat()].concat();
        let mut checked = [unsigned.as_slice(), &tag_of(&unsigned, base.len())].concat();
        let bit = usize::from(ways.tampered) % (checked.len() * 8);
        checked[bit / 8] ^= 1 << (bit % 8);
        let text = spelling::text(PREFIX, &checked);
        let done = (Refresh::Failed, Registry::NotAsked);
        let world = world();
        let list = world.lists[1].list.as_ref();
        let tampered = decide(&world.key_set, list, &text, &ways.required, NOW, ways.caller, done);
        forged(&tampered, &text);
    }
    word(&decision)
}

/// How a signed key is asked about.
struct Ways {
    required: Requirement,
    selector: u8,
    flags: u8,
    now: u64,
    caller: Option<IpAddr>,
    /// Which bit of an allowed key is turned over.
    tampered: u16,
}

impl Ways {
    fn of(input: &mut Input<'_>) -> Self {
        let selector = input.u8();
        let flags = input.u8();
        let offset = i64::from(input.u32().cast_signed());
        let tampered = input.u16();
        let now = NOW.saturating_add_signed(offset);
        let (family, [a, b, c, d]) = (input.u8(), input.array());
        let v4 = Ipv4Addr::new(a, b, c, d);
        let low = [[a, b], [c, d]].map(u16::from_be_bytes);
        let caller = match family % 4 {
            0 => None,
            1 => Some(v4.into()),
            2 => Some(v4.to_ipv6_mapped().into()),
            _ => Some(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, low[0], low[1]).into()),
        };
        Self { required: requirement(selector), selector, flags, now, caller, tampered }
    }

    fn refresh(&self) -> Refresh {
        if self.flags & 1 == 0 { Refresh::NotTried } else { Refresh::Failed }
    }

    fn list(&self) -> &'static ListCase {
        &world().lists[usize::from(self.flags >> 1 & 3)]
    }

    fn verdict(&self) -> Option<RegistryVerdict> {
        match self.flags >> 5 {
            0 => Some(RegistryVerdict::Alive { sequence: NOW }),
            1 => Some(RegistryVerdict::Revoked),
            2 => Some(RegistryVerdict::Suspended),
            3 => Some(RegistryVerdict::Retired),
            4 => Some(RegistryVerdict::Expired),
            5 => Some(RegistryVerdict::NeverIssued),
            6 => Some(RegistryVerdict::TenantGone),
            _ => None,
        }
    }
}

fn decide_signed(ways: &Ways, base: &[u8], blocks: &[&[u8]]) -> Decision {
    let unsigned = [base, &blocks.concat()].concat();
    let text = spelling::text(PREFIX, &[&unsigned[..], &tag_of_blocks(base, blocks)].concat());
    let form = read(&text);
    // Base and blocks may be split elsewhere than they were signed: then the tag is a wrong one.
    let as_signed = form.as_ref().is_none_or(|form| form.base_len == base.len());
    if form.is_some() && as_signed {
        made_by_narrowing(&text, base, blocks);
    }
    let (world, list) = (world(), ways.list());
    let ask = |registry| {
        let (list, refresh) = (list.list.as_ref(), ways.refresh());
        let (required, now) = (&ways.required, ways.now);
        decide(&world.key_set, list, &text, required, now, ways.caller, (refresh, registry))
    };
    let first = ask(Registry::NotAsked);
    let (decision, verdict) = match first {
        Decision::Ask(Ask::Registry(question)) => match ways.verdict() {
            Some(verdict) => {
                let echo = Echo(*question.base());
                let answer = question.answered(&echo, verdict).expect("its own echo");
                (ask(Registry::Answered(&answer)), Some(verdict))
            }
            None => (ask(Registry::Failed), None),
        },
        first => (first, None),
    };
    match &decision {
        Decision::Deny(denial) => {
            let before = denial.reason.answer() == Reason::Malformed.answer();
            assert!(form.is_some() || denial.authentic.is_none(), "{denial:?} of no key");
            // What is said before the tag was compared, is one and the same.
            assert!(denial.authentic.is_some() || before || denial.reason == Reason::NoKeySet);
            assert!(as_signed || denial.authentic.is_none(), "{denial:?} by another split");
            assert!(!as_signed || denial.reason != Reason::BadTag, "its own tag");
            if let Some(form) = &form {
                due(ways, form, denial.reason);
            }
        }
        Decision::Allow(_) | Decision::Ask(_) => {
            let form = form.as_ref().expect("only what was read is judged further");
            assert!(as_signed, "its tag is over another split: {decision:?}");
            borne_out(ways, form, verdict, &decision);
        }
    }
    decision
}

/// Whether the key's own words, the list and the registry bear the answer out.
fn borne_out(ways: &Ways, form: &KeyForm, verdict: Option<RegistryVerdict>, decision: &Decision) {
    let case = ways.list();
    let now = if case.list.is_some() { ways.now.max(NOW) } else { ways.now };
    let left = form.left();
    let ms = |second: u32| u64::from(second) * 1_000;
    assert!(now <= ways.now.saturating_add(MAX_SKEW_MS), "the clock is behind the list");
    assert!(ms(form.issued_at) <= now.saturating_add(MAX_SKEW_MS), "from the future");
    assert!(now < ms(left.expires_at), "expired");
    assert!(ms(left.not_before) <= now, "not yet valid");
    assert!(form.issued_at.abs_diff(ISSUED) <= WINDOW && form.expires_at <= VERIFY_UNTIL);
    assert!(case.least_key_set <= VERSION, "an outdated key set");
    assert_eq!((form.tenant, form.audience), (7, 2));
    let strict = ways.required.level() == RiskLevel::Strict;
    let all = named(ways.selector).map(|(_, _, risk)| risk).max();
    assert_eq!(strict, ways.selector & 0x40 != 0 || all == Some(3));
    if matches!(decision, Decision::Ask(Ask::Refresh)) {
        assert!(ways.refresh() == Refresh::NotTried);
        let is_old = case.list.is_some() && now - NOW > 5_000;
        assert!(!strict || is_old && is_dead(case, form), "a strict question needs no list");
        return;
    }

    assert!(
        case.list.is_none() || !is_dead(case, form),
        "cut off, or its signing key or index is dead"
    );
    let mut held = named(ways.selector).map(|(number, _, _)| has(&left.scopes, number));
    let met = if ways.selector & 0x20 == 0 { held.all(|held| held) } else { held.any(|held| held) };
    assert!(met, "a scope is missing");
    assert!(left.networks.iter().all(|set| holds(set, ways.caller)), "from elsewhere");

    match decision {
        Decision::Allow(allow) => {
            assert_eq!(allow.subject.as_str().as_bytes(), form.subject);
            assert_eq!(bits(allow.scopes.as_bytes()), left.scopes);
            assert_eq!(allow.expires_at.0, left.expires_at);
            assert_eq!((allow.key_id.0, allow.status_index.0), (form.key_id, form.index));
            assert_eq!(allow.signing_key.epoch.number(), form.epoch);
            if strict {
                assert_eq!(verdict, Some(RegistryVerdict::Alive { sequence: NOW }));
                assert_eq!((allow.list.zone, allow.list.age_ms), (Zone::Registry, 0));
            } else {
                assert!(case.list.is_some(), "without a list");
                let age = now - NOW;
                assert!(age <= max_staleness(ways.required.level()), "too old a list");
                assert!(age <= 5_000 || ways.refresh() == Refresh::Failed, "a refresh is owed");
                assert_eq!((allow.list.age_ms, allow.list.sequence), (age, NOW));
            }
        }
        other => assert!(strict, "{other:?}: only strict scopes ask the registry"),
    }
}

/// Whether the key's own words, or the list's, are what a denial says.
fn due(ways: &Ways, form: &KeyForm, reason: Reason) {
    let case = ways.list();
    let left = form.left();
    let now = if case.list.is_some() { ways.now.max(NOW) } else { ways.now };
    let ms = |second: u32| u64::from(second) * 1_000;
    let mut asked = named(ways.selector).map(|(number, _, _)| number);
    let mut met = |held: &[u8]| match ways.selector & 0x20 {
        0 => asked.all(|number| has(held, number)),
        _ => asked.any(|number| has(held, number)),
    };
    let due = match reason {
        Reason::Expired => now >= ms(left.expires_at) || ways.flags >> 5 == 4,
        Reason::NotYetValid => now < ms(left.not_before),
        Reason::ScopeMissing => !met(&form.scopes),
        Reason::Narrowed => !form.blocks.is_empty() && !met(&left.scopes),
        Reason::AddressNotAllowed => !left.networks.iter().all(|set| holds(set, ways.caller)),
        Reason::Inactive => {
            let is_renewed = now - NOW <= 5_000 || ways.refresh() == Refresh::Failed;
            is_dead(case, form) && is_renewed
        }
        Reason::Malformed | Reason::BadChecksum | Reason::PrefixMismatch => false,
        _ => true,
    };
    assert!(due, "{reason:?} of {form:?}");
}

/// Whether the list says that a key is dead.
fn is_dead(case: &ListCase, form: &KeyForm) -> bool {
    form.issued_at <= case.cutoff || form.epoch == case.dead_epoch || STATE.is_dead(form.index)
}

/// A narrowed key is what narrowing its forerunner makes, byte for byte.
fn made_by_narrowing(text: &str, base: &[u8], blocks: &[&[u8]]) {
    let unproven = inspect(text).expect("it was parsed");
    assert_eq!(unproven.narrowings().count(), blocks.len());
    assert!(unproven.to_string().lines().all(|line| line.starts_with("unproven: ")));
    let (Some(last), Some((_, before))) = (unproven.narrowings().last(), blocks.split_last())
    else {
        return;
    };
    let unsigned = [base, &before.concat()].concat();
    let forerunner =
        spelling::text(PREFIX, &[&unsigned[..], &tag_of_blocks(base, before)].concat());
    let narrowed = narrow(&forerunner, last).expect("it fits, since it is there");
    assert_eq!(narrowed.secret_str(), text);
}

/// A forged key is refused, and in the same words as any other.
fn forged(decision: &Decision, text: &str) {
    let Decision::Deny(denial) = decision else { panic!("{text}: {decision:?}") };
    assert_eq!(denial.reason.answer(), Reason::Malformed.answer(), "{text}");
    assert_eq!(denial.authentic, None, "{text}");
}

/// Reads a key: core and specification agree on whether it is one, and on what it says.
fn read(text: &str) -> Option<KeyForm> {
    let words = words_of(text);
    let mut buffer = KeyBuffer::new();
    let key = UnverifiedKey::parse(text, &mut buffer);
    assert_eq!(key.is_ok(), words.is_some(), "{:?}: {text}", key.err());
    let (key, (form, checked)) = (key.ok()?, words?);
    let base = key.unproven_base();
    let mut bytes = [0; MAX_BASE_LEN];
    let len = base.encode(&mut bytes).expect("what was read can be written");
    assert_eq!(bytes[..len], checked[..form.base_len], "{text}");
    assert_eq!(Base::decode(&bytes[..len]), Ok((base, len)));
    assert_eq!(base.subject.as_str().as_bytes(), form.subject);
    assert_eq!(base.scopes.as_bytes(), form.scopes);
    assert_eq!((base.issued_at.0, base.expires_at.0), (form.issued_at, form.expires_at));
    let unproven = inspect(text).expect("it was parsed");
    let left = form.left();
    assert_eq!(bits(unproven.scopes_left().as_bytes()), left.scopes);
    assert_eq!(unproven.expires_at().0, left.expires_at);
    Some(form)
}

/// The words of a key and all its payload but the checksum, if it keeps every rule: also that, written
/// again, it is the same text.
fn words_of(text: &str) -> Option<(KeyForm, Vec<u8>)> {
    let (prefix, mut payload) = spelling::read(text)?;
    payload.truncate(payload.len().checked_sub(4)?);
    let form = KeyForm::read(&payload)?;
    let same = form.write() == payload && spelling::text(prefix, &payload) == text;
    (text.len() <= 512 && is_prefix(prefix) && form.is_sound() && same).then_some((form, payload))
}

fn tag_of(unsigned: &[u8], base_len: usize) -> [u8; 16] {
    let (base, rest) = unsigned.split_at(base_len);
    tag_of_blocks(base, &blocks(rest))
}

fn tag_of_blocks(base: &[u8], blocks: &[&[u8]]) -> [u8; 16] {
    let epoch = base.get(4).copied().unwrap_or_default();
    *chain(&signing_key(epoch), base, blocks).secret_bytes()
}

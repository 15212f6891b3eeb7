//! Narrowing: whoever holds a key can take away, and nobody can give back.

use proptest::prelude::*;
use wardkey::{
    Allow, Constraints, Decision, MAX_BLOCKS, MAX_KEY_LEN, NarrowError, Narrowing, Networks, Query,
    Reason, Refresh, Registry, ScopeSet, Subject, Tag, UnixMillis, UnixSeconds, narrow,
};

use crate::tenant::{
    AUDIENCE, EXPIRES, ISSUED, NOW, TENANT, Tenant, encoded, handmade, tag_after, word,
};

fn networks(texts: &[&str]) -> Networks {
    let networks = texts.iter().map(|text| text.parse::<wardkey::Network>().expect("a network"));
    Networks::new(networks).expect("a set")
}

fn narrowed(key: &str, narrowing: Narrowing) -> String {
    narrow(key, &narrowing).expect("narrowed").secret_str().to_owned()
}

fn to_scopes(numbers: &[u8]) -> Narrowing {
    let scopes = Some(ScopeSet::from_iter(numbers.iter().copied()));
    Narrowing { scopes, ..Narrowing::default() }
}

fn until(second: u32) -> Narrowing {
    Narrowing { expires_at: Some(UnixSeconds(second)), ..Narrowing::default() }
}

fn from(second: u32) -> Narrowing {
    Narrowing { not_before: Some(UnixSeconds(second)), ..Narrowing::default() }
}

fn within(texts: &[&str]) -> Narrowing {
    Narrowing { networks: Some(networks(texts)), ..Narrowing::default() }
}

fn decide(tenant: &Tenant, key: &str, scopes: &[&str]) -> Decision {
    let verifier = tenant.verifier();
    verifier.decide(Some(&tenant.list()), key, &verifier.all_of(scopes), NOW)
}

/// A key whose blocks are these bytes, under the right tags: what a careless holder could write.
fn with_blocks(tenant: &Tenant, blocks: &[&[u8]]) -> String {
    let base = encoded(&tenant.base());
    let first = tenant.secret.signing_key(tenant.base().signing_key).tag(&base);
    let last = blocks.iter().fold(first, |tag, block| tag_after(&tag, block));
    handmade(tenant.prefix.as_str(), &[&base, &blocks.concat(), &last.secret_bytes()[..]].concat())
}

#[test]
fn a_narrowed_key_is_allowed_what_is_left_and_says_so() {
    let tenant = Tenant::new();
    let key = narrowed(
        &tenant.key(),
        Narrowing { expires_at: Some(UnixSeconds(EXPIRES - 9)), ..to_scopes(&[0, 1, 39]) },
    );
    let Decision::Allow(Allow { scopes, expires_at, narrowed, subject, .. }) =
        decide(&tenant, &key, &["invoice:list"])
    else {
        panic!("not allowed");
    };
    // Scope 39 was never in the key: a narrowing cannot give it.
    assert_eq!(scopes, ScopeSet::from_iter([0, 1]));
    assert_eq!((expires_at, narrowed), (UnixSeconds(EXPIRES - 9), true));
    assert_eq!(subject.as_str(), "svc:billing");
    for (scopes, expected) in [
        (&["invoice:list", "invoice:read"][..], "allow fresh"),
        (&["invoice:write"], "narrowed"),
        (&["invoice:list", "invoice:write"], "narrowed"),
        (&["invoice:print"], "scope_missing"),
        (&["invoice:write", "invoice:print"], "scope_missing"),
        (&["invoice:void"], "narrowed"),
    ] {
        assert_eq!(word(&decide(&tenant, &key, scopes)), expected, "{scopes:?}");
    }
    let verifier = tenant.verifier();
    for (scopes, expected) in [
        (&["invoice:write", "invoice:list"][..], "allow fresh"),
        (&["invoice:write", "invoice:print"], "narrowed"),
        (&["invoice:print"], "scope_missing"),
    ] {
        let any =
            wardkey::Requirement::any_of(&verifier.catalog, scopes.iter().copied()).expect("known");
        let decision = verifier.decide(Some(&tenant.list()), &key, &any, NOW);
        assert_eq!(word(&decision), expected, "any of {scopes:?}");
    }
}

#[test]
fn the_earliest_expiry_and_the_latest_not_before_of_base_and_blocks_count() {
    let tenant = Tenant::new();
    let now = u32::try_from(NOW.0 / 1_000).expect("before 2106");
    for (narrowings, expected) in [
        (vec![until(now + 1)], "allow fresh"),
        (vec![until(now)], "expired"),
        (vec![until(0)], "expired"),
        (vec![until(u32::MAX)], "allow fresh"),
        (vec![until(now), until(u32::MAX)], "expired"),
        (vec![until(u32::MAX), until(now)], "expired"),
        (vec![from(now)], "allow fresh"),
        (vec![from(now + 1)], "not_yet_valid"),
        (vec![from(now + 1), from(0)], "not_yet_valid"),
        (vec![from(0), from(now + 1)], "not_yet_valid"),
        (vec![from(now + 1), until(now)], "expired"),
        (vec![from(0), until(u32::MAX), from(ISSUED), until(EXPIRES)], "allow fresh"),
    ] {
        let key = narrowings.iter().fold(tenant.key(), |key, narrowing| narrowed(&key, *narrowing));
        assert_eq!(word(&decide(&tenant, &key, &["invoice:list"])), expected, "{narrowings:?}");
    }
    let key = narrowed(&tenant.key(), until(u32::MAX));
    let verifier = tenant.verifier();
    let at_expiry = UnixMillis(u64::from(EXPIRES) * 1_000);
    let decision = verifier.decide(None, &key, &verifier.strict(), at_expiry);
    assert_eq!(word(&decision), "expired", "no block prolongs a key");
}

#[test]
fn a_caller_must_be_in_the_networks_of_the_issuer_and_of_every_block() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let mut base = tenant.base();
    base.constraints.networks = Some(networks(&["10.0.0.0/8", "2001:db8::/32"]));
    let once = narrowed(&tenant.text(&base), within(&["10.1.0.0/16", "192.0.2.0/24"]));
    let twice =
        narrowed(&narrowed(&once, to_scopes(&[0])), within(&["10.1.2.0/24", "10.9.0.0/16"]));
    for (caller, one, both) in [
        ("10.1.2.3", "allow fresh", "allow fresh"),
        ("10.1.9.3", "allow fresh", "address_not_allowed"),
        ("10.9.0.1", "address_not_allowed", "address_not_allowed"),
        ("192.0.2.1", "address_not_allowed", "address_not_allowed"),
        ("2001:db8::1", "address_not_allowed", "address_not_allowed"),
    ] {
        for (key, expected) in [(&once, one), (&twice, both)] {
            let address = Some(caller.parse().expect("an address"));
            let decision = verifier.decide_from(address, &tenant.list(), key, &verifier.low());
            assert_eq!(word(&decision), expected, "{caller}");
        }
    }
    let decision = verifier.decide_from(None, &tenant.list(), &once, &verifier.low());
    assert_eq!(word(&decision), "address_not_allowed");
}

#[test]
fn a_narrowed_key_dies_with_the_key_that_it_came_from() {
    let mut tenant = Tenant::new();
    let key = narrowed(&tenant.key(), to_scopes(&[0]));
    assert_eq!(word(&decide(&tenant, &key, &["invoice:list"])), "allow fresh");
    tenant.bits = vec![0, 1];
    assert_eq!(word(&decide(&tenant, &key, &["invoice:list"])), "inactive");
}

#[test]
fn no_block_can_be_taken_off_moved_swapped_doubled_or_taken_from_another_key() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    let base = encoded(&tenant.base());
    let one: &[u8] = &[0x80, 3, 1, 1, 1];
    let two: &[u8] = &[0x80, 6, 2, 4, 0xff, 0, 0, 0];
    let three: &[u8] = &[0x80, 6, 3, 4, 0, 0, 0, 1];
    let first = tenant.secret.signing_key(tenant.base().signing_key).tag(&base);
    let chain = |blocks: &[&[u8]]| -> Tag {
        let again = tenant.secret.signing_key(tenant.base().signing_key).tag(&base);
        blocks.iter().fold(again, |tag, block| tag_after(&tag, block))
    };
    let last = chain(&[one, two, three]);
    let with = |blocks: &[&[u8]], tag: &Tag| {
        let text =
            handmade("wk_live_", &[&base, &blocks.concat(), &tag.secret_bytes()[..]].concat());
        word(&verifier.decide(Some(&tenant.list()), &text, &verifier.low(), NOW))
    };
    assert_eq!(with(&[one, two, three], &last), "allow fresh");
    for blocks in [
        &[][..],
        &[one],
        &[two],
        &[three],
        &[one, two],
        &[two, three],
        &[one, three],
        &[two, one, three],
        &[one, three, two],
        &[three, two, one],
        &[one, one, two, three],
        &[one, two, three, three],
        &[one, two, three, one],
    ] {
        assert_eq!(with(blocks, &last), "bad_tag", "{blocks:?}");
    }
    // The tag before it, which whoever narrowed knows, is no tag of the longer chain, nor the reverse.
    assert_eq!(with(&[one, two, three], &chain(&[one, two])), "bad_tag");
    assert_eq!(with(&[one], &first), "bad_tag");
    assert_eq!(with(&[], &first), "allow fresh");
    // A block as the base of another key, under the key that its holder knows.
    let stranger = Tenant::of(TENANT, AUDIENCE, 2);
    let theirs = stranger.secret.signing_key(stranger.base().signing_key).tag(&base);
    assert_eq!(with(&[one], &tag_after(&theirs, one)), "bad_tag");
}

#[test]
fn a_block_in_another_spelling_is_malformed_though_the_tags_are_right() {
    let tenant = Tenant::new();
    let good: &[u8] = &[0x80, 3, 1, 1, 1];
    let five: Vec<u8> = (1..=5).flat_map(|n| [4, 8, n, 0, 0, 0]).collect();
    let longest = [&[0x80, 64, 1, 30][..], &[0xff; 30], &[4, 30], &five].concat();
    assert_eq!(longest.len(), 66);
    for blocks in [&[][..], &[good], &[good; 4], &[&longest]] {
        let verifier = tenant.verifier();
        let text = with_blocks(&tenant, blocks);
        let caller = Some([5, 1, 1, 1].into());
        let decision = verifier.decide_from(caller, &tenant.list(), &text, &verifier.low());
        assert_eq!(word(&decision), "allow fresh", "{blocks:?}");
    }
    let mut too_long = longest.clone();
    too_long[1] = 65;
    too_long.push(0);
    for (case, blocks) in [
        ("five blocks", &[good; 5][..]),
        ("no field", &[&[0x80, 0]]),
        ("another type", &[&[0x81, 3, 1, 1, 1]]),
        ("type 0", &[&[0, 3, 1, 1, 1]]),
        ("cut short", &[&[0x80, 4, 1, 1, 1]]),
        ("a byte behind", &[&[0x80, 3, 1, 1, 1, 0]]),
        ("a type alone behind", &[good, &[0x80]]),
        ("65 bytes", &[&too_long]),
        ("unknown field", &[&[0x80, 3, 5, 1, 1]]),
        ("empty scopes", &[&[0x80, 2, 1, 0]]),
        ("trailing zero scopes", &[&[0x80, 4, 1, 2, 1, 0]]),
        ("descending fields", &[&[0x80, 9, 2, 4, 0xff, 0, 0, 0, 1, 1, 1]]),
        ("a good block, then none", &[good, &[0x80, 0]]),
    ] {
        let text = with_blocks(&tenant, blocks);
        assert_eq!(word(&decide(&tenant, &text, &["invoice:list"])), "malformed", "{case}");
    }
}

#[test]
fn narrowing_refuses_what_it_cannot_do_and_says_why() {
    let tenant = Tenant::new();
    let key = tenant.key();
    let refused = |key: &str, narrowing| narrow(key, &narrowing).err();
    assert_eq!(refused(&key, Narrowing::default()), Some(NarrowError::Empty));
    assert_eq!(refused(&key, to_scopes(&[])), Some(NarrowError::Empty));
    assert_eq!(refused("wk_live_", until(1)), Some(NarrowError::NoKey(Reason::Malformed)));
    let cut = &key[..key.len() - 4];
    assert_eq!(refused(cut, until(1)), Some(NarrowError::NoKey(Reason::BadChecksum)));
    let many: Vec<String> = (0..10).map(|n| format!("{n}.0.0.0/8")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(narrow(&key, &within(&many)).is_ok(), "2 + 60 bytes");
    let timed = Narrowing { expires_at: Some(UnixSeconds(1)), ..within(&many) };
    assert_eq!(refused(&key, timed), Some(NarrowError::BlockTooLong));
    let four = (0..MAX_BLOCKS).fold(key.clone(), |key, _| narrowed(&key, until(EXPIRES)));
    assert_eq!(refused(&four, until(1)), Some(NarrowError::TooManyBlocks));
    // 512 characters and one more: bases that differ by one byte of subject.
    let mut lengths = vec![];
    for len in 1..=63 {
        let mut base = tenant.base();
        base.subject = Subject::new(&"s".repeat(len)).expect("a subject");
        base.constraints.networks = Some(networks(&["8.0.0.0/8", "9.0.0.0/8"]));
        let mut key = tenant.text(&base);
        for _ in 0..3 {
            key = narrowed(&key, within(&many));
        }
        match narrow(&key, &within(&many)) {
            Ok(text) => {
                lengths.push(text.secret_str().len());
                let caller = Some([9, 0, 0, 1].into());
                let verifier = tenant.verifier();
                let decision = verifier.decide_from(
                    caller,
                    &tenant.list(),
                    text.secret_str(),
                    &verifier.low(),
                );
                assert_eq!(word(&decision), "allow fresh");
            }
            Err(error) => assert_eq!(error, NarrowError::KeyTooLong),
        }
    }
    assert!(lengths.len() < 63, "some were refused");
    assert_eq!(lengths.iter().max(), Some(&MAX_KEY_LEN));
}

#[test]
fn inspect_tells_what_a_key_says_and_nothing_secret() {
    let tenant = Tenant::new();
    let mut base = tenant.base();
    base.constraints = Constraints {
        not_before: Some(UnixSeconds(ISSUED)),
        networks: Some(Networks::new(["10.0.0.0/7".parse().expect("a network")]).expect("a set")),
    };
    let key = narrowed(&tenant.text(&base), to_scopes(&[0]));
    let key = narrowed(&key, within(&["10.0.0.0/8"]));
    let unproven = wardkey::inspect(&key).expect("a key");
    assert_eq!(unproven.base(), &base);
    assert_eq!(unproven.prefix().as_str(), "wk_live_");
    assert_eq!(unproven.narrowings().count(), 2);
    assert_eq!(unproven.scopes_left(), &ScopeSet::from_iter([0]));
    assert_eq!(unproven.expires_at(), UnixSeconds(EXPIRES));
    let shown = unproven.to_string();
    assert_eq!(
        shown,
        "unproven: key_00010203040506ff of svc:billing, prefix wk_live_\n\
         unproven: tenant 7, audience 2, signing key 1, status index 808\n\
         unproven: issued at 1700000000, expires at 1700007200, scopes {0, 1, 2, 9}\n\
         unproven: constrained to 1700000000 and after\n\
         unproven: constrained to callers from {10.0.0.0/7}\n\
         unproven: narrowed to scopes {0}\n\
         unproven: narrowed to callers from {10.0.0.0/8}\n"
    );
    // It needs no key set: anyone's forgery says just as much.
    let forged = handmade("wk_live_", &[encoded(&base), vec![7; 16]].concat());
    assert_eq!(wardkey::inspect(&forged).expect("well-formed").base(), &base);
    for (text, reason) in
        [(&key[1..], Reason::Malformed), (&key[..key.len() - 2], Reason::BadChecksum)]
    {
        assert_eq!(wardkey::inspect(text).err(), Some(reason));
    }
    for (text, left, is_narrowed) in
        [(tenant.key(), &[0, 1, 2, 9][..], false), (key.clone(), &[0], true)]
    {
        let mut buffer = wardkey::KeyBuffer::new();
        let read = wardkey::UnverifiedKey::parse(&text, &mut buffer).expect("a key");
        assert_eq!(read.unproven_scopes_left(), ScopeSet::from_iter(left.iter().copied()));
        assert_eq!(read.is_narrowed(), is_narrowed);
    }
    let secret = &key[key.len() - 27..];
    assert!(!shown.contains(&secret[..8]) && !format!("{unproven:?}").contains(&secret[..8]));
}

prop_compose! {
    fn narrowings()(
        scopes in proptest::option::of(proptest::collection::vec(0_u8..48, 1..6)),
        expires_at in proptest::option::of(ISSUED - 10..EXPIRES + 1_000),
        not_before in proptest::option::of(ISSUED - 10..ISSUED + 2_000),
        network in proptest::option::of((any::<[u8; 2]>(), 0_u8..=16)),
        anything in 0_u32..,
    ) -> Narrowing {
        let networks = network.map(|([a, b], len)| {
            let bits = u32::from_be_bytes([a, b, 0, 0]).checked_shr(32 - u32::from(len)).unwrap_or(0);
            let bits = bits.checked_shl(32 - u32::from(len)).unwrap_or(0);
            let network = wardkey::Network::new(std::net::Ipv4Addr::from_bits(bits).into(), len);
            Networks::new([network.expect("a network")]).expect("a set")
        });
        let scopes = scopes.map(ScopeSet::from_iter);
        let expires_at = expires_at.map(UnixSeconds);
        let narrowing = Narrowing { scopes, expires_at, not_before: not_before.map(UnixSeconds), networks };
        if narrowing == Narrowing::default() { until(anything) } else { narrowing }
    }
}

proptest! {
    /// Whatever is asked, whenever and from wherever: the narrowed key is allowed it only if the other is.
    #[test]
    fn narrowing_never_widens(
        steps in proptest::collection::vec(narrowings(), 1..=MAX_BLOCKS),
        later in 0_u32..8_000,
        caller: Option<[u8; 4]>,
    ) {
        let tenant = Tenant::new();
        let verifier = tenant.verifier();
        let now = UnixMillis(u64::from(ISSUED + later) * 1_000);
        let mut list_tenant = Tenant::new();
        list_tenant.head.issued_at = now;
        let list = list_tenant.list();
        let allowed = |key: &str| {
            let names = ["invoice:list", "invoice:read", "invoice:write", "invoice:print"];
            names.map(|name| {
                let required = verifier.all_of(&[name]);
                let caller = caller.map(Into::into);
                let query = Query { required: &required, now, caller, refresh: Refresh::NotTried, registry: Registry::NotAsked };
                match wardkey::verify(&verifier.key_set, Some(&list), key, query) {
                    Decision::Allow(allow) => Some(allow),
                    _ => None,
                }
            })
        };
        let mut key = tenant.key();
        let mut before = allowed(&key);
        for step in steps {
            key = narrowed(&key, step);
            let after = allowed(&key);
            for (before, after) in before.iter().zip(&after) {
                if let Some(after) = after {
                    let before = before.as_ref().expect("it was allowed before");
                    prop_assert!(before.scopes.contains_all(&after.scopes));
                    prop_assert!(after.expires_at <= before.expires_at);
                    prop_assert!(after.narrowed);
                }
            }
            before = after;
        }
    }
}

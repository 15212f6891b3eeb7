//! The revocation list: only the registry's own, never a step back, never another audience's.

use wardkey::{
    AudienceId, HeadError, HeadRefused, List, ListError, MAX_HEAD_LEN, Refresh, Registry, State,
    StateError, TenantId, UnixMillis, UnverifiedHead,
};

use crate::tenant::{AUDIENCE, NOW, TENANT, Tenant, word};

/// Reads a head all the way, as a host does.
fn read(tenant: &Tenant, bytes: &[u8]) -> Result<wardkey::Head, HeadError> {
    UnverifiedHead::parse(bytes)?.authenticate(&tenant.verifier().key_set)
}

#[test]
fn a_head_of_another_tenant_audience_or_secret_is_refused() {
    let ours = Tenant::new();
    let of = |tenant, audience, secret| Tenant::of(tenant, audience, secret).head_bytes();
    assert!(read(&ours, &of(TENANT, AUDIENCE, 1)).is_ok());
    for (bytes, error) in [
        (of(TenantId(8), AUDIENCE, 1), HeadError::Tenant),
        (of(TENANT, AudienceId(3), 1), HeadError::Audience),
        (of(TENANT, AUDIENCE, 2), HeadError::Tag),
    ] {
        assert_eq!(read(&ours, &bytes).err(), Some(error));
    }
}

#[test]
fn no_flipped_bit_and_no_other_length_of_a_head_is_taken() {
    let mut tenant = Tenant::new();
    tenant.head.dead = vec![(AUDIENCE, wardkey::Epoch::new(5).expect("not 0"))];
    let good = tenant.head_bytes();
    assert!(read(&tenant, &good).is_ok());
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&tenant, &flipped).is_err(), "bit {bit}");
    }
    for len in 0..good.len() {
        assert!(read(&tenant, &good[..len]).is_err(), "{len} bytes");
    }
    for extra in [1, 16, MAX_HEAD_LEN] {
        let longer = [good.as_slice(), &vec![0; extra]].concat();
        assert_eq!(read(&tenant, &longer).err(), Some(HeadError::Length));
    }
}

#[test]
fn each_audience_believes_its_own_tag_only() {
    let mut tenant = Tenant::new();
    let mut other = tenant.head.audiences[0];
    other.audience = AudienceId(3);
    tenant.head.audiences.push(other);
    let good = tenant.head_bytes();
    assert!(read(&tenant, &good).is_ok());
    let (ours, theirs) = (good.len() - 32, good.len() - 16);
    let mut forged_theirs = good.clone();
    forged_theirs[theirs] ^= 1;
    assert!(read(&tenant, &forged_theirs).is_ok(), "another audience's tag is its own affair");
    let mut swapped = good.clone();
    swapped[ours..].rotate_left(16);
    assert_eq!(read(&tenant, &swapped).err(), Some(HeadError::Tag));
}

#[test]
fn a_head_replaces_only_an_older_one_and_none_from_the_future() {
    let mut tenant = Tenant::new();
    let key_set = tenant.verifier().key_set;
    let mut head = |sequence, issued_at| {
        (tenant.head.sequence, tenant.head.issued_at) = (sequence, UnixMillis(issued_at));
        read(&tenant, &tenant.head_bytes()).expect("authentic")
    };
    let now = NOW.0;
    let in_force = head(5, now);
    for (sequence, issued_at, expected) in [
        (5, now, Some(HeadRefused::SameHead)),
        (5, now - 1, Some(HeadRefused::Older)),
        (4, now, Some(HeadRefused::Older)),
        (4, now + 5_000, Some(HeadRefused::Older)),
        (5, now + 1, None),
        (6, now, None),
        (6, now + 5_000, None),
        (6, now + 5_001, Some(HeadRefused::ClockBehind)),
    ] {
        let adopted = head(sequence, issued_at).adoptable(Some(&in_force), NOW, key_set.bounds());
        assert_eq!(adopted.err(), expected, "{sequence} {issued_at}");
    }
    assert!(head(5, now + 5_000).adoptable(None, NOW, key_set.bounds()).is_ok());
    let ahead = head(5, now + 5_001).adoptable(None, NOW, key_set.bounds());
    assert_eq!(ahead.err(), Some(HeadRefused::ClockBehind));
}

#[test]
fn a_list_takes_only_the_state_that_its_head_names() {
    let tenant = Tenant::new();
    let key_set = tenant.verifier().key_set;
    let head = read(&tenant, &tenant.head_bytes()).expect("authentic");
    let head = head.adoptable(None, NOW, key_set.bounds()).expect("adoptable");
    let good = tenant.state_bytes();
    assert!(List::new(head, State::parse(good.clone()).expect("a state")).is_ok());
    let mut parsed = 0;
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(state) = State::parse(flipped) {
            assert_eq!(List::new(head, state).err(), Some(ListError), "bit {bit}");
            parsed += 1;
        }
    }
    assert!(parsed >= 16, "every bit of the bits is one");
    for len in 0..good.len() {
        assert!(State::parse(good[..len].to_vec()).is_err(), "{len} bytes");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(State::parse(longer).err(), Some(StateError::Length));
}

#[test]
fn bits_in_a_later_chunk_count_for_the_digest() {
    let mut tenant = Tenant::new();
    tenant.bits = vec![0; wardkey::CHUNK_LEN * 2 + 1];
    let before = tenant.state().digest();
    for place in [0, wardkey::CHUNK_LEN - 1, wardkey::CHUNK_LEN, wardkey::CHUNK_LEN * 2] {
        tenant.bits[place] = 0x80;
        assert_ne!(tenant.state().digest(), before, "byte {place}");
        tenant.bits[place] = 0;
    }
    tenant.bits.pop();
    assert_ne!(tenant.state().digest(), before, "a byte fewer");
}

#[test]
fn floor_and_bit_count_count_for_the_digest() {
    let digest = |floor, bit_count| {
        let bytes = wardkey_provision::state_bytes(floor, bit_count, &[0, 0]);
        State::parse(bytes).expect("a state").digest()
    };
    assert_eq!(digest(800, 16), digest(800, 16));
    assert_ne!(digest(800, 16), digest(800, 15));
    assert_ne!(digest(800, 16), digest(808, 16));
}

#[test]
fn a_newer_head_of_the_same_state_renews_the_list() {
    let mut tenant = Tenant::new();
    let verifier = tenant.verifier();
    let mut list = tenant.list();
    tenant.head.issued_at = NOW.plus(60_000);
    let head = read(&tenant, &tenant.head_bytes()).expect("authentic");
    let now = NOW.plus(60_000);
    let decide = |list: &List<Vec<u8>>| {
        word(&verifier.decide(Some(list), &tenant.key(), &verifier.low(), now))
    };
    assert_eq!(decide(&list), "ask refresh");
    let newer = head.adoptable(Some(list.head()), now, verifier.key_set.bounds()).expect("newer");
    assert!(list.renew(&newer));
    assert_eq!(decide(&list), "allow fresh");

    tenant.bits = vec![1, 0];
    tenant.head.sequence += 1;
    let head = read(&tenant, &tenant.head_bytes()).expect("authentic");
    let newer = head.adoptable(Some(list.head()), now, verifier.key_set.bounds()).expect("newer");
    assert!(!list.renew(&newer), "another state is not in the list");
    assert_eq!(list.head().sequence(), 5);
}

#[test]
fn a_list_of_another_audience_or_tenant_counts_as_none() {
    let tenant = Tenant::new();
    let verifier = tenant.verifier();
    for other in [Tenant::of(TENANT, AudienceId(3), 1), Tenant::of(TenantId(8), AUDIENCE, 1)] {
        let list = other.list();
        let decide = |refresh| {
            let (key, now) = (tenant.key(), NOW);
            word(&verifier.decide_after(
                Some(&list),
                &key,
                &verifier.low(),
                now,
                refresh,
                Registry::NotAsked,
            ))
        };
        assert_eq!(decide(Refresh::NotTried), "ask refresh");
        assert_eq!(decide(Refresh::Failed), "list_stale");
    }
}

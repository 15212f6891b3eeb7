//! The revocation list: only the registry's own, never a step back, never another audience's.

use wardkey::{
    Adoption, AudienceId, AuthenticHead, Bounds, HeadError, List, ListError, MAX_HEAD_LEN, Refresh,
    Registry, State, StateError, TenantId, UnixMillis, UnverifiedHead,
};

use crate::tenant::{AUDIENCE, NOW, TENANT, Tenant, word};

/// Reads a head all the way, as a host does.
fn read<'b>(tenant: &Tenant, bytes: &'b [u8]) -> Result<AuthenticHead<'b>, HeadError> {
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

/// Hands a head to whoever holds `list`.
fn adopt(
    list: &mut Option<List<Vec<u8>>>,
    head: AuthenticHead<'_>,
    state: Option<State<Vec<u8>>>,
    now: UnixMillis,
) -> Result<Adoption, ListError> {
    List::adopt(list, &head, state, now, &Bounds::DEFAULT)
}

/// A head of that number and time, with a state of its own, and the state.
fn made(sequence: u64, issued_at: u64) -> (AuthenticHead<'static>, State<Vec<u8>>) {
    let mut tenant = Tenant::new();
    (tenant.head.sequence, tenant.head.issued_at) = (sequence, UnixMillis(issued_at));
    tenant.bits = sequence.to_be_bytes().to_vec();
    let head = read(&tenant, tenant.head_bytes().leak()).expect("authentic");
    (head, tenant.state())
}

#[test]
fn a_head_replaces_only_an_older_one_and_none_from_the_future() {
    let now = NOW.0;
    for (sequence, issued_at, expected) in [
        (5, now, Ok(Adoption::InForce)),
        (5, now - 1, Err(ListError::Older)),
        (4, now, Err(ListError::Older)),
        (4, now + 5_000, Err(ListError::Older)),
        (5, now + 1, Ok(Adoption::Adopted)),
        (6, now, Ok(Adoption::Adopted)),
        (6, now + 5_000, Ok(Adoption::Adopted)),
        (6, now + 5_001, Err(ListError::ClockBehind)),
    ] {
        let (in_force, state) = made(5, now);
        let mut list = None;
        assert_eq!(adopt(&mut list, in_force, Some(state), NOW), Ok(Adoption::Adopted));
        let (head, state) = made(sequence, issued_at);
        assert_eq!(adopt(&mut list, head, Some(state), NOW), expected, "{sequence} {issued_at}");
        let left = if expected == Ok(Adoption::Adopted) { head } else { in_force };
        assert_eq!(list.as_ref().map(List::head), Some(left.head()), "{sequence} {issued_at}");
    }
    for (ahead, expected) in [(5_000, Ok(Adoption::Adopted)), (5_001, Err(ListError::ClockBehind))]
    {
        let (head, state) = made(5, now + ahead);
        let mut list = None;
        assert_eq!(adopt(&mut list, head, Some(state), NOW), expected);
        assert_eq!(list.is_some(), expected.is_ok());
    }
}

#[test]
fn a_clock_that_went_back_takes_not_even_the_head_in_force() {
    let (head, state) = made(5, NOW.0);
    let mut list = None;
    assert_eq!(adopt(&mut list, head, Some(state), NOW), Ok(Adoption::Adopted));
    for (back, expected) in [(5_000, Ok(Adoption::InForce)), (5_001, Err(ListError::ClockBehind))] {
        assert_eq!(adopt(&mut list, head, None, UnixMillis(NOW.0 - back)), expected);
    }
}

#[test]
fn a_head_of_the_same_number_and_time_with_other_words_is_refused() {
    let (head, state) = made(5, NOW.0);
    let mut list = None;
    assert_eq!(adopt(&mut list, head, Some(state), NOW), Ok(Adoption::Adopted));
    let other = Tenant::new();
    let other_head = read(&other, other.head_bytes().leak()).expect("authentic");
    assert_eq!(other_head.head().sequence(), head.head().sequence());
    assert_eq!(adopt(&mut list, other_head, Some(other.state()), NOW), Err(ListError::Older));
    assert_eq!(list.as_ref().map(List::head), Some(head.head()));
}

#[test]
fn two_refreshes_under_way_never_step_back_in_whatever_order_they_end() {
    let later = NOW.0 + 1_000;
    for newer in [(6, NOW.0 + 1), (7, NOW.0), (7, later)] {
        for other in [(5, later), (6, NOW.0), (6, NOW.0 + 1)] {
            let heads = [newer, other];
            for order in [[0, 1], [1, 0]] {
                let (head, state) = made(5, NOW.0);
                let mut list = None;
                assert_eq!(adopt(&mut list, head, Some(state), NOW), Ok(Adoption::Adopted));
                // Both heads have come before either's state is there.
                for (sequence, issued_at) in heads {
                    let adopted = adopt(&mut list, made(sequence, issued_at).0, None, NOW);
                    let same_state = sequence == 5;
                    let expected =
                        if same_state { Adoption::Adopted } else { Adoption::StateNeeded };
                    assert_eq!(adopted, Ok(expected));
                }
                let mut newest = (5, NOW.0);
                for place in order {
                    let (sequence, issued_at) = heads[place];
                    let (head, state) = made(sequence, issued_at);
                    let adopted = adopt(&mut list, head, Some(state), NOW);
                    let in_force = list.as_ref().expect("a list").head();
                    let now_in_force = (in_force.sequence(), in_force.issued_at().0);
                    assert!(now_in_force >= newest, "{heads:?} {order:?}: {adopted:?}");
                    newest = now_in_force;
                }
                assert_eq!(newest, newer.max(other), "{heads:?} {order:?}");
                let newest = made(newest.0, newest.1).0;
                assert_eq!(
                    list.as_ref().map(List::head),
                    Some(newest.head()),
                    "{heads:?} {order:?}"
                );
            }
        }
    }
}

#[test]
fn a_dead_key_stays_dead_when_an_older_list_comes_later() {
    let mut tenant = Tenant::new();
    let verifier = tenant.verifier();
    let old = (read(&tenant, tenant.head_bytes().leak()).expect("authentic"), tenant.state());
    tenant.bits = vec![0xff, 0xff];
    tenant.head.sequence += 1;
    let new = (read(&tenant, tenant.head_bytes().leak()).expect("authentic"), tenant.state());
    let mut list = None;
    // Both refreshes began without a list: each head was good when it came.
    for head in [old.0, new.0] {
        assert_eq!(adopt(&mut list, head, None, NOW), Ok(Adoption::StateNeeded));
    }
    assert_eq!(adopt(&mut list, new.0, Some(new.1), NOW), Ok(Adoption::Adopted));
    assert_eq!(adopt(&mut list, old.0, Some(old.1), NOW), Err(ListError::Older));
    let decision = verifier.decide(list.as_ref(), &tenant.key(), &verifier.low(), NOW);
    assert_eq!(word(&decision), "inactive");
}

#[test]
fn a_list_of_another_audience_or_tenant_is_never_replaced() {
    for other in [Tenant::of(TENANT, AudienceId(3), 1), Tenant::of(TenantId(8), AUDIENCE, 1)] {
        let mut list = Some(other.list());
        for (sequence, state) in [(4, false), (5, false), (6, false), (6, true)] {
            let (head, of_head) = made(sequence, NOW.0);
            let adopted = adopt(&mut list, head, state.then_some(of_head), NOW);
            assert_eq!(adopted, Err(ListError::OtherAudience));
            assert_eq!(list.as_ref().map(List::head), Some(other.list().head()));
        }
    }
}

#[test]
fn a_list_takes_only_the_state_that_its_head_names() {
    let tenant = Tenant::new();
    let head = read(&tenant, tenant.head_bytes().leak()).expect("authentic");
    let good = tenant.state_bytes();
    let mut list = None;
    assert_eq!(adopt(&mut list, head, None, NOW), Ok(Adoption::StateNeeded));
    assert!(list.is_none());
    assert_eq!(adopt(&mut list, head, Some(tenant.state()), NOW), Ok(Adoption::Adopted));
    let mut parsed = 0;
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(state) = State::parse(&flipped) {
            let mut none = None;
            assert_eq!(
                adopt(&mut none, head, Some(state), NOW),
                Err(ListError::OtherState),
                "bit {bit}"
            );
            assert!(none.is_none(), "bit {bit}");
            parsed += 1;
        }
    }
    assert!(parsed >= 16, "every bit of the bits is one");
    for len in 0..good.len() {
        assert!(State::parse(&good[..len]).is_err(), "{len} bytes");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert_eq!(State::parse(&longer).err(), Some(StateError::Length));
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
        State::parse(&bytes).expect("a state").digest()
    };
    assert_eq!(digest(800, 16), digest(800, 16));
    assert_ne!(digest(800, 16), digest(800, 15));
    assert_ne!(digest(800, 16), digest(808, 16));
}

#[test]
fn a_newer_head_of_the_same_state_renews_the_list() {
    let now = NOW.plus(60_000);
    let all_dead = || State::parse(&wardkey_provision::state_bytes(u32::MAX, 0, &[]));
    // A state that nobody needs is not even looked at: never does it come into force.
    for state in [None, Some(all_dead().expect("a state"))] {
        let mut tenant = Tenant::new();
        let verifier = tenant.verifier();
        let mut list = Some(tenant.list());
        tenant.head.issued_at = now;
        let head = read(&tenant, tenant.head_bytes().leak()).expect("authentic");
        let decide = |list: &Option<List<Vec<u8>>>| {
            word(&verifier.decide(list.as_ref(), &tenant.key(), &verifier.low(), now))
        };
        assert_eq!(decide(&list), "ask refresh");
        assert_eq!(adopt(&mut list, head, state, now), Ok(Adoption::Adopted));
        assert_eq!(decide(&list), "allow fresh");

        tenant.bits = vec![1, 0];
        tenant.head.sequence += 1;
        let newer = read(&tenant, tenant.head_bytes().leak()).expect("authentic");
        assert_eq!(adopt(&mut list, newer, None, now), Ok(Adoption::StateNeeded));
        assert_eq!(
            list.as_ref().map(List::head),
            Some(head.head()),
            "its state is not in the list"
        );
        let other = all_dead().expect("a state");
        assert_eq!(adopt(&mut list, newer, Some(other), now), Err(ListError::OtherState));
        assert_eq!(list.as_ref().map(List::head), Some(head.head()), "nor is it that one");
    }
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

//! What a list kills: what was issued until its cut-offs, dead signing keys' keys, and dead indexes.

use wardkey::{AudienceId, Cutoff, Epoch, StatusIndex, UnixSeconds};

use crate::tenant::{AUDIENCE, INDEX, ISSUED, NOW, Tenant, word};

#[test]
fn a_cut_off_kills_what_was_issued_at_or_before_it() {
    for (cutoff, expected) in [
        (0, "allow fresh"),
        (ISSUED - 1, "allow fresh"),
        (ISSUED, "inactive"),
        (ISSUED + 1, "inactive"),
    ] {
        let mut whole_tenant = Tenant::new();
        whole_tenant.head.cutoff = Cutoff(UnixSeconds(cutoff));
        assert_eq!(whole_tenant.decided(), expected, "tenant, {cutoff}");

        let mut audience = Tenant::new();
        audience.head.audiences[0].cutoff = Cutoff(UnixSeconds(cutoff));
        assert_eq!(audience.decided(), expected, "audience, {cutoff}");

        let mut another = Tenant::new();
        let mut entry = another.head.audiences[0];
        entry.audience = AudienceId(3);
        entry.cutoff = Cutoff(UnixSeconds(cutoff));
        another.head.audiences.push(entry);
        assert_eq!(another.decided(), "allow fresh", "another audience, {cutoff}");
    }
}

#[test]
fn a_dead_signing_key_kills_its_keys_and_no_others() {
    for (audience, epoch, expected) in [
        (AUDIENCE, 1, "inactive"),
        (AUDIENCE, 2, "allow fresh"),
        (AUDIENCE, 9, "allow fresh"),
        (AudienceId(1), 1, "allow fresh"),
        (AudienceId(3), 1, "allow fresh"),
    ] {
        let mut tenant = Tenant::new();
        tenant.head.dead = vec![(audience, Epoch::new(epoch).expect("not 0"))];
        assert_eq!(tenant.decided(), expected, "{audience:?} {epoch}");
    }
}

#[test]
fn a_dead_index_is_one_below_the_floor_or_with_its_bit_set() {
    for (floor, bits, expected) in [
        (INDEX + 1, vec![], "inactive"),
        (INDEX, vec![], "allow fresh"),
        (INDEX, vec![0b1111_1110], "allow fresh"),
        (INDEX, vec![0b0000_0001], "inactive"),
        (INDEX - 7, vec![0b1000_0000], "inactive"),
        (INDEX - 7, vec![0b0111_1111], "allow fresh"),
        (INDEX - 8, vec![0b1111_1111], "allow fresh"),
        (INDEX - 15, vec![0, 0b1000_0000], "inactive"),
        (u32::MAX, vec![], "inactive"),
        (0, vec![0xff; 101], "allow fresh"),
        (0, vec![0xff; 102], "inactive"),
    ] {
        let mut tenant = Tenant::new();
        (tenant.floor, tenant.bits) = (floor, bits);
        assert_eq!(tenant.decided(), expected, "{floor} {:?}", tenant.bits);
    }
    let mut tenant = Tenant::new();
    let mut base = tenant.base();
    base.status_index = StatusIndex(u32::MAX);
    tenant.floor = u32::MAX - 7;
    for (bits, expected) in [(0b1000_0000, "inactive"), (0b0111_1111, "allow fresh")] {
        tenant.bits = vec![bits];
        let verifier = tenant.verifier();
        let decision =
            verifier.decide(Some(&tenant.list()), &tenant.text(&base), &verifier.low(), NOW);
        assert_eq!(word(&decision), expected);
    }
}

//! Keys whose checksum fits and whose words do not: what an attacker, or a careless issuer, writes.

use std::collections::BTreeSet;

use wardkey::{Base, Decision, Environment, Prefix, Reason, Subject};

use crate::tenant::{NOW, Tenant, encoded, handmade, word};

fn decide(tenant: &Tenant, text: &str) -> Decision {
    let verifier = tenant.verifier();
    verifier.decide(Some(&tenant.list()), text, &verifier.low(), NOW)
}

#[test]
fn no_flipped_bit_is_allowed_though_the_checksum_fits() {
    let tenant = Tenant::new();
    let base = encoded(&tenant.base());
    let tag = tenant.secret.signing_key(tenant.base().signing_key).tag(&base);
    let payload = [base.as_slice(), tag.secret_bytes()].concat();
    assert_eq!(word(&decide(&tenant, &handmade("wk_live_", &payload))), "allow fresh");

    let mut seen = BTreeSet::new();
    for bit in 0..payload.len() * 8 {
        let mut forged = payload.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        match decide(&tenant, &handmade("wk_live_", &forged)) {
            Decision::Deny(denial) => {
                // What went wrong first must not show to whoever tries.
                assert_eq!(denial.reason.answer(), Reason::Malformed.answer(), "bit {bit}");
                assert_eq!(denial.authentic, None, "bit {bit}");
                seen.insert(denial.reason.as_str());
            }
            other => panic!("bit {bit}: {other:?}"),
        }
    }
    assert!(seen.into_iter().eq(["bad_tag", "malformed", "unknown_signing_key"]));
}

#[test]
fn a_tag_cut_short_or_zeroed_is_refused() {
    let tenant = Tenant::new();
    let base = encoded(&tenant.base());
    let tag = tenant.secret.signing_key(tenant.base().signing_key).tag(&base);
    for len in 0..16 {
        let short = [base.as_slice(), &tag.secret_bytes()[..len]].concat();
        assert_eq!(word(&decide(&tenant, &handmade("wk_live_", &short))), "malformed");
    }
    let zeroed = [base.as_slice(), &[0; 16]].concat();
    assert_eq!(word(&decide(&tenant, &handmade("wk_live_", &zeroed))), "bad_tag");
}

#[test]
fn a_key_of_another_tenant_audience_epoch_or_secret_is_refused() {
    let ours = Tenant::new();
    let mut epoch_2 = ours.base();
    epoch_2.signing_key.epoch = wardkey::Epoch::new(2).expect("not 0");
    let of = |tenant, audience, secret| {
        Tenant::of(wardkey::TenantId(tenant), wardkey::AudienceId(audience), secret).key()
    };
    for (text, reason) in [
        (of(7, 2, 1), "allow fresh"),
        (of(8, 2, 1), "unknown_signing_key"),
        (of(7, 3, 1), "unknown_signing_key"),
        (of(7, 0, 1), "unknown_signing_key"),
        (of(7, 2, 2), "bad_tag"),
        (ours.text(&epoch_2), "unknown_signing_key"),
    ] {
        assert_eq!(word(&decide(&ours, &text)), reason);
    }
}

#[test]
fn a_swapped_prefix_is_refused_though_the_checksum_fits() {
    let mut tenant = Tenant::new();
    let (text, base) = (tenant.key(), tenant.base());
    for (brand, environment) in
        [("wk", Environment::Test), ("wl", Environment::Live), ("wkk", Environment::Live)]
    {
        tenant.prefix = Prefix::new(brand, environment).expect("a prefix");
        let swapped = tenant.text(&base);
        // The tag is not over the prefix: only the comparison with the entry refuses it.
        assert_eq!(word(&decide(&Tenant::new(), &swapped)), "prefix_mismatch");
        assert_eq!(word(&decide(&tenant, &swapped)), "allow fresh");
        assert_eq!(word(&decide(&tenant, &text)), "prefix_mismatch");
    }
}

#[test]
fn a_base_that_breaks_a_rule_is_malformed_though_its_tag_is_right() {
    let tenant = Tenant::new();
    let good = encoded(&tenant.base());
    assert_eq!(word(&decide(&tenant, &tenant.tagged(&good))), "allow fresh");
    let with = |place: usize, bytes: &[u8]| {
        let mut bent = good.clone();
        bent[place..place + bytes.len()].copy_from_slice(bytes);
        bent
    };
    let issued = tenant.base().issued_at.0;
    // Offsets: version 0, tenant 1, audience 3, epoch 4, key id 5, index 13, issued 17, expires 21,
    // subject 25, scopes 37.
    assert_eq!(good[25], 11);
    assert_eq!(good[37..], [2, 0b111, 0b10]);
    let scopes = |bytes: &[u8]| [&good[..37], bytes].concat();
    let subject = |bytes: &[u8]| [&good[..25], bytes, &good[37..]].concat();
    let mut cases = vec![
        ("version 0", with(0, &[0])),
        ("version 2", with(0, &[2])),
        ("epoch 0", with(4, &[0])),
        ("lifetime 59 s", with(21, &(issued + 59).to_be_bytes())),
        ("lifetime 0", with(21, &issued.to_be_bytes())),
        ("expires before it is issued", with(21, &(issued - 1).to_be_bytes())),
        ("subject flag 0x40", with(25, &[11 | 0x40])),
        ("no subject", subject(&[0])),
        ("subject in capitals", with(26, b"SVC")),
        ("subject with a zero byte", with(28, &[0])),
        ("subject that starts with a colon", with(26, b":")),
        ("subject outside ASCII", with(26, &[0xc3, 0xa4])),
        ("subject length beyond the end", with(25, &[63])),
        ("no scopes", scopes(&[0])),
        ("scopes that are zero", scopes(&[1, 0])),
        ("a trailing zero scope byte", scopes(&[3, 0b111, 0b10, 0])),
        ("scope length beyond the end", scopes(&[3, 0b111, 0b10])),
        ("33 scope bytes", scopes(&[&[33][..], &[1; 33]].concat())),
        ("one byte after the end", [&good[..], &[0]].concat()),
        ("constraints that are announced and missing", with(25, &[11 | 0x80])),
        ("nothing", vec![]),
    ];
    cases.extend((1..good.len()).map(|len| ("cut short", good[..len].to_vec())));
    for (case, bytes) in cases {
        let text = tenant.tagged(&bytes);
        assert_eq!(word(&decide(&tenant, &text)), "malformed", "{case}, {} bytes", bytes.len());
        assert!(Base::decode(&bytes).map_or(true, |(_, len)| len != bytes.len()), "{case}");
    }
    let shortest = with(21, &(issued + 60).to_be_bytes());
    assert_eq!(word(&decide(&tenant, &tenant.tagged(&shortest))), "expired");
}

#[test]
fn no_text_of_any_length_is_allowed_or_panics() {
    let tenant = Tenant::new();
    for len in (0..600).chain([1 << 16]) {
        for filler in ["A", "_", "é"] {
            let text = format!("wk_live_{}", filler.repeat(len));
            // From 66 characters on it could be a key: "A" and "_" are digits of base64url, the last one
            // with no bit to spare.
            let digits = (filler == "A" && len % 4 != 1) || (filler == "_" && len % 4 == 0);
            let shape = digits && (66..=504).contains(&len);
            let expected = if shape { "bad_checksum" } else { "malformed" };
            assert_eq!(word(&decide(&tenant, &text)), expected, "{len} times {filler}");
        }
    }
    // 512 and 513 characters of what would otherwise be a key with too long a base.
    let mut base = tenant.base();
    base.subject = Subject::new(&"s".repeat(63)).expect("a subject");
    for extra in 200..280 {
        let text = tenant.tagged(&[encoded(&base), vec![0; extra]].concat());
        assert_eq!(word(&decide(&tenant, &text)), "malformed", "{} characters", text.len());
    }
}

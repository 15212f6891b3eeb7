//! A key set that is older than the list wants: it allows nothing, and still tells a forged key from a good one.

use wardkey::{Decision, Epoch, Reason};

use crate::tenant::{AUDIENCE, NOW, TENANT, Tenant, VERSION, encoded, handmade};

#[test]
fn a_key_set_below_the_least_version_decides_nothing() {
    for (least, expected) in
        [(VERSION - 1, "allow fresh"), (VERSION, "allow fresh"), (VERSION + 1, "no_key_set")]
    {
        let mut tenant = Tenant::new();
        tenant.head.audiences[0].least_key_set = least;
        assert_eq!(tenant.decided(), expected, "{least}");
    }
}

/// What can be judged is judged, whatever the key set's age: only what cannot is a 503.
#[test]
fn a_forged_key_is_the_same_401_under_an_outdated_key_set() {
    let mut tenant = Tenant::new();
    let good = tenant.key();
    let base = encoded(&tenant.base());
    let mut forged = [base.as_slice(), &[0; 16]].concat();
    let zeroed = handmade("wk_live_", &forged);
    let right = tenant.secret.signing_key(tenant.base().signing_key).tag(&base);
    forged[base.len()..].copy_from_slice(right.secret_bytes());
    *forged.last_mut().expect("a tag") ^= 1;
    let mut of_epoch_2 = tenant.base();
    of_epoch_2.signing_key.epoch = Epoch::new(2).expect("not 0");
    let decide = |tenant: &Tenant, text: &str| {
        let verifier = tenant.verifier();
        match verifier.decide(Some(&tenant.list()), text, &verifier.low(), NOW) {
            Decision::Deny(denial) => (denial.reason, denial.reason.answer(), denial.authentic),
            other => panic!("{other:?}"),
        }
    };
    let cases = [
        (Tenant::of(TENANT, AUDIENCE, 2).key(), Reason::BadTag),
        (zeroed, Reason::BadTag),
        (handmade("wk_live_", &forged), Reason::BadTag),
        (handmade("wk_test_", &forged), Reason::PrefixMismatch),
        (good[..good.len() - 1].to_owned(), Reason::BadChecksum),
        (good[1..].to_owned(), Reason::Malformed),
    ];
    for (text, reason) in &cases {
        let up_to_date = decide(&tenant, text);
        assert_eq!(up_to_date, (*reason, Reason::Malformed.answer(), None));
        tenant.head.audiences[0].least_key_set = VERSION + 1;
        assert_eq!(decide(&tenant, text), up_to_date);
        tenant.head.audiences[0].least_key_set = VERSION;
    }
    tenant.head.audiences[0].least_key_set = VERSION + 1;
    let (reason, answer, authentic) = decide(&tenant, &good);
    assert_eq!((reason, answer.status), (Reason::NoKeySet, 503));
    assert_eq!(authentic, Some(tenant.base()));
    let (reason, answer, authentic) = decide(&tenant, &tenant.text(&of_epoch_2));
    assert_eq!((reason, answer.status, authentic), (Reason::NoKeySet, 503, None));
}

//! Whatever bytes come: what is read is what was written, and nothing panics.

use proptest::prelude::*;
use wardkey::{
    AudienceId, Base, Constraints, Epoch, KeyBuffer, KeyId, KeySet, MAX_BASE_LEN, ScopeSet,
    SigningKeyId, State, StatusIndex, Subject, TenantId, UnixSeconds, UnverifiedHead,
    UnverifiedKey,
};

use crate::tenant::{ALPHABET, NOW, Tenant, encoded, handmade};

prop_compose! {
    fn bases()(
        tenant: u16,
        audience: u8,
        epoch in 1..=u8::MAX,
        key_id: [u8; 8],
        index: u32,
        issued in 0..=u32::MAX - 60,
        lifetime in 60..=u32::MAX,
        subject in "[a-z0-9][a-z0-9:._/-]{0,62}",
        scopes in proptest::collection::vec(any::<u8>(), 1..40),
    ) -> Base {
        Base {
            signing_key: SigningKeyId {
                tenant: TenantId(tenant),
                audience: AudienceId(audience),
                epoch: Epoch::new(epoch).expect("not 0"),
            },
            key_id: KeyId(key_id),
            status_index: StatusIndex(index),
            issued_at: UnixSeconds(issued),
            expires_at: UnixSeconds(issued.saturating_add(lifetime)),
            subject: Subject::new(&subject).expect("of the alphabet"),
            scopes: ScopeSet::from_iter(scopes),
            constraints: Constraints::default(),
        }
    }
}

proptest! {
    #[test]
    fn a_base_is_read_as_it_was_written(base in bases(), after: [u8; 5]) {
        let bytes = encoded(&base);
        prop_assert_eq!(Base::decode(&bytes), Ok((base, bytes.len())));
        let longer = [bytes.as_slice(), &after].concat();
        prop_assert_eq!(Base::decode(&longer), Ok((base, bytes.len())));
        let mut too_short = vec![0; bytes.len() - 1];
        prop_assert!(base.encode(&mut too_short).is_err());
    }

    #[test]
    fn a_base_has_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..MAX_BASE_LEN), near in bases(), place: prop::sample::Index, value: u8) {
        let mut changed = encoded(&near);
        let place = place.index(changed.len());
        changed[place] = value;
        for bytes in [bytes, changed] {
            if let Ok((base, len)) = Base::decode(&bytes) {
                prop_assert_eq!(encoded(&base), &bytes[..len]);
            }
        }
    }

    #[test]
    fn random_text_is_no_key_and_never_panics(text in "\\PC{0,600}", digits in proptest::collection::vec(prop::sample::select(ALPHABET.to_vec()), 0..520)) {
        prop_assert!(UnverifiedKey::parse(&text, &mut KeyBuffer::new()).is_err());
        let digits = format!("wk_live_{}", String::from_utf8(digits).expect("ASCII"));
        prop_assert!(UnverifiedKey::parse(&digits, &mut KeyBuffer::new()).is_err());
    }

    #[test]
    fn random_bytes_under_a_right_checksum_are_never_allowed(payload in proptest::collection::vec(any::<u8>(), 0..200), base in bases()) {
        let tenant = Tenant::new();
        let (verifier, list) = (tenant.verifier(), tenant.list());
        let tagless = [encoded(&base), vec![0; 16]].concat();
        for checked in [payload, tagless] {
            let text = handmade("wk_live_", &checked);
            let decision = verifier.decide(Some(&list), &text, &verifier.low(), NOW);
            prop_assert!(matches!(decision, wardkey::Decision::Deny(_)), "{:?}", decision);
        }
    }

    #[test]
    fn random_heads_states_and_key_sets_never_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..5_000),
        place: prop::sample::Index,
        value: u8,
    ) {
        let tenant = Tenant::new();
        let key_set = tenant.verifier().key_set;
        for first in [None, Some(1)] {
            if let (Some(byte), Some(first)) = (bytes.first_mut(), first) {
                *byte = first;
            }
            if let Ok(head) = UnverifiedHead::parse(&bytes) {
                prop_assert!(head.authenticate(&key_set).is_err());
            }
            let _either = State::parse(&bytes).map(|state| (state.is_dead(0), state.digest()));
            let _either = KeySet::parse(&bytes).is_ok();
        }
        for good in [tenant.head_bytes(), tenant.state_bytes(), tenant.key_set_bytes()] {
            let mut changed = good.clone();
            let place = place.index(changed.len());
            changed[place] = value;
            if let Ok(head) = UnverifiedHead::parse(&changed) {
                prop_assert_eq!(head.authenticate(&key_set).is_ok(), changed == good);
            }
            let _either = State::parse(&changed).map(|state| (state.is_dead(u32::MAX), state.digest()));
            let _either = KeySet::parse(&changed).is_ok();
        }
    }
}

//! A key set, and the keys that it must then take.

use wardkey::{
    Ask, Bounds, Catalog, Decision, KeySet, Prefix, Reason, Refresh, Registry, Requirement,
    RiskLevel, SigningKey,
};

use crate::key_form::{Fields, KeyForm};
use crate::key_set_form::{EntryForm, KeySetForm, ScopeForm, scopes};
use crate::spelling;
use crate::world::{decide, word};

/// Reads the input as a key set, and signs a key with each signing key in it. Tells what the first of
/// those keys comes to.
///
/// # Panics
/// On a key set that is read and has another spelling, or that does not decide by its own words.
pub fn run(data: &[u8]) -> &'static str {
    let form = KeySetForm::read(data);
    let parsed = KeySet::parse(data);
    assert_eq!(parsed.is_ok(), form.is_sound() && form.write() == data, "{:?}", parsed.err());
    let Ok((key_set, held)) = parsed else { return "no_key_set" };
    assert_eq!((key_set.tenant().0, key_set.audience().0), (form.tenant, form.audience));
    assert_eq!(key_set.version(), form.version);
    assert_eq!(key_set.bounds().figures(), form.bounds);
    let [fresh_for, high, standard, low, skew] = form.bounds;
    assert_eq!(Bounds::new(fresh_for, high, standard, low, skew), Ok(*key_set.bounds()));
    says_what_it_holds(&held);
    assert_eq!(held.key_set_version(), form.version);

    let scope = &form.scopes[0];
    let name = str::from_utf8(&scope.name).expect("a scope's name is ASCII");
    let required = Requirement::all_of(&held, [name]).expect("it is in the catalog");
    let words = form.entries.iter().map(|entry| signed_by(&key_set, &form, entry, &required));
    words.collect::<Vec<_>>()[0]
}

/// A catalog that was read says what stands there.
pub(crate) fn says_what_it_holds(held: &Catalog<'_>) {
    let form = scopes(held.as_bytes());
    let entries: Vec<_> = held.entries().collect();
    assert_eq!(entries.len(), form.len());
    for (entry, ScopeForm { number, risk, name }) in entries.iter().zip(&form) {
        assert_eq!((entry.number, entry.risk.number()), (*number, *risk));
        assert_eq!(entry.name.as_str().as_bytes(), name);
        assert_eq!(held.scope(entry.name.as_str()), Some(*entry));
        let required = Requirement::any_of(held, [entry.name.as_str()]).expect("a known scope");
        assert_eq!(required.level(), entry.risk);
    }
}

/// A key of this signing key is taken for its own, and with another tag for nobody's.
fn signed_by(
    key_set: &KeySet,
    form: &KeySetForm,
    entry: &EntryForm,
    required: &Requirement,
) -> &'static str {
    let prefix = str::from_utf8(&entry.prefix).expect("a prefix is ASCII");
    let (brand, environment) = prefix.split_once('_').expect("brand and environment");
    let environments = [wardkey::Environment::Live, wardkey::Environment::Test];
    assert!(environments.into_iter().any(|known| {
        environment.strip_suffix('_') == Some(known.as_str())
            && Prefix::new(brand, known).is_ok_and(|built| built.as_str() == prefix)
    }));

    let Some(expires_at) = entry.mint_from.checked_add(60) else { return "no_lifetime" };
    let number = form.scopes[0].number;
    let mut held = [0; 32];
    held[usize::from(number / 8)] = 1 << (number % 8);
    let mut key = KeyForm {
        tenant: form.tenant,
        audience: form.audience,
        epoch: entry.epoch,
        key_id: [1; 8],
        index: 808,
        issued_at: entry.mint_from,
        expires_at,
        subject: b"svc:fuzz".to_vec(),
        scopes: held.to_vec(),
        constraints: Fields::new(),
        blocks: vec![],
        tag: [0; 16],
        base_len: 0,
    };
    let now = u64::from(entry.mint_from) * 1_000;
    let ask = |checked: &[u8]| {
        let text = spelling::text(prefix, checked);
        let done = (Refresh::NotTried, Registry::NotAsked);
        decide(key_set, None, &text, required, now, None, done)
    };
    let forged = key.write();
    let refused = ask(&forged);
    assert!(matches!(refused, Decision::Deny(denial) if denial.reason == Reason::BadTag));

    let base = &forged[..forged.len() - 16];
    key.tag = *SigningKey::new(&entry.key).tag(base).secret_bytes();
    let decision = ask(&key.write());
    let in_window = entry.mint_from <= entry.mint_until && expires_at <= entry.verify_until;
    match &decision {
        Decision::Deny(denial) => {
            assert!(!in_window, "{denial:?}");
            assert_eq!(denial.reason, Reason::OutsideWindow);
        }
        Decision::Ask(Ask::Refresh) => assert!(in_window && required.level() < RiskLevel::Strict),
        Decision::Ask(Ask::Registry(question)) => {
            assert!(in_window && required.level() == RiskLevel::Strict);
            assert_eq!(question.base().key_id.0, key.key_id);
        }
        Decision::Allow(allow) => panic!("without a list: {allow:?}"),
    }
    word(&decision)
}

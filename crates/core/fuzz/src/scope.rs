//! Scope sets and catalogs.

use std::collections::BTreeSet;

use wardkey::{AudienceId, Catalog, ScopeSet, ScopeSetError, TenantId};

use crate::input::Input;
use crate::key_form::has;
use crate::key_set;
use crate::key_set_form::{are_sound, catalog, scopes};

/// Reads the input as a catalog, or as two scope sets, and compares them as sets of numbers.
///
/// # Panics
/// On what is read and has another spelling, or when bits and numbers disagree.
pub fn run(data: &[u8]) -> &'static str {
    let mut input = Input::new(data);
    match input.u8() % 2 {
        0 => {
            let form = scopes(input.rest());
            let sound = are_sound(&form) && catalog(&form) == input.rest();
            let read = Catalog::parse(TenantId(7), AudienceId(2), 3, input.rest());
            assert_eq!(read.is_ok(), sound, "{:?}", read.err());
            let Ok(read) = read else { return "no_catalog" };
            assert_eq!(read.as_bytes(), input.rest());
            key_set::says_what_it_holds(&read);
            "catalog"
        }
        _ => {
            let len = usize::from(input.u8());
            let one = scope_set(input.take(len));
            match (one, scope_set(input.rest())) {
                (Some(one), Some(other)) => compare(&one, &other),
                (None, None) => "no_scope_set",
                _ => "one_scope_set",
            }
        }
    }
}

fn scope_set(bytes: &[u8]) -> Option<(ScopeSet, BTreeSet<u8>)> {
    let numbers: BTreeSet<u8> = (0..=u8::MAX).filter(|number| has(bytes, *number)).collect();
    let expected = match bytes.last() {
        None => Err(ScopeSetError::Length),
        Some(0) => Err(ScopeSetError::TrailingZero),
        Some(_) if bytes.len() > 32 => Err(ScopeSetError::Length),
        Some(_) => Ok(ScopeSet::from_iter(numbers.iter().copied())),
    };
    let read = ScopeSet::from_bytes(bytes);
    assert_eq!(read, expected);
    let set = read.ok()?;
    assert_eq!(set.as_bytes(), bytes);
    assert!(set.iter().eq(numbers.iter().copied()));
    assert!(!set.is_empty());
    Some((set, numbers))
}

fn compare(one: &(ScopeSet, BTreeSet<u8>), other: &(ScopeSet, BTreeSet<u8>)) -> &'static str {
    let ((one, ones), (other, others)) = (one, other);
    assert_eq!(one.contains_all(other), ones.is_superset(others));
    assert_eq!(one.contains_any(other), !ones.is_disjoint(others));
    assert_eq!(one == other, ones == others);
    let mut both = *one;
    others.iter().for_each(|number| both.insert(*number));
    assert!(both.contains_all(one) && both.contains_all(other));
    assert!(both.iter().eq(ones.union(others).copied()));
    match (ones.is_superset(others), ones.is_disjoint(others)) {
        (true, _) => "all",
        (false, false) => "some",
        (false, true) => "none",
    }
}

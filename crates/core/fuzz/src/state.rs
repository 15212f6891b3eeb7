//! A state of the revocation list.

use wardkey::{State, StateError};

use crate::state_form::StateForm;

/// Reads the input as a state and asks it about indexes on both sides of every edge.
///
/// # Panics
/// When core and specification disagree on whether it is one, on an index, or on the digest.
pub fn run(data: &[u8]) -> &'static str {
    let form = StateForm::read(data);
    let state = State::parse(data);
    assert_eq!(state.is_ok(), form.is_some(), "{:?}", state.err());
    let (Ok(state), Some(form)) = (state, form) else { return "no_state" };
    assert_eq!(form.write(), data);
    in_given_memory(data, &form);

    let end = form.floor.wrapping_add(form.bit_count);
    let near = [form.floor, end].into_iter().flat_map(|edge| {
        (0..20).flat_map(move |off| [edge.wrapping_add(off), edge.wrapping_sub(off)])
    });
    let spread =
        (0..32).map(|part| form.floor.wrapping_add((u64::from(form.bit_count) * part / 32) as u32));
    for index in near.chain(spread).chain([0, u32::MAX]) {
        assert_eq!(state.is_dead(index), form.is_dead(index), "{index} of {form:?}");
    }

    assert_eq!(state.digest(), form.digest());
    // Another bit, another digest.
    let mut bits = form.bits.to_vec();
    let last = usize::try_from(form.bit_count).expect("64 bits").checked_sub(1);
    let Some(bit) = last.map(|last| last / 2) else { return "empty" };
    bits[bit / 8] ^= 1 << (bit % 8);
    let flipped = StateForm { bits: &bits, ..form };
    let read = State::parse(&flipped.write()).expect("it differs in one bit");
    let index = form.floor + u32::try_from(bit).expect("below the bit count");
    assert_ne!(read.is_dead(index), state.is_dead(index));
    assert_ne!(read.digest(), state.digest());
    "state"
}

/// As much memory as a state asks for is enough, whatever lies in it, and a byte less is not.
fn in_given_memory(data: &[u8], form: &StateForm<'_>) {
    let len = State::<&mut [u8]>::memory_len(form.bit_count);
    let mut memory = vec![0xa5; len];
    let state = State::parse_into(data, &mut memory[..]).expect("enough memory");
    assert_eq!(state.digest(), form.digest());
    if let Some(less) = len.checked_sub(1) {
        let refused = State::parse_into(data, &mut memory[..less]);
        assert_eq!(refused.err(), Some(StateError::Memory));
    }
}

//! A list as a stranger would keep it, and heads and lists of the core's over it.

use wardkey::{
    Adoption, AuthenticHead, Bounds, List, ListError, State, StateMemory, UnverifiedHead,
};
use wardkey_provision::{Change, ChangeLog, state_bytes};

use crate::tenant::{NOW, Tenant};

/// Indexes of a chunk.
pub(crate) const CHUNK: u32 = 32_768;

/// A list as a stranger would keep it: one byte an index.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) floor: u32,
    pub(crate) dead: Vec<bool>,
}

impl Model {
    pub(crate) fn apply(&mut self, change: &Change) {
        let dropped = (change.rise as usize * CHUNK as usize).min(self.dead.len());
        self.dead.drain(..dropped);
        self.floor += change.rise * CHUNK;
        for place in &change.flips {
            let place = *place as usize;
            if place >= self.dead.len() {
                self.dead.resize(place + 1, false);
            }
            self.dead[place] = !self.dead[place];
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bits = vec![0; self.dead.len().div_ceil(8)];
        for (place, _) in self.dead.iter().enumerate().filter(|(_, dead)| **dead) {
            bits[place / 8] |= 1 << (place % 8);
        }
        state_bytes(self.floor, u32::try_from(self.dead.len()).expect("few"), &bits)
    }

    pub(crate) fn state(&self) -> State<Vec<u8>> {
        State::parse(&self.bytes()).expect("a state")
    }
}

/// A head of this sequence over this state.
pub(crate) fn head(sequence: u64, model: &Model, changes: ChangeLog) -> Vec<u8> {
    head_over(sequence, model.state().digest(), changes)
}

/// A head of this sequence over the state of this digest.
pub(crate) fn head_over(sequence: u64, digest: [u8; 32], changes: ChangeLog) -> Vec<u8> {
    let tenant = Tenant::new();
    let body =
        wardkey_provision::HeadBody { sequence, state_digest: digest, changes, ..tenant.head };
    body.sign(&tenant.secret).expect("a head")
}

pub(crate) fn read(bytes: &[u8]) -> AuthenticHead<'_> {
    let verifier = Tenant::new().verifier();
    UnverifiedHead::parse(bytes)
        .expect("a head")
        .authenticate(&verifier.key_set)
        .expect("authentic")
}

pub(crate) fn adopt<M: StateMemory>(
    list: &mut Option<List<M>>,
    head: &[u8],
    state: Option<State<M>>,
) -> Result<Adoption, ListError> {
    List::adopt(list, &read(head), state, NOW, &Bounds::DEFAULT)
}

/// A list in force, of this sequence.
pub(crate) fn list(sequence: u64, model: &Model) -> Option<List<Vec<u8>>> {
    let mut list = None;
    let head = head(sequence, model, ChangeLog::default());
    assert_eq!(adopt(&mut list, &head, Some(model.state())), Ok(Adoption::Adopted));
    list
}

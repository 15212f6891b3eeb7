//! `state.json`: reading a state, and its digest (FORMAT.md section 4.1).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::file::VectorFile;
use crate::spelling::{cut, hex};

/// What is dead.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) floor: u32,
    pub(crate) bit_count: u32,
    pub(crate) bits: Vec<u8>,
}

pub(crate) fn state(floor: u32, bit_count: u32, bits: &[u8]) -> State {
    State { floor, bit_count, bits: bits.to_vec() }
}

impl State {
    /// So many bits, of which those of these places are dead.
    pub(crate) fn with_dead(floor: u32, bit_count: u32, places: &[u32]) -> Self {
        let mut bits = vec![0; usize::try_from(bit_count.div_ceil(8)).unwrap_or_default()];
        for place in places.iter().filter(|place| **place < bit_count) {
            let byte = usize::try_from(place / 8).ok().and_then(|at| bits.get_mut(at));
            byte.into_iter().for_each(|byte| *byte |= 1 << (place % 8));
        }
        Self { floor, bit_count, bits }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let numbers = [self.floor, self.bit_count].map(u32::to_be_bytes).concat();
        [&[1], numbers.as_slice(), &self.bits].concat()
    }

    pub(crate) fn hex(&self) -> String {
        hex(&self.bytes())
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut whole = [self.floor, self.bit_count].map(u32::to_be_bytes).concat();
        whole.extend(self.bits.chunks(4_096).flat_map(Sha256::digest));
        Sha256::digest(whole).into()
    }
}

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "state.json",
        "Reading a state. Why it is refused has no stable word: it is malformed.",
    );
    let file_ref = &mut file;
    // The digests are those of the text.
    let told = |floor: u32, bit_count: u32, digest: &str| json!({ "ok": { "digest": digest, "floor": floor, "bit_count": bit_count } });
    let digest = "f17e17f7bc9ac31044a1a9d9e24485eba971161c0c531ad0a57a51e3f68017a4";
    let example = state(800, 10, &[2, 2]);
    file_ref.add("7", "the worked example", told(800, 10, digest), read(&example.bytes()));
    let digest = "4d8259fda5c5fd0821d72e8819ec0079db3395438037d427a482f7e2ac08fe61";
    let before = state(800, 2, &[2]);
    file_ref.add(
        "7",
        "the worked example before its change",
        told(800, 2, digest),
        read(&before.bytes()),
    );
    numbers(file_ref);
    lengths(file_ref);
    chunks(file_ref);
    file
}

fn add(file: &mut VectorFile, name: &str, (expect, case): (Value, Value)) {
    file.add("4.1", name, expect, case);
}

fn read(bytes: &[u8]) -> Value {
    json!({ "do": "read_state", "bytes": hex(bytes) })
}

fn good(state: &State) -> (Value, Value) {
    let ok = json!({
        "digest": hex(&state.digest()),
        "floor": state.floor,
        "bit_count": state.bit_count,
    });
    (json!({ "ok": ok }), read(&state.bytes()))
}

fn malformed(bytes: &[u8]) -> (Value, Value) {
    (json!({ "error": "malformed" }), read(bytes))
}

fn bad(state: &State) -> (Value, Value) {
    malformed(&state.bytes())
}

fn numbers(file: &mut VectorFile) {
    let of = |version| {
        let mut bytes = state(800, 10, &[2, 2]).bytes();
        bytes.first_mut().into_iter().for_each(|byte| *byte = version);
        malformed(&bytes)
    };
    file.around("4.1", "format version 1", [of(0), good(&state(800, 10, &[2, 2])), of(2)]);
    add(file, "format version 255", of(255));
    for floor in [0, 1, u32::MAX] {
        add(file, &format!("no bits from {floor} on"), good(&state(floor, 0, &[])));
    }
    file.around(
        "4.1",
        "8 bits up to the last index",
        [
            good(&state(u32::MAX - 8, 8, &[0x81])),
            good(&state(u32::MAX - 7, 8, &[0x81])),
            bad(&state(u32::MAX - 6, 8, &[0x81])),
        ],
    );
    file.around(
        "4.1",
        "1 bit at the last index",
        [
            good(&state(u32::MAX - 1, 1, &[1])),
            good(&state(u32::MAX, 1, &[1])),
            bad(&state(u32::MAX, 2, &[1])),
        ],
    );
    add(file, "as many bits as there can be, but not here", bad(&state(0, u32::MAX, &[0; 4])));
    add(file, "more bits than there can be", bad(&state(u32::MAX, u32::MAX, &[0; 4])));
}

fn lengths(file: &mut VectorFile) {
    let whole = state(800, 10, &[2, 2]).bytes();
    for len in 0..whole.len() {
        add(file, &format!("cut after {len} bytes"), malformed(&cut(&whole, len)));
    }
    add(file, "a byte behind", malformed(&[whole.as_slice(), &[0]].concat()));
    add(file, "a byte where there are no bits", bad(&state(800, 0, &[0])));
    file.around(
        "4.1",
        "8 bits in 1 byte",
        [good(&state(0, 7, &[0x7f])), good(&state(0, 8, &[0xff])), bad(&state(0, 9, &[0xff]))],
    );
    file.around(
        "4.1",
        "9 bits in 2 bytes",
        [
            bad(&state(0, 8, &[0xff, 0])),
            good(&state(0, 9, &[0xff, 1])),
            good(&state(0, 10, &[0xff, 3])),
        ],
    );
    for used in 1..8 {
        let spare = state(0, used, &[1 << used]);
        add(file, &format!("{used} bits, and the first spare one is not zero"), bad(&spare));
        let last = state(0, used, &[0x80]);
        add(file, &format!("{used} bits, and the last spare one is not zero"), bad(&last));
    }
    add(file, "10 bits, and a spare one of the last byte is not zero", bad(&state(0, 10, &[0, 4])));
    // Two states of different bit counts are two states.
    add(file, "10 bits, the last one alive", good(&state(800, 10, &[2, 0])));
    add(file, "2 bits", good(&state(800, 2, &[2])));
}

fn chunks(file: &mut VectorFile) {
    for bit_count in [32_767, 32_768, 32_769] {
        let state = State::with_dead(0, bit_count, &[0, 32_766, 32_767, 32_768]);
        add(file, &format!("{bit_count} bits, where a chunk is 32,768"), good(&state));
    }
}

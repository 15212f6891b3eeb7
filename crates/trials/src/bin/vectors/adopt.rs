//! `adopt.json`: adopting heads one after the other (FORMAT.md section 4.5).

mod applied;
mod changed;
mod judged;
mod not_applied;
mod refused;
mod states;

use serde_json::{Value, json};

use crate::file::VectorFile;
use crate::head_bytes::{Head, example_state, head};
use crate::key_set_bytes::key_set;
use crate::spelling::hex;
use crate::state::State;

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "adopt.json",
        "Adopting heads: the word of 4.5 for each, or head: and the word of 4.4; then what is in force.",
    );
    file.share("keys", key_set().hex());
    file.share("state", example_state().hex());
    file.share("head", head().hex());
    let mut lists = Lists { file };
    lists.first_head();
    lists.clocks();
    lists.same_head();
    lists.older();
    lists.replays();
    lists.states();
    lists.changes();
    lists.wrong_changes();
    lists.what_a_change_does();
    lists.chunks_that_are_added();
    lists.what_cannot_be_applied();
    lists.other_audiences();
    lists.heads_that_cannot_be_read();
    lists.file
}

struct Lists {
    file: VectorFile,
}

/// A head, perhaps a state, and now.
struct Step {
    head: Vec<u8>,
    state: Option<Vec<u8>>,
    now: u64,
}

/// A head that comes when it was made, alone.
fn alone(head: &Head) -> Step {
    Step { head: head.bytes(), state: None, now: head.issued_at }
}

/// The same with a state.
fn with(head: &Head, state: &State) -> Step {
    Step { state: Some(state.bytes()), ..alone(head) }
}

impl Step {
    fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }
}

/// A list in force: its head, its state.
type InForce<'s> = Option<(&'s Head, &'s State)>;

/// Steps from what is in force on, their outcomes, and what is then in force.
fn told(
    before: InForce<'_>,
    steps: &[Step],
    outcomes: &[&str],
    after: InForce<'_>,
) -> (Value, Value) {
    let list = before.map(|(head, state)| json!({ "head": head.hex(), "state": state.hex() }));
    let heads = steps.iter().map(|step| {
        let state = step.state.as_ref().map(|state| hex(state));
        json!({ "head": hex(&step.head), "state": state, "now": step.now })
    });
    let case = json!({
        "do": "adopt",
        "key_set": key_set().hex(),
        "in_force": list,
        "heads": heads.collect::<Value>(),
    });
    let expect = json!({
        "outcomes": outcomes,
        "sequence": after.map(|(head, _)| head.sequence),
        "digest": after.map(|(_, state)| hex(&state.digest())),
    });
    (expect, case)
}

impl Lists {
    fn add(&mut self, stage: &str, name: &str, (expect, case): (Value, Value)) {
        self.file.add(stage, name, expect, case);
    }

    /// One step.
    fn one(
        &mut self,
        stage: &str,
        name: &str,
        before: InForce<'_>,
        step: Step,
        outcome: &str,
        after: InForce<'_>,
    ) {
        let case = told(before, &[step], &[outcome], after);
        self.add(stage, name, case);
    }
}
